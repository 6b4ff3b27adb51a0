"""How many lines of code a task is about: as it says, else by the parts, files and demands that it lists."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nano_flow.routing.reading import Reading

_LINE_WORDS = tuple(
    word.encode()
    for word in ("lines", "line", "loc", "lignes", "zeilen", "regels", "linhas", "linee", "líneas", "linii", "satır")
)
_WIDE_LINE_WORDS = ("строк", "рядків", "سطر", "خط", "שורות", "पंक्ति", "บรรทัด", "줄", "行")
_WIDE_LINE_BYTES = tuple(map(str.encode, _WIDE_LINE_WORDS))
_NUMBER_BEFORE = re.compile(rb"(?<![\d.])(\d{1,3}(?:[_ ]\d{3}){1,2}|\d{1,6})(k?) {0,2}$")
_WIDE_LINES = re.compile(rb"[0-9]k? {0,2}(" + "|".join(_WIDE_LINE_WORDS).encode() + b")")
_ENDS_A_NUMBER = frozenset(b"0123456789k")
_PARTS = frozenset(
    b"api apis app application auth authentication backend bot cache cli client component crawler dashboard database "
    b"endpoint endpoints form frontend game integration interface library microservice middleware module package page "
    b"parser pipeline plugin program queue scheduler schema scraper script server service site tests website widget "
    b"aplicacion biblioteca datenbank dienst interfaz module programa programm servicio servidor seite tabla".split()
)
_BUILDING = frozenset(
    b"add build code create design develop extend generate implement make migrate port program prototype refactor "
    b"rewrite scaffold write anlegen baue baut entwickle entwickeln entwirf erstelle erstellen implementiere schreibe "
    b"crea crear construye desarrolla disena escribe implementa ajoute cree creer developpe ecris ecrire concevoir "
    b"crie desenvolva escreva implemente scrivi sviluppa".split()
)
_LINES_OF_A_FILE, _LINES_OF_A_PART, _LINES_OF_AN_ITEM = 40, 60, 20


def named_lines(reading: Reading, wide: int) -> int:
    """The largest N of "N lines"; looks only where the word stands, at most twenty times a word."""
    largest, data = 0, reading.folded
    for word in _LINE_WORDS:
        at = data.find(word) if word in reading.distinct else -1
        for _ in range(20):
            if at < 0:
                break
            if not _ENDS_A_NUMBER.isdisjoint(data[max(0, at - 3) : at]):
                largest = max(largest, _number_before(data, at))
            at = data.find(word, at + 1)
    found = islice(_WIDE_LINES.finditer(data), 20) if wide and any(map(data.__contains__, _WIDE_LINE_BYTES)) else ()
    return max((largest, *(_number_before(data, match.start(1)) for match in found)))


def _number_before(data: bytes, at: int) -> int:
    """The number that ends at ``at``; 0 where none does."""
    match = _NUMBER_BEFORE.search(data, max(0, at - 14), at)
    return int(re.sub(rb"\D", b"", match[1])) * (1000 if match[2] else 1) if match else 0


def estimated_loc(reading: Reading, named: int, files: int, items: int, fences: int) -> int:
    """Lines of code that the task asks for: as named, else by the parts, files and demands that it lists."""
    parts = len(_PARTS & reading.distinct) if _BUILDING & reading.distinct else 0
    if not (named or files or fences or parts):
        return 0
    return max(named, _LINES_OF_A_FILE * files + _LINES_OF_A_PART * parts + _LINES_OF_AN_ITEM * items)
