"""Facts of a reply: what can be counted in it that tells a doubtful answer from a sound one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter

from nano_flow.routing.reading import estimate_tokens, read_text
from nano_flow.routing.replies.equations import bare, check_sums, numbers_of


@dataclass(frozen=True, slots=True)
class ReplyFacts:
    """Counts and shares of one reply beside its prompt; ``json_valid`` and ``agreement`` are None where not asked.

    ``unused_numbers`` stand in the prompt and not in the reply; ``underived`` is 1 where the reply ends with a number
    that stands nowhere before in it; ``fractional`` where that is no whole number. ``equations_per_number`` counts the
    sums for each number of the prompt.
    """

    prompt_words: int
    reply_tokens: int
    reply_words: int
    steps: int
    equations: int
    wrong_equations: int
    equations_per_number: float
    unused_numbers: int
    underived: int
    fractional: int
    numbers: int
    unfinished: int
    unmarked: int
    hedges: int
    corrections: int
    questions: int
    repeated_lines: int
    words_per_number: float
    length_ratio: float
    json_valid: int | None = None
    agreement: float | None = None


REPLY_FEATURES: Mapping[str, Callable[[ReplyFacts], object]] = {
    field.name: attrgetter(field.name) for field in fields(ReplyFacts)
}

_HEDGES = re.compile(
    r"\b(?:not sure|unsure|cannot|can't determine|unclear|it depends|might be|may be|possibly|probably|i think"
    r"|assum\w{1,6}|not specified|not given|approximately|insufficient|not enough information|however"
    r"|nicht sicher|unklar|vermutlich|möglicherweise|nicht angegeben|pas sûre?|peut-être|probablement|non précisé"
    r"|no estoy segur[oa]|quizás|posiblemente|probablemente|no se indica|não tenho certeza|talvez|provavelmente"
    r"|non sono sicur[oa]|forse|probabilmente|nie jestem pew\w{1,4}|prawdopodobnie|być może|не уверен\w?|возможно"
    r"|вероятно|не указано|emin değilim|belki|muhtemelen|लगभग|शायद|संभवतः|ربما|لست متأكد\w?|غير واضح)\b"
    r"|不确定|可能是|大概|无法确定|未说明|たぶん|おそらく|分かりません|不明|확실하지|아마",
    re.IGNORECASE,
)
_CORRECTIONS = re.compile(
    r"\b(?:wait|actually|sorry|apologi[sz]e|mistake|correction|let me re|moment mal|entschuldigung|korrektur|pardon"
    r"|désolée?|perdón|desculpe|scusa|przepraszam|извините|ошибка|özür|عذرا|माफ़)\b"
    r"|抱歉|更正|すみません|訂正|죄송",
    re.IGNORECASE,
)
_MARKED = re.compile(
    r"####|\bfinal answer\b|\\boxed|\banswer is\b|\banswer:|\bantwort(?: ist|:)|\bréponse(?: est| ?:)"
    r"|\brespuesta(?: es|:)|\bresposta(?: é|:)|\brisposta(?: è|:)|\bantwoord(?: is|:)|\bodpowiedź(?: to|:)"
    r"|\bответ ?[:—-]|\b(?:cevap|yanıt)\w{0,3} ?:|الإجابة|الجواب|उत्तर ?[:है]|答案|答[:：]|答え|정답",
    re.IGNORECASE,
)
_READ_AT_MOST = 40_000
_ENDS = (".", "!", "?", ")", "]", "}", '"', "'", "`", "*", ":", "。", "！", "？", "”", "|", ">")


def reply_facts(
    reply: str, prompt: str = "", *, stopped: bool = True, others: Sequence[str] = (), wants_json: bool = False
) -> ReplyFacts:
    """Count a reply. ``stopped`` is False where the provider cut it off; ``others`` are further samples."""
    text, question = reply[:_READ_AT_MOST], prompt[:_READ_AT_MOST]
    reading, asked_words = read_text(text), read_text(question).word_count
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    sums = check_sums(text)
    asked, said = set(numbers_of(question)), numbers_of(bare(text))
    answer = said[-1] if said else None
    return ReplyFacts(
        prompt_words=asked_words,
        reply_tokens=estimate_tokens(reading),
        reply_words=reading.word_count,
        steps=len(lines),
        equations=sums.read,
        wrong_equations=sums.wrong,
        equations_per_number=sums.read / (len(asked) or 1),
        unused_numbers=len(asked.difference(said)) if said else 0,
        underived=int(answer is not None and answer not in said[:-1]),
        fractional=int(answer is not None and answer != int(answer)),
        numbers=len(said),
        unfinished=int(not stopped or not _whole(text, lines[-1] if lines else "")),
        unmarked=int(_MARKED.search(text) is None),
        hedges=len(_HEDGES.findall(text)),
        corrections=len(_CORRECTIONS.findall(text)),
        questions=text.count("?"),
        repeated_lines=len(lines) - len(set(lines)),
        words_per_number=reading.word_count / (len(said) or 1),
        length_ratio=reading.word_count / (asked_words or 1),
        json_valid=_json_valid(reply) if wants_json else None,
        agreement=_agreement(reply, others) if others else None,
    )


def _whole(text: str, last: str) -> bool:
    """Whether a reply ends like one that is over: with a stop, or with a short last line that names the answer."""
    if text.count("<<") > text.count(">>") or text.count("```") % 2:
        return False
    if last.endswith(_ENDS) or last.startswith("#") or _MARKED.search(last):
        return True
    return bool(last) and "=" not in last and len(last.split()) <= 8


def _json_valid(reply: str) -> int:
    try:
        json.loads(reply)
    except ValueError:
        return 0
    return 1


def _agreement(reply: str, others: Sequence[str]) -> float:
    """The share of further samples that come to the same conclusion."""
    mine = _conclusion(reply)
    return sum(_conclusion(other) == mine for other in others) / len(others)


def _conclusion(reply: str) -> str:
    """The last number, else the words, in no order."""
    found = numbers_of(bare(reply))
    return str(found[-1]) if found else " ".join(sorted(read_text(reply).folded.decode("utf-8", "replace").split()))
