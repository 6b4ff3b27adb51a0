"""Personal data in a text: found by form and check digits; its kinds are told, never the data."""

from __future__ import annotations

import re
from collections.abc import Callable

_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,5}\.[A-Za-z]{2,24}\b")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_CARD = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-])")
_SSN = re.compile(r"(?<![\w-])(\d{3})-(\d{2})-(\d{4})(?![\w-])")
_PHONE = re.compile(
    r"(?<![\w.])(?:\+|00)[1-9]\d{0,2}[ ./-]?(?:\(\d{1,4}\)[ ./-]?)?\d(?:[ ./-]?\d){5,11}(?!\w)"
    r"|(?<!\w)\(\d{3}\) ?\d{3}-\d{4}(?!\w)"
)
_ADDRESS = re.compile(
    r"\b\d{1,5}[a-z]? (?:[A-Z][\w'.-]+ ){1,3}(?:Street|St|Road|Rd|Avenue|Ave|Lane|Drive|Boulevard|Court|Way)\b"
    r"|\b[A-ZÄÖÜ][\wäöüß.-]*(?:straße|strasse|str\.|weg|gasse|platz|allee) \d{1,4}[a-z]?\b"
    r"|\b\d{1,4},? (?:rue|avenue|boulevard|place|chemin) [\w' -]{3,40}"
    r"|\b(?:[Cc]alle|[Aa]venida|[Rr]ua|[Vv]ia|[Uu]l\.) [\w' .-]{3,40},? \d{1,4}\b"
)
_SEARCHED = 100_000
"""Characters that are looked at."""


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


def _always(text: str) -> bool:
    return True


_KINDS: tuple[tuple[str, str, re.Pattern[str], Callable[[str], bool]], ...] = (
    ("email", "@", _EMAIL, _always),
    ("iban", "", _IBAN, _mod_97),
    ("card", "", _CARD, _luhn),
    ("social_security", "-", _SSN, _issued),
    ("phone", "", _PHONE, _always),
    ("address", "", _ADDRESS, _always),
)
KINDS = tuple(name for name, *_ in _KINDS)
"""All that is looked for."""
_DIGIT = re.compile(r"\d")


def personal_data(text: str) -> tuple[str, ...]:
    """The kinds of personal data that ``text`` holds."""
    text = text[:_SEARCHED]
    if "@" not in text and _DIGIT.search(text) is None:
        return ()
    return tuple(
        name
        for name, mark, pattern, holds in _KINDS
        if mark in text and any(holds(found[0]) for found in pattern.finditer(text))
    )
