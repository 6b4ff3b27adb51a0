"""``/compare``: two runs or more side by side, and only what differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from nano_flow.core.messages import Json
from nano_flow.core.text import as_text
from nano_flow.ports.store import RunFilter
from nano_flow.views.comparison import compare
from nano_flow.web.pages.frame import page, site_of
from nano_flow.web.rendering.word_diff import Piece, word_diff

_LONG = 60
_LISTED = 50
_MOST = 6
Key = tuple[str, str]
"""The address of a step (the run itself: "") and what of it differs."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What one run has: a text, or for a long one the pieces that differ from the first run's; None: as the first."""

    text: str | None
    pieces: Sequence[Piece] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that not all runs have alike, a cell for each run."""

    address: str
    name: str
    cells: Sequence[Cell]


def show(request: Request) -> Response:
    """The page; each ``run`` names one, the first is what the others are compared with."""
    site = site_of(request)
    asked = request.query_params
    names = [name.strip() for name in (asked.get("a", ""), asked.get("b", ""), *asked.getlist("run")) if name.strip()]
    with site.book.reader() as reader:
        runs = reader.list_runs(RunFilter(limit=_LISTED)) if reader is not None else []
    chosen = list(dict.fromkeys(site.book.run(name).run_id for name in names[:_MOST]))
    found = None
    if len(chosen) > 1:
        first, *others = (site.book.document(run) for run in chosen)
        found = list(differences([compare(first, other) for other in others]))
    return page(request, "compare.html", runs=runs, chosen=chosen, most=_MOST, found=found)


def differences(documents: Sequence[Mapping[str, Json]]) -> Iterator[Difference]:
    """What several ``nano-flow/runs-diff@1`` of one first run hold, together."""
    sides = [dict(_pairs(document)) for document in documents]
    for key in dict.fromkeys(key for pairs in sides for key in pairs):
        base = next(_text(pairs[key].get("a")) for pairs in sides if key in pairs)
        others = [_cell(base, pairs.get(key)) for pairs in sides]
        yield Difference(*key, [Cell(base), *others])


def _pairs(document: Mapping[str, Json]) -> Iterator[tuple[Key, Mapping[str, Json]]]:
    run, steps = document.get("run"), document.get("steps")
    for name, pair in (run if isinstance(run, dict) else {}).items():
        yield ("", name), pair if isinstance(pair, dict) else {}
    for step in steps if isinstance(steps, list) else []:
        changes = step.get("changes") if isinstance(step, dict) else None
        for name, pair in (changes if isinstance(changes, dict) else {}).items():
            address = str(step["address"]) if isinstance(step, dict) else ""
            yield (address, name), pair if isinstance(pair, dict) else {}


def _cell(base: str, pair: Mapping[str, Json] | None) -> Cell:
    if pair is None:
        return Cell(None)
    text = _text(pair.get("b"))
    return Cell(text, word_diff(base, text) if max(len(base), len(text)) > _LONG else ())


def _text(value: Json) -> str:
    return "–" if value is None else as_text(value)
