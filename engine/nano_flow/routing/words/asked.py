"""What a prompt asks for, apart from the material that it asks it of: found by structure, in any language.

A pasted contract is long, and reading one date off it is not hard. So code fences, tables, long quotations and
documents are set aside, and so is the sentence that says who the model is to be; what is left of the first paragraph,
and a short last one, is the asked part. Its first sentence is the opening, its short sentences are the remarks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

HEAD = 4
"""First letters that words are sorted by."""
_ASCII = frozenset(map(chr, range(128)))
_HEAD, _TAIL = 6_000, 2_000
"""Characters of a long text in which what is asked is looked for."""
_FIRST, _LAST, _FEW = 700, 350, 60
"""Characters of the first paragraph, and of the last one, that count; words that the last one has at most."""
_QUOTED = {
    '"': re.compile(r'"(?:""[\s\S]{0,6000}?"""|[^"\n]{40,}")'),
    "<<<": re.compile(r"<<<[\s\S]{0,6000}?>>>"),
    "“": re.compile(r"“[^”]{40,}”"),
    "„": re.compile(r"„[^“”]{40,}[“”]"),
    "«": re.compile(r"«[^»]{40,}»"),
    "「": re.compile(r"「[^」]{20,}」"),
    "『": re.compile(r"『[^』]{20,}』"),
}
"""Long quotations by their opening mark, which most texts have none of."""
_PARAGRAPH = re.compile(r"\n[ \t]*\n|\n-{3,}\n|\n(?=#{1,4} )")
_BRACKET = re.compile(r"(?:\A|\n)\s*[\[{(]")
_ROLE = re.compile(
    r"\W*(?:(?:you are|you're|act as|you support|you work|you classify|du bist|sie sind|du unterstützt|tu es|vous êtes"
    r"|eres|usted es|es usted|você é|sei un|lei è|je bent|u bent|jesteś|ты |вы |sen |أنت|आप|तुम)[^.!?\n]*[.!?\n:]?"
    r"|(?:你是|您是|作为|あなたは|당신은)[^。！？\n]*[。！？\n]?"
    r"|\[[^\]\n]{0,120}\]"
    r"|(?:role|rolle|rol|rôle|rola|роль|角色|役割)\s*[:：][^\n]*)",
    re.IGNORECASE,
)
_HEADING = re.compile(r"\W{0,4}[\w /&()-]{1,40}[\s:：*#】]{0,3}")
_SENTENCE_END = re.compile(r"[.!?؟](?=\s|$)|[。！？।]|\n")
_REMARK = re.compile(r"(?<=[.!?؟])\s|[。！？।\n;；؛]")
_TONGUES = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_UNSPACED_BYTES = tuple(bytes((byte,)) for byte in range(0xE3, 0xEA))
"""What Chinese and Japanese characters begin with in UTF-8."""
_KANA_BYTES = (b"\xe3\x81", b"\xe3\x82", b"\xe3\x83")
_ASCII_WORD = re.compile(rb"[A-Za-z0-9_]+")
_CHINESE, _JAPANESE = 1.65, 2.3
"""Characters that say as much as one English word, counted on translations."""
_MANY = 6
"""Paragraphs of a pasted text: the last of so many is the end of it, unless it asks."""
_SHORT_REMARK, _OPENING = 12, 5
"""Words of the longest remark; words that an opening has at least."""
_JOINED = re.compile(r"[^\w\u0300-\u036f\u0900-\u0963\u0966-\u097f-]+")
_BLANKED = bytes(ord(chr(b).lower()) if chr(b).isalnum() or chr(b) in "_-" else 32 for b in range(128)) + bytes(128)
"""The same for ASCII: letters are made small, blanks stand for all else."""
_ARABIC = re.compile("[\u0621-\u064a]")
_JOINED_ON = ("و", "ف", "ال", "وال", "بال", "لل", "ب", "ل")
"""And, so, the, with the, for the …: one word with what follows, in writing."""
_VOWEL_SIGNS = re.compile("[\u064b-\u0652\u0640]")
"""Arabic vowel signs and the stroke that only stretches a word."""


@dataclass(frozen=True)
class Part:
    """One part of a prompt, ready to be searched: ``folded`` is lower case, with single blanks between its words."""

    text: str

    @cached_property
    def folded(self) -> str:
        """Words in a row, a blank before and after each."""
        if self.text.isascii():
            return f" {' '.join(self.text.encode().translate(_BLANKED).decode().split())} "
        return f" {_JOINED.sub(' ', plain(self.text)).strip()} "

    @cached_property
    def words(self) -> frozenset[str]:
        """Its words; of compounds with a dash the parts; Arabic ones also without what is joined to their front."""
        words = self.folded.split()
        if "-" in self.folded:
            words += [part for word in words if "-" in word for part in word.split("-") if part]
        if not self.text.isascii() and _ARABIC.search(self.folded):
            words += [word[len(joined) :] for word in words for joined in _JOINED_ON if word.startswith(joined)]
        return frozenset(words)

    @cached_property
    def heads(self) -> dict[str, list[str]]:
        """Its words by their first letters, of which an entry that is a prefix has at least so many."""
        found: dict[str, list[str]] = {}
        for word in self.words:
            found.setdefault(word[:HEAD], []).append(word)
        return found

    @cached_property
    def beginnings(self) -> frozenset[str]:
        """The first letters of its words."""
        return frozenset([word[:HEAD] for word in self.words])

    @cached_property
    def letters(self) -> frozenset[str]:
        """Its characters beyond ASCII."""
        return frozenset() if self.text.isascii() else frozenset(self.folded) - _ASCII


