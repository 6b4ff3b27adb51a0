"""Labelled outcomes: which model got which prompt right, read from JSON lines or CSV, and made into pairs."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

_TRUE, _FALSE = frozenset({"true", "yes", "right", "1"}), frozenset({"false", "no", "wrong", "0"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """One reply, judged: ``right`` from 0 to 1. Its text is needed for what is learned of replies only."""

    prompt: str
    model: str
    right: float
    group: str = ""
    reply: str = ""
    source: str = ""
    """Where it comes from: what its row says, else its file."""


@dataclass(frozen=True, slots=True)
class Example:
    """One prompt and what the strong model gained on it: its outcome less the weak one's, -1 to 1."""

    prompt: str
    gain: float
    group: str = ""
    source: str = field(default="", kw_only=True)


@dataclass(frozen=True, slots=True)
class Pair:
    """Examples for one weak and one strong model."""

    weak: str
    strong: str
    examples: tuple[Example, ...]

    def digest(self) -> str:
        """Of prompts and gains, whatever their order."""
        lines = sorted(f"{example.gain!r} {example.prompt}" for example in self.examples)
        return "sha256:" + hashlib.sha256("\0".join(lines).encode("utf-8", "replace")).hexdigest()


def read_outcomes(text: str, name: str) -> list[Outcome]:
    """Rows of ``prompt, model, right`` (and ``group``). ValueError names the file and line of the first bad row."""
    outcomes = []
    for line, row in rows_of(text, name, "prompt, model and right"):
        try:
            outcomes.append(_outcome(row))
        except ValueError as error:
            raise ValueError(f"{name}:{line}: {error}") from None
    if not outcomes:
        raise ValueError(f"{name} holds no rows")
    return outcomes


def rows_of(text: str, name: str, wanted: str) -> Iterable[tuple[int, Mapping[str, object]]]:
    """Lines and rows of CSV or JSON lines, as the name says. ValueError, with what a row should hold."""
    return _csv_rows(text) if name.endswith(".csv") else _json_rows(text, name, wanted)


def _csv_rows(text: str) -> Iterable[tuple[int, Mapping[str, object]]]:
    reader = csv.DictReader(io.StringIO(text))
    for row in reader:
        yield reader.line_num, {str(key): value for key, value in row.items()}


def _json_rows(text: str, name: str, wanted: str) -> Iterable[tuple[int, Mapping[str, object]]]:
    found = False
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            hint = "" if found else "; a table is read where its name ends in .csv"
            raise ValueError(f"{name}:{number}:{error.colno}: not JSON: {error.msg}{hint}") from None
        found = True
        if not isinstance(row, dict):
            raise ValueError(f"{name}:{number}: expected an object with {wanted}")
        yield number, row


def _outcome(row: Mapping[str, object]) -> Outcome:
    missing = [key for key in ("prompt", "model", "right") if row.get(key) is None]
    if missing:
        raise ValueError(f'"{missing[0]}" is missing; a row has prompt, model and right, and may have group')
    group, reply, source = (str(row.get(key) or "") for key in ("group", "reply", "source"))
    return Outcome(str(row["prompt"]), str(row["model"]), _right(row["right"]), group, reply, source)


def _right(value: object) -> float:
    text = str(value).strip().lower()
    if text in _TRUE or text in _FALSE:
        return 1.0 if text in _TRUE else 0.0
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise ValueError(f'"right" is "{value}": expected true, false or a number from 0 to 1')
    return share


def make_pair(outcomes: Sequence[Outcome], weak: str | None = None, strong: str | None = None) -> Pair:
    """Prompts that both models answered, each once (means where a model answered it often).

    Without names, the model that is least often right is the weak one and the one that is most often right the strong.
    ValueError where there is no pair.
    """
    by_model: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    firsts: dict[str, Outcome] = {}
    for outcome in outcomes:
        by_model[outcome.model][outcome.prompt].append(outcome.right)
        firsts.setdefault(outcome.prompt, outcome)
    ranked = sorted(by_model, key=lambda model: _mean([_mean(v) for v in by_model[model].values()]))
    for name in (weak, strong):
        if name is not None and name not in by_model:
            raise ValueError(f'no outcome of "{name}"; there are outcomes of: {", ".join(ranked)}')
    low, high = weak or ranked[0], strong or ranked[-1]
    if low == high and weak and strong:
        raise ValueError(f'the weaker and the stronger model are both "{low}"')
    if low == high:
        raise ValueError(f"two models are needed; there are outcomes of: {', '.join(ranked)}")
    both = [prompt for prompt in by_model[low] if prompt in by_model[high]]
    if not both:
        raise ValueError(f'no prompt was answered by both "{low}" and "{high}"')
    return Pair(
        low,
        high,
        tuple(
            Example(
                prompt,
                _mean(by_model[high][prompt]) - _mean(by_model[low][prompt]),
                firsts[prompt].group,
                source=firsts[prompt].source,
            )
            for prompt in both
        ),
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
