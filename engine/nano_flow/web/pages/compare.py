"""``/compare``: runs side by side, and only what differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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


@dataclass(frozen=True, slots=True)
class Difference:
    """One value of one step, or of the run, that differs; long texts as pieces."""

    address: str
    name: str
    a: str
    b: str
    pieces: list[Piece]


def show(request: Request) -> Response:
    """The page; ``a`` and ``b`` name the runs."""
    site = site_of(request)
    names = [request.query_params.get(name, "").strip() for name in ("a", "b")]
    with site.book.reader() as reader:
        runs = reader.list_runs(RunFilter(limit=_LISTED)) if reader is not None else []
    found: list[Difference] | None = None
    chosen = names
    if all(names):
        chosen = [site.book.run(name).run_id for name in names]
        found = list(differences(compare(*(site.book.document(run) for run in chosen))))
    return page(request, "compare.html", runs=runs, a=chosen[0], b=chosen[1], found=found)


def differences(document: Mapping[str, Json]) -> Iterator[Difference]:
    """What a ``nano-flow/runs-diff@1`` holds, one after the other."""
    run, steps = document.get("run"), document.get("steps")
    for name, pair in (run if isinstance(run, dict) else {}).items():
        yield _difference("", name, pair)
    for step in steps if isinstance(steps, list) else []:
        changes = step.get("changes") if isinstance(step, dict) else None
        for name, pair in (changes if isinstance(changes, dict) else {}).items():
            yield _difference(str(step["address"]) if isinstance(step, dict) else "", name, pair)


def _difference(address: str, name: str, pair: Json) -> Difference:
    sides = pair if isinstance(pair, dict) else {}
    a, b = (_text(sides.get(side)) for side in ("a", "b"))
    return Difference(address, name, a, b, word_diff(a, b) if max(len(a), len(b)) > _LONG else [])


def _text(value: Json) -> str:
    return "–" if value is None else as_text(value)
