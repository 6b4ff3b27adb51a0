"""What routing knows of a call: facts of the rendered prompt, of the step and of the run, counted in a few passes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from math import log
from operator import attrgetter
from typing import NamedTuple

from nano_flow.core.messages import Json
from nano_flow.routing.reading import Reading, estimate_tokens, read_text
from nano_flow.routing.words.asked import words_of_wide
from nano_flow.routing.words.lines import estimated_loc, named_lines
from nano_flow.routing.words.structure import asked_facts


class PromptFacts(NamedTuple):
    """Counts and shares of one text. Shares are 0 to 1; tokens are estimated, not measured.

    ``asked_…`` count the asked part (``AskedFacts``), ``material_words`` are all other words, of an English text of the
    same content. ``repetition`` is 1 - log(distinct words) / log(words): 0 where no word comes twice, however long.
    """

    prompt_chars: int
    prompt_tokens: int
    prompt_words: int
    distinct_words: int
    distinct_share: float
    repetition: float
    word_length: float
    sentences: int
    sentence_words: float
    lines: int
    blank_lines: int
    first_line: int
    last_line: int
    commas: int
    colons: int
    semicolons: int
    questions: int
    ends_with_question: int
    exclamations: int
    quotes: int
    apostrophes: int
    hyphens: int
    underscores: int
    parentheses: int
    brackets: int
    formula_marks: int
    operators: int
    numbers: int
    distinct_numbers: int
    decimals: int
    capital_words: int
    acronyms: int
    digits_share: float
    capitals_share: float
    beyond_ascii_share: float
    symbols_share: float
    code_blocks: int
    code_marks: int
    code_lines: int
    enumerated_items: int
    file_mentions: int
    named_lines: int
    estimated_loc: int
    asked_words: float
    asked_longest: float
    asked_commas: int
    asked_colons: int
    asked_numbers: int
    material_words: float
    language: str


@dataclass(frozen=True, slots=True)
class StepFacts:
    """What the step asks for besides its prompt; ``output_schema_size`` counts properties, nested ones too."""

    tool_count: int = 0
    output_schema_size: int = 0
    has_images: bool = False
    max_turns: int = 1
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunFacts:
    """Where in a run the call stands; ``budget_left`` is in dollars, None where nothing bounds the spend."""

    upstream_tokens: int = 0
    iteration: int = 1
    budget_left: float | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """All that signals, rules and the journal see of a call."""

    prompt: PromptFacts
    step: StepFacts = StepFacts()
    run: RunFacts = RunFacts()

    _flat: dict[str, Json] = field(default_factory=dict, repr=False, compare=False)
    """``as_json``, once somebody asked: rules, decision and journal all do, on every call."""

    def as_json(self) -> dict[str, Json]:
        """One flat mapping, floats rounded to four digits: what ``decision.facts`` holds and rules see."""
        if not self._flat:
            step, run = _STEP(self.step), _RUN(self.run)
            for name, value in zip(_GETTERS, (*self.prompt, *step, *run), strict=True):
                kind = type(value)
                self._flat[name] = value if kind is int else round(value, 4) if kind is float else _plain(value)
        return self._flat.copy()

    @classmethod
    def from_json(cls, data: Mapping[str, Json]) -> Facts:
        """What ``as_json`` wrote; a fact that was not known then is 0, a fact that is not known now is left out."""
        kinds = (PromptFacts, StepFacts, RunFacts)
        parts = (_part(kind, names, data) for kind, (_, names) in zip(kinds, _NAMES, strict=True))
        return cls(*parts)  # type: ignore[arg-type]


def _part(kind: type, names: Sequence[str], data: Mapping[str, Json]) -> object:
    usual: dict[str, Json] = {**dict.fromkeys(names, 0), "language": "en"} if kind is PromptFacts else {}
    known = {name: data[name] for name in names if name in data}
    if isinstance(tags := known.get("tags"), list):
        known["tags"] = tuple(str(tag) for tag in tags)  # type: ignore[assignment]
    return kind(**usual | known)


_NAMES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("prompt", PromptFacts._fields),
    ("step", tuple(f.name for f in fields(StepFacts))),
    ("run", tuple(f.name for f in fields(RunFacts))),
)
_GETTERS: Mapping[str, Callable[[Facts], object]] = {
    name: attrgetter(f"{part}.{name}") for part, names in _NAMES for name in names
}
_STEP, _RUN = (attrgetter(*names) for _, names in _NAMES[1:])
FEATURES: Mapping[str, Callable[[Facts], object]] = {
    name: getter for name, getter in _GETTERS.items() if name not in ("tags", "language")
}
"""Every fact that a signal's ``feature`` may name."""


def _plain(value: object) -> Json:
    if isinstance(value, tuple):
        return [str(v) for v in value]
    return value if isinstance(value, bool | int | str) else None


def gather(reading: Reading, step: StepFacts = StepFacts(), run: RunFacts = RunFacts()) -> Facts:
    """The facts of one call."""
    return Facts(prompt_facts(reading), step, run)


def facts_of(text: str) -> Facts:
    """The facts of a bare prompt."""
    return gather(read_text(text))


