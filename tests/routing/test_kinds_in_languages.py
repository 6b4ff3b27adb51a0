"""Shipped kinds of task on orders of ten kinds in twelve languages, none of which is a word list's own example."""

from __future__ import annotations

from pathlib import Path

import pytest

from nano_flow.bundled import bundled_text
from nano_flow.documents.load import load_routing
from nano_flow.project.policies import compiled
from nano_flow.routing.facts import gather
from nano_flow.routing.reading import read_text
from nano_flow.routing.rules import RoutingPolicy

LANGUAGES = ("en", "de", "fr", "es", "pt", "pl", "tr", "ru", "ar", "hi", "zh", "ja")
ORDERS = {
    "summary": (
        "Summarise the minutes in five lines.",
        "Fasse das Protokoll in fünf Zeilen zusammen.",
        "Résume le compte rendu en cinq lignes.",
        "Resume el acta en cinco líneas.",
        "Resuma a ata em cinco linhas.",
        "Streść protokół w pięciu zdaniach.",
        "Tutanağı beş satırda özetle.",
        "Изложи протокол кратко, в пяти строках.",
        "لخص محضر الاجتماع في خمسة أسطر.",
        "कार्यवृत्त का सारांश पाँच पंक्तियों में दीजिए।",
        "用五行总结会议记录。",
        "議事録を五行で要約してください。",
    ),
    "data_extraction": (
        "Extract the names and amounts from this invoice.",
        "Extrahiere Namen und Beträge aus dieser Rechnung.",
        "Extrais les noms et les montants de cette facture.",
        "Extrae los nombres y los importes de esta factura.",
        "Extraia os nomes e os valores desta fatura.",
        "Wyodrębnij nazwiska i kwoty z tej faktury.",
        "Bu faturadan adları ve tutarları ayıkla.",
        "Извлеки имена и суммы из этого счёта.",
        "استخرج الأسماء والمبالغ من هذه الفاتورة.",
        "इस बिल से नाम और राशि निकालिए।",
        "从这张发票中提取姓名和金额。",
        "この請求書から氏名と金額を抽出してください。",
    ),
    "classification": (
        "Classify every ticket as bug, wish or praise.",
        "Klassifiziere jedes Ticket als Fehler, Wunsch oder Lob.",
        "Classez chaque ticket : panne, souhait ou éloge.",
        "Clasifica cada aviso como fallo, deseo o elogio.",
        "Classifique cada chamado como falha, desejo ou elogio.",
        "Sklasyfikuj każde zgłoszenie: błąd, życzenie albo pochwała.",
        "Her kaydı hata, dilek ya da övgü diye sınıflandır.",
        "Классифицируй каждое обращение: сбой, пожелание или похвала.",
        "صنف كل بلاغ: عطل أو أمنية أو مدح.",
        "हर टिकट को वर्गीकृत कीजिए: दोष, इच्छा या प्रशंसा।",
        "把每张工单分类为故障、愿望或表扬。",
        "各チケットを不具合・要望・称賛に分類してください。",
    ),
    "coding": (
        "Write a Python function that removes duplicates.",
        "Schreibe eine Python-Funktion, die Dubletten entfernt.",
        "Écris une fonction Python qui retire les doublons.",
        "Escribe una función de Python que quite duplicados.",
        "Escreva uma função Python que remova duplicatas.",
        "Napisz funkcję w Pythonie, która usuwa duplikaty.",
        "Yinelenenleri silen bir Python fonksiyonu yaz.",
        "Напиши функцию на Python, которая убирает повторы.",
        "اكتب دالة بلغة Python تزيل التكرار.",
        "दोहराव हटाने वाला Python फ़ंक्शन लिखिए।",
        "写一个去除重复项的 Python 函数。",
        "重複を取り除く Python の関数を書いてください。",
    ),
    "maths": (
        "How many litres does the tank hold when it is 40 % full?",
        "Wie viele Liter fasst der Tank, wenn er zu 40 % voll ist?",
        "Combien de litres contient la cuve remplie à 40 % ?",
        "¿Cuántos litros contiene el depósito lleno al 40 %?",
        "Quantos litros há no tanque cheio a 40 %?",
        "Oblicz, ile litrów mieści zbiornik pełny w 40 %.",
        "Depo %40 doluyken kaç litre su var?",
        "Сколько литров в баке, полном на 40 %?",
        "احسب عدد اللترات في الخزان الممتلئ بنسبة 40٪.",
        "टंकी 40 % भरी है, उसमें कितने लीटर हैं, गणना कीजिए।",
        "水箱装满百分之四十时有多少升？",
        "タンクが40％のとき、水は何リットルか計算してください。",
    ),
    "planning": (
        "Plan the move of our office over two weekends.",
        "Mach einen Zeitplan für unseren Umzug an zwei Wochenenden.",
        "Planifie notre déménagement sur deux week-ends.",
        "Planifica la mudanza de la oficina en dos fines de semana.",
        "Planeje a mudança do escritório em dois fins de semana.",
        "Zaplanuj przeprowadzkę biura na dwa weekendy.",
        "Ofisin iki hafta sonunda taşınmasını planla.",
        "Спланируй переезд офиса за два выходных.",
        "ضع خطة لنقل المكتب خلال عطلتين.",
        "दफ़्तर को दो सप्ताहांत में बदलने की योजना बनाइए।",
        "为办公室两个周末的搬迁制定计划。",
        "二回の週末で事務所を移す計画を立ててください。",
    ),
    "writing": (
        "Draft a friendly letter to a neighbour.",
        "Verfasse einen freundlichen Brief an eine Nachbarin.",
        "Rédige une lettre aimable à une voisine.",
        "Redacta una carta amable a una vecina.",
        "Redija uma carta gentil a uma vizinha.",
        "Napisz miły list do sąsiadki.",
        "Komşuya nazik bir mektup yaz.",
        "Напиши приветливое письмо соседке.",
        "اكتب رسالة لطيفة إلى الجارة.",
        "पड़ोसी को एक विनम्र पत्र लिखिए।",
        "给邻居写一封友好的信。",
        "隣の人に丁寧な手紙を書いてください。",
    ),
    "question": (
        "Who may enter the building after nine?",
        "Wer darf das Gebäude nach neun betreten?",
        "Qui peut entrer dans le bâtiment après neuf heures ?",
        "¿Quién puede entrar en el edificio después de las nueve?",
        "Quem pode entrar no prédio depois das nove?",
        "Kto może wejść do budynku po dziewiątej?",
        "Dokuzdan sonra binaya kim girebilir?",
        "Кто может войти в здание после девяти?",
        "من يمكنه دخول المبنى بعد التاسعة؟",
        "नौ बजे के बाद भवन में कौन जा सकता है?",
        "九点以后谁可以进入大楼？",
        "九時以降、誰が建物に入れますか？",
    ),
    "translation": (
        "Translate the notice for our guests.",
        "Übersetze den Aushang für unsere Gäste.",
        "Traduis l'affiche pour nos clients.",
        "Traduce el aviso para nuestros huéspedes.",
        "Traduza o aviso para os nossos hóspedes.",
        "Przetłumacz ogłoszenie dla naszych gości.",
        "Duyuruyu misafirlerimiz için çevir.",
        "Переведи объявление для наших гостей.",
        "ترجم الإعلان لضيوفنا.",
        "हमारे मेहमानों के लिए सूचना का अनुवाद कीजिए।",
        "把这张告示翻译给我们的客人。",
        "お客様のために掲示を翻訳してください。",
    ),
    "tool_use": (
        "Use the tool get_weather for Lisbon.",
        "Rufe das Werkzeug get_weather für Lissabon auf.",
        "Appelle l'outil get_weather pour Lisbonne.",
        "Llama a la herramienta get_weather para Lisboa.",
        "Chame a ferramenta get_weather para Lisboa.",
        "Wywołaj narzędzie get_weather dla Lizbony.",
        "Lizbon için get_weather aracını çağır.",
        "Вызови инструмент get_weather для Лиссабона.",
        "استدع الأداة get_weather لمدينة لشبونة.",
        "लिस्बन के लिए get_weather उपकरण बुलाइए।",
        "为里斯本调用工具 get_weather。",
        "リスボンについてツール get_weather を呼び出してください。",
    ),
}


@pytest.fixture(scope="module")
def shipped() -> RoutingPolicy:
    return compiled(load_routing(bundled_text("routing.yaml"), "routing.yaml"), str(Path.cwd()))


@pytest.mark.parametrize("kind", ORDERS)
def test_a_shipped_kind_is_told_in_every_language(kind: str, shipped: RoutingPolicy) -> None:
    for language, prompt in zip(LANGUAGES, ORDERS[kind], strict=True):
        reading = read_text(prompt)
        names = gather(reading).as_json()
        first = next((each.name for each in shipped.kinds if each.found(names, reading) is not None), None)
        assert (language, first) == (language, kind)


def test_every_shipped_kind_is_tried() -> None:
    shipped = load_routing(bundled_text("routing.yaml"), "routing.yaml").document
    assert set(shipped.kinds or ()) == {*ORDERS, "code"}