@dataclass(frozen=True)
class Asked:
    """The asked part of one prompt. ``ask`` is all of it."""

    ask: Part

    @cached_property
    def opening(self) -> Part:
        """Its first sentence, or as many as make five words."""
        text = self.ask.text
        for found in _SENTENCE_END.finditer(text):
            if english_words(text[: found.end()]) >= _OPENING:
                return Part(text[: min(found.end(), 400)])
        return Part(text[:400])

    @cached_property
    def remarks(self) -> Part:
        """Its sentences of at most twelve words: "Only the date.", "Just the number." stand there."""
        return Part("\n".join(s for s in sentences(self.ask.text) if 0 < english_words(s) <= _SHORT_REMARK))


PARTS = ("ask", "opening", "remarks")
"""The names of the parts that a list of words may be looked for in."""


def asked_part(text: str) -> Asked:
    """Find what ``text`` asks for. Long texts are looked at where that stands: at their beginning and their end."""
    if len(text) > _HEAD + _TAIL:
        text = f"{text[:_HEAD]}\n\n{text[-_TAIL:]}"
    pieces = _PARAGRAPH.split(_without_material(text))
    begins = _paragraphs(pieces)
    paragraphs = [*islice(begins, 1)]
    if not paragraphs:
        return Asked(Part(text[:400]))
    first = _first_asked(paragraphs, begins)
    parts = [first[:_FIRST]] if first else []
    last = next(_paragraphs(reversed(pieces)))
    new = len(last) <= 2 * _LAST and not (first and (first in last or last in first)) and english_words(last) <= _FEW
    if new and _is_asked_at_the_end(last, len(paragraphs) + len([*islice(begins, _MANY)])):
        parts.append(last)
    return Asked(Part("\n".join(parts) or paragraphs[0][:400]))


def _is_asked_at_the_end(last: str, paragraphs: int) -> bool:
    """The last of many paragraphs is the end of a pasted text, unless it asks."""
    return paragraphs > 1 and (paragraphs < _MANY or last.rstrip().endswith(("?", "？", "؟")))


def _first_asked(paragraphs: list[str], more: Iterator[str]) -> str:
    """The first paragraph that is neither a role nor a heading; ``paragraphs`` gets those that were looked at."""
    paragraph: str | None = paragraphs[0]
    while paragraph is not None:
        rest = _without_role(paragraph)
        if len(rest) >= 8 and not _is_heading(rest):
            return rest
        paragraph = next(more, None)
        if paragraph is not None:
            paragraphs.append(paragraph)
    return ""


def sentences(text: str) -> list[str]:
    """What stands between the ends of sentences, lines and semicolons."""
    return _REMARK.split(text)


def plain(text: str) -> str:
    """Lower case, without marks that a writer may leave out."""
    text = text.lower()
    return text if text.isascii() else _VOWEL_SIGNS.sub("", text)


def english_words(text: str) -> float:
    """About how many words an English text of the same content has."""
    if text.isascii():
        return float(len(text.split()))
    data = text.encode("utf-8", "replace")
    wide = sum(map(data.count, _UNSPACED_BYTES))
    if not wide:
        return float(len(text.split()))
    other = len(_ASCII_WORD.findall(data)) if wide * 6 > len(data) else len(text.split())
    return other + words_of_wide(data, wide)


def words_of_wide(beyond: bytes, wide: int) -> float:
    """English words that say as much as ``wide`` Chinese or Japanese characters; ``beyond`` has them, in UTF-8."""
    return wide / (_JAPANESE if sum(map(beyond.count, _KANA_BYTES)) * 20 > wide else _CHINESE)


def _without_material(text: str) -> str:
    if "```" in text:
        text = " \n\n".join(text.split("```")[::2])
    for mark, quoted in _QUOTED.items():
        if mark in text:
            text = quoted.sub(' " ', text)
    return text


def _paragraphs(pieces: Iterable[str]) -> Iterator[str]:
    """Paragraphs without the lines of tables; none where nothing is left of one."""
    for paragraph in pieces:
        lines = paragraph.split("\n")
        if "|" in paragraph or "\t" in paragraph or paragraph.count(",") > 2 or _BRACKET.search(paragraph):
            lines = [line for line in lines if not _of_a_table(line)]
        left = "\n".join([line for line in lines if line and not line.isspace()])
        if left:
            yield left


def _of_a_table(line: str) -> bool:
    """Rows of tables and of exports, and the first line of a JSON value."""
    if line.count("|") >= 2 or line.count("\t") >= 2 or line.lstrip()[:1] in "[{(":
        return True
    commas = line.count(",")
    return commas >= 3 and line.count(" ") <= commas and sum(map(str.isdigit, line)) >= 3


def _without_role(paragraph: str) -> str:
    for _ in range(4):
        role = _ROLE.match(paragraph)
        if role is None or not role[0].strip():
            break
        paragraph = paragraph[role.end() :]
    return paragraph.strip()


def _is_heading(paragraph: str) -> bool:
    if len(paragraph) > 50 or "\n" in paragraph or _HEADING.fullmatch(paragraph) is None:
        return False
    return len(paragraph) <= 8 or _TONGUES.search(paragraph) is None
