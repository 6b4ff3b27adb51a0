"""Which language a part of a prompt is in: by its script, else by the small words that every sentence has."""

from __future__ import annotations

import re
from functools import lru_cache

from nano_flow.routing.words.asked import Part

_SCRIPTS = (
    ("ja", 0x3040, 0x30FF),
    ("ko", 0xAC00, 0xD7AF),
    ("zh", 0x3400, 0x9FFF),
    ("ru", 0x0400, 0x04FF),
    ("ar", 0x0600, 0x06FF),
    ("hi", 0x0900, 0x097F),
    ("th", 0x0E00, 0x0E7F),
    ("el", 0x0370, 0x03FF),
    ("he", 0x0590, 0x05FF),
)
_SMALL_WORDS = {
    "en": "the a an of to and in is are this that for with it be on as by from at or not which what how you your",
    "de": "der die das den dem des ein eine einen einem und ist sind für mit von zu auf im nicht aus wie was als bei",
    "fr": "le la les un une des du de et est sont pour avec dans sur que qui ce cette au aux en pas par comment",
    "es": "el la los las un una de del y es son para con en que por se al como su lo qué cuál",
    "pt": "o a os as um uma de do da dos das e é são para com em que por se ao como no na não qual",
    "it": "il lo la gli le un una di del della e è sono per con in che da si al come non nel",
    "nl": "de het een van en is zijn voor met op in dat die niet te aan hoe wat bij uit",
    "pl": "i w z na do że się jest są dla od nie o jak za po przez oraz co to czy",
    "tr": "bir ve bu için ile da de mi ne olan olarak şu en daha gibi çok var hangi nasıl",
    "sv": "och en ett det som är för med på av till inte den att hur vad",
}
_SETS = {language: frozenset(words.split()) for language, words in _SMALL_WORDS.items()}
_LETTERS = {"tr": "ğışİ", "pl": "łąęśżźćń", "de": "ß", "es": "¿¡ñ", "pt": "ãõ", "fr": "œ", "sv": "å"}
_WIDE = re.compile(r"[\u0370-\u0e7f\u3040-\u9fff\uac00-\ud7af]")
_SAMPLED = 60
"""Characters whose script is looked up."""
_UKRAINIAN, _PERSIAN = "іїєґ", "پچژگ"


def language_of(part: Part) -> str:
    """ISO 639-1; English where nothing tells: code, numbers, a single word."""
    text = part.text[:300]
    plain = text.isascii()
    if not plain:
        script = _by_script(text)
        if script:
            return _neighbour(script, text)
    words = part.words
    best, most = "en", 0.0
    for language, small in _SETS.items():
        marks = "" if plain else _LETTERS.get(language, "")
        count = len(small & words) + (1.5 if marks and any(mark in text for mark in marks) else 0.0)
        if count > most:
            best, most = language, count
    return best


def _by_script(text: str) -> str:
    """The script that a tenth of the text is in; Japanese before Chinese, whose characters it uses too."""
    wide = _WIDE.findall(text)
    if len(wide) * 6 <= len(text.replace(" ", "")):
        return ""
    counts: dict[str, int] = {}
    for character in wide[:_SAMPLED]:
        name = _script_of(ord(character))
        counts[name] = counts.get(name, 0) + 1
    if counts.get("ja", 0) * 20 > counts.get("zh", 0):
        counts["ja"] += counts.pop("zh", 0)
    return max(counts, key=lambda script: counts[script])


@lru_cache(maxsize=4096)
def _script_of(code: int) -> str:
    return next((name for name, first, last in _SCRIPTS if first <= code <= last), "")


def _neighbour(script: str, text: str) -> str:
    if script == "ru" and any(letter in text for letter in _UKRAINIAN):
        return "uk"
    return "fa" if script == "ar" and any(letter in text for letter in _PERSIAN) else script
