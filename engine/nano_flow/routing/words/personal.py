"""Personal data in a text: found by form and check digits; its kinds are told, never the data."""

from __future__ import annotations

import re
from collections.abc import Callable, Set

# A pattern begins with what it looks for, and looks behind that: what stands before it is then asked of few places.
_HOST = re.compile(r"[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,5}\.[A-Za-z]{2,24}\b")
_MAILBOX = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._%+-")
_IBAN = re.compile(r"[A-Z](?<!\w[A-Z])[A-Z][0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_CARD = re.compile(r"[0-9](?<![\w.-][0-9])(?:[ -]?[0-9]){12,18}(?![\w-])")
_SSN = re.compile(r"[0-9](?<![\w-][0-9])[0-9]{2}-[0-9]{2}-[0-9]{4}(?![\w-])")
_CALLED = r"[1-9][0-9]{0,2}[ ./-]?(?:\([0-9]{1,4}\)[ ./-]?)?[0-9](?:[ ./-]?[0-9]){5,11}(?!\w)"
_PHONES = (
    re.compile(r"\+(?<![\w.]\+)" + _CALLED),
    re.compile(r"00(?<![\w.]00)" + _CALLED),
    re.compile(r"\((?<!\w\()[0-9]{3}\) ?[0-9]{3}-[0-9]{4}(?!\w)"),
)
_ENGLISH = re.compile(
    r"[0-9](?<!\w[0-9])[0-9]{0,4}[a-z]? (?:[A-Z][\w'.-]+ ){1,3}"
    r"(?:Street|St|Road|Rd|Avenue|Ave|Lane|Drive|Boulevard|Court|Way)\b"
)
_GERMAN = re.compile(
    r"[A-ZÄÖÜ](?<!\w[A-ZÄÖÜ])[\wäöüß.-]*(?:straße|strasse|str\.|weg|gasse|platz|allee) \d{1,4}[a-z]?\b"
)
_FRENCH = re.compile(r"[0-9](?<!\w[0-9])[0-9]{0,3},? (?:rue|avenue|boulevard|place|chemin) [\w' -]{3,40}")
_ROMANCE = {
    word: re.compile(rf"{re.escape(word)}(?<!\w{re.escape(word)}) [\w' .-]{{3,40}},? \d{{1,4}}\b")
    for word in ("calle", "Calle", "avenida", "Avenida", "rua", "Rua", "via", "Via", "ul.", "Ul.")
}
_STREETS = frozenset(b"street st road rd avenue ave lane drive boulevard court way".split())
_RUES = frozenset(b"rue avenue boulevard place chemin".split())
_NUMBER_AND_NAMES = re.compile(rb"0 A[A'.-]* A")
"""A number, a name and a street in the outline."""
_STRASSEN = ("straße ", "strasse ", "str. ", "weg ", "gasse ", "platz ", "allee ")
_FOREIGN_DIGIT = re.compile("[\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\uff10-\uff19]")
_SEARCHED = 100_000
"""Characters that are looked at."""


def _has_address_of_mail(text: str) -> bool:
    """Looks only where an at sign stands."""
    at = text.find("@")
    while at >= 0:
        if at and text[at - 1] in _MAILBOX and _HOST.match(text, at + 1):
            return True
        at = text.find("@", at + 1)
    return False


def _luhn(text: str) -> bool:
    """The check digit of payment cards."""
    digits = [int(digit) for digit in text if digit.isdigit()]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return len(set(digits)) > 1 and digits[0] in (2, 3, 4, 5, 6) and (sum(doubled) + sum(digits[::-2])) % 10 == 0


def _mod_97(text: str) -> bool:
    """The check digits of bank accounts."""
    plain = text.replace(" ", "")
    return 15 <= len(plain) <= 34 and int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1


def _issued(text: str) -> bool:
    """Numbers of the United States that may have been issued."""
    area, group, serial = text.split("-")
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


_KINDS: tuple[tuple[str, re.Pattern[bytes], re.Pattern[str], Callable[[str], bool]], ...] = (
    ("iban", re.compile(rb"AA00(?: ?[A0]{4}){2}"), _IBAN, _mod_97),
    ("card", re.compile(rb"0(?:[ -]?0){12}"), _CARD, _luhn),
    ("social_security", re.compile(rb"000-00-0000"), _SSN, _issued),
)
"""Each kind with its form in the outline, which is looked for first, its form in the text, and what that must hold."""
KINDS = ("email", *(name for name, *_ in _KINDS), "phone", "address")
"""All that is looked for."""
_OUTLINE = bytes(65 if 65 <= b <= 90 else 48 if 48 <= b <= 57 else b for b in range(256))
_LEFT_OUT = b"abcdefghijklmnopqrstuvwxyz"


def personal_data(text: str, words: Set[bytes] | None = None) -> tuple[str, ...]:
    """The kinds of personal data that ``text`` holds; ``words`` are its words in small letters, if they are known."""
    text = text[:_SEARCHED]
    if not text.isascii():
        text = _FOREIGN_DIGIT.sub(lambda digit: str(int(digit[0])), text)
    data = text.encode("utf-8", "replace")
    outline = data.translate(_OUTLINE, _LEFT_OUT)
    if "@" not in text and b"0" not in outline:
        return ()
    found = ["email"] if "@" in text and _has_address_of_mail(text) else []
    found += [
        name
        for name, form, pattern, holds in _KINDS
        if form.search(outline) and any(holds(match[0]) for match in pattern.finditer(text))
    ]
    if any(pattern.search(text) for pattern in _PHONES):
        found.append("phone")
    if _has_address(text, outline, _words_of(data) if words is None else words):
        found.append("address")
    return tuple(found)


def _has_address(text: str, outline: bytes, words: Set[bytes]) -> bool:
    """Whether somebody's street and number stand there; each form is looked for only where a word of it stands."""
    if not _STREETS.isdisjoint(words) and _NUMBER_AND_NAMES.search(outline) and _ENGLISH.search(text):
        return True
    if b" 0" in outline and any(word in text for word in _STRASSEN) and _GERMAN.search(text):
        return True
    if not _RUES.isdisjoint(words) and _FRENCH.search(text):
        return True
    near = [form for word, form in _ROMANCE.items() if word.lower().rstrip(".").encode() in words]
    return any(form.search(text) for form in near)


def _words_of(data: bytes) -> Set[bytes]:
    return frozenset(data.lower().translate(_BLANKED).split())


_BLANKED = bytes(b if chr(b).isalnum() or b >= 128 else 32 for b in range(256))
