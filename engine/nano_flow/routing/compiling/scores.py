"""The signals of a routing document: on facts, on words, and those of bare questions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TypeVar

from nano_flow.core.errors import DocumentError
from nano_flow.documents.routing import FeatureSignal, QuestionsDocument, SignalDocument
from nano_flow.documents.routing import MatchSignal as MatchDocument
from nano_flow.routing.compiling.reader import Path, Reader
from nano_flow.routing.facts import FEATURES, Facts
from nano_flow.routing.signals import Compensation, Questions, Scorer, Signal, curve_signal, is_pattern, match_signal
from nano_flow.routing.within import within_signal
from nano_flow.source.regex_guard import check_pattern

F = TypeVar("F")
_LATER = re.compile(r"(?<![.\w'\"])(complexity|tier|model|signals|kind|personal|prompt)\b")
"""What conditions of rules see and what is known only after the score."""
_SEEN: Mapping[str, Callable[[Facts], object]] = {
    **FEATURES,
    "tags": lambda facts: [*facts.step.tags],
    "language": lambda facts: facts.prompt.language,
}


def signals_of(
    reader: Reader, documents: Sequence[SignalDocument], features: Mapping[str, Callable[[F], object]], path: Path
) -> tuple[Signal[F], ...]:
    signals: list[Signal[F]] = []
    for place, document in enumerate(documents):
        here = (*path, place)
        if isinstance(document, FeatureSignal):
            values = [point[0] for point in document.curve]
            if any(low >= high for low, high in pairwise(values)):
                reader.say("NF513", f'the values of the curve of "{document.name}" do not rise', (*here, "curve"))
            elif reader.known("fact", document.feature, list(features), (*here, "feature")):
                getter = features[document.feature]
                signals.append(curve_signal(document.name, reader.at(here), getter, document.curve))
            continue
        signals += _listed(reader, document, here)
    return tuple(signals)


def _listed(reader: Reader, document: MatchDocument, here: Path) -> Iterator[Signal[F]]:
    """A signal on words, and what stands in for them in other languages."""
    entries = entries_of(reader, document.match, here)
    within, at, points = document.within or "text", reader.at(here), (document.points, document.at_most)
    if within == "text":
        yield match_signal(document.name, at, entries, *points)
    else:
        yield within_signal(document.name, at, within, entries, *points)
    other = document.unless_language
    if other is not None:
        where = reader.at((*here, "unless_language"))
        yield Compensation(document.name, where, frozenset(other.languages), other.points)


def questions_of(reader: Reader, document: QuestionsDocument, above: Sequence[Signal[Facts]]) -> Questions[Facts]:
    """The score of bare questions."""
    at: Path = ("complexity", "questions")
    for name in document.unless:
        reader.known("signal", name, [signal.name for signal in above], (*at, "unless", name))
    signals = signals_of(reader, document.signals, FEATURES, (*at, "signals"))
    where = reader.at((*at, "base")) if "base" in document.model_fields_set else ""
    condition = _on_facts(reader, document.when, (*at, "when"))
    return Questions(dict(document.unless), Scorer(float(document.base), signals, where), condition)


def _on_facts(reader: Reader, when: str | None, path: Path) -> Callable[[Facts], bool] | None:
    """A condition that is asked before there is a score: it sees facts alone."""
    if when is None:
        return None
    later = _LATER.search(when)
    if later is not None:
        reader.say("NF510", f'"{later[1]}" is not known yet where the score is made', path, "it is made of facts")
        return None
    try:
        holds = reader.compile_condition(when, reader.locate(path))
    except DocumentError as error:
        reader.found += error.diagnostics
        return None
    seen = {name: getter for name, getter in _SEEN.items() if re.search(rf"\b{name}\b", when)}
    return lambda facts: holds({name: getter(facts) for name, getter in seen.items()})  # type: ignore[misc]


def entries_of(reader: Reader, written: Sequence[str], path: Path) -> list[str]:
    """Those of ``match`` that can be used; the others are told."""
    return [entry for number, entry in enumerate(written) if _is_entry(reader, entry, where=(*path, "match", number))]


def _is_entry(reader: Reader, entry: str, where: Path) -> bool:
    if is_pattern(entry):
        problem = check_pattern(entry[1:-1])
        if problem:
            reader.say("NF514", f'the pattern "{entry}" cannot be used: {problem}', where)
        return problem is None
    if not any(character.isalnum() for character in entry):
        reader.say("NF514", f'"{entry}" holds no letter or digit; match words, "prefix*" or "/pattern/"', where)
        return False
    return True