_FILE = re.compile(
    rb"\.(?:py|pyi|ipynb|js|mjs|jsx|tsx?|go|rs|java|kts?|swift|c|h|cc|cpp|hpp|cs|rb|php|scala|sh|sql|html?|css|scss|vue|"
    rb"svelte|md|rst|txt|json|ya?ml|toml|ini|cfg|xml|csv|proto|tf|lua|dart|exs?|erl|hs|clj|zig)(?![A-Za-z0-9_.]\w)"
)
_OPERATORS = (b"+", b"=", b"*", b"/", b"^", b"<", b">", b"%")
_CODE_MARKS = (b");", b"{\n", b"==", b"):\n")
_ITEM = re.compile(rb"\n *(?:[-*]|[0A]?0?[.)]) ")
"""How an item of a list begins in a skeleton: ``- ``, ``1. ``, ``B) ``, ``c. ``."""
_STOP = re.compile(rb"\.[ \n]")
_DIGITS_ONLY = bytes(b if 48 <= b <= 57 else 32 for b in range(256))


_COUNTED_MARKS = {
    "commas": b",",
    "colons": b":",
    "semicolons": b";",
    "questions": b"?",
    "exclamations": b"!",
    "quotes": b'"',
    "apostrophes": b"'",
    "hyphens": b"-",
    "underscores": b"_",
    "parentheses": b"(",
}
"""Facts that are the number of times that something stands among a text's marks, a tenth of its skeleton."""
_COUNTED = {"blank_lines": b"\n\n", "decimals": b"0.0", "capital_words": b" A", "acronyms": b"AA"}
"""Facts that are the number of times that something stands in a skeleton."""


def prompt_facts(reading: Reading) -> PromptFacts:
    """Count one text; about 50 µs for 1,000 tokens."""
    data, count, size = reading.data, reading.skeleton.count, len(reading.data) or 1
    words, looked_at, distinct = reading.word_count, reading.looked_at, len(reading.distinct)
    marks = reading.skeleton.translate(None, b" A0u\n")
    counted = _counted(reading, marks)
    capitals, digits, wide, lines = count(b"A"), count(b"0"), count(b"u") if reading.beyond else 0, count(b"\n")
    letters, end = len(data) - len(reading.skeleton) + capitals, data.rstrip()
    numbers = data.translate(_DIGITS_ONLY).split() if digits else []
    stops = len(_STOP.findall(data)) + (data[-1:] == b".") if b"." in marks else 0
    sentences = max(1, stops + counted["questions"] + counted["exclamations"])
    fences, operators = count(b"```") // 2, sum(map(marks.count, _OPERATORS))
    code = sum(map(count, _CODE_MARKS)) if counted["semicolons"] or operators else 0
    files = len(_FILE.findall(data)) if marks.count(b".") > stops else 0
    items = (len(_ITEM.findall(reading.skeleton)) if lines else 0) + count(b" (0) ")
    return PromptFacts(
        **counted,
        prompt_chars=len(reading.text),
        prompt_tokens=estimate_tokens(reading),
        prompt_words=words,
        distinct_words=distinct,
        distinct_share=distinct / looked_at if looked_at else 1.0,
        repetition=1.0 - log(distinct) / log(looked_at) if looked_at > 1 else 0.0,
        word_length=(letters + wide / 2) / words if words else 0.0,
        sentences=sentences,
        sentence_words=words / sentences,
        lines=1 + lines,
        first_line=(data.find(b"\n") if lines else size) if data else 0,
        last_line=len(end) - end.rfind(b"\n") - 1,
        ends_with_question=int(end.endswith(b"?")),
        brackets=marks.count(b"[") + marks.count(b"{"),
        formula_marks=marks.count(b"$") + marks.count(b"\\"),
        operators=operators,
        numbers=len(numbers),
        distinct_numbers=len(set(numbers)),
        digits_share=digits / size,
        capitals_share=capitals / (letters or 1),
        beyond_ascii_share=wide / size,
        symbols_share=len(marks) / size,
        code_blocks=fences,
        code_marks=code,
        code_lines=count(b"\n    ") + count(b"\n\t") if code or fences else 0,
        enumerated_items=items,
        file_mentions=files,
        named_lines=(named := named_lines(reading, wide) if digits else 0),
        estimated_loc=estimated_loc(reading, named, files, items, fences),
        **(asked := asked_facts(reading.asked))._asdict(),
        material_words=max(0.0, round(_words_in_all(reading) - asked.asked_words, 1)),
        language=reading.language,
    )


def _words_in_all(reading: Reading) -> float:
    """English words of the whole text."""
    return reading.spaced + words_of_wide(reading.beyond, reading.wide) if reading.wide else float(reading.word_count)


def _counted(reading: Reading, marks: bytes) -> dict[str, int]:
    """What is counted by looking for it."""
    found = dict(zip(_COUNTED_MARKS, map(marks.count, _COUNTED_MARKS.values()), strict=True))
    return found | dict(zip(_COUNTED, map(reading.skeleton.count, _COUNTED.values()), strict=True))
