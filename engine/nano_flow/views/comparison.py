"""Two runs side by side: what was decided, paid and produced differently."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from nano_flow.core.messages import Json
from nano_flow.core.text import as_text
from nano_flow.views.table import Column, table

SCHEMA = "nano-flow/runs-diff@1"

Fields = Mapping[str, Json]

_OF_STEPS = ("status", "reason", "requested_model", "model", "tier", "score", "cost_usd", "error", "output")
_OF_RUNS = ("workflow", "file", "plan_digest", "status", "simulated", "outputs", "error", "policy")
_SHORT = 80


def compare(a: Fields, b: Fields) -> dict[str, Json]:
    """The document ``nano-flow/runs-diff@1`` of two ``nano-flow/run@1`` documents; times are never compared."""
    run = {name: _pair(a.get(name), b.get(name)) for name in _OF_RUNS if a.get(name) != b.get(name)}
    for name in _names(a.get("inputs"), b.get("inputs")):
        one, other = _of(a.get("inputs"), name), _of(b.get("inputs"), name)
        if one != other:
            run[f"inputs.{name}"] = _pair(one, other)
    for name in ("cost", "usage"):
        if a.get(name) != b.get(name):
            run[name] = _pair(a.get(name), b.get(name))
    steps = [change for change in _steps(a, b) if change["changes"]]
    return {
        "schema": SCHEMA,
        "a": a.get("run_id"),
        "b": b.get("run_id"),
        "same": not run and not steps,
        "run": dict(run),
        "steps": [dict(change) for change in steps],
    }


def comparison_text(difference: Fields, width: int) -> str:
    """A table of what differs, one line for each value."""
    if difference["same"]:
        return f"{difference['a']} and {difference['b']} decided, paid and produced the same"
    heads = (
        Column("step", least=10, most=40),
        Column("what", least=6),
        Column(str(difference["a"]), least=10, most=48),
        Column(str(difference["b"]), least=10, most=48),
    )
    rows = [["", name, *_sides(pair)] for name, pair in _items(difference["run"])]
    for step in _list(difference["steps"]):
        address = str(step["address"])
        rows += [[address, name, *_sides(pair)] for name, pair in _items(step["changes"])]
    return "\n".join(table(heads, rows, width))


def _steps(a: Fields, b: Fields) -> Iterator[dict[str, Json]]:
    first, second = _by_address(a), _by_address(b)
    for address in dict.fromkeys((*first, *second)):
        one, other = first.get(address), second.get(address)
        if one is None or other is None:
            changes: dict[str, Json] = {"status": _pair(_status(one), _status(other))}
        else:
            changes = {
                name: _pair(one.get(name), other.get(name)) for name in _OF_STEPS if one.get(name) != other.get(name)
            }
        yield {"address": address, "changes": changes}


def _status(step: Fields | None) -> Json:
    return "absent" if step is None else step.get("status")


def _by_address(document: Fields) -> dict[str, Fields]:
    return {str(step["address"]): step for step in _list(document.get("steps"))}


def _names(a: Json, b: Json) -> list[str]:
    return list(dict.fromkeys(name for side in (a, b) if isinstance(side, dict) for name in side))


def _of(values: Json, name: str) -> Json:
    return values.get(name) if isinstance(values, dict) else None


def _pair(a: Json, b: Json) -> Json:
    return {"a": a, "b": b}


def _sides(pair: Json) -> list[str]:
    sides = pair if isinstance(pair, dict) else {}
    return [_short(sides.get("a")), _short(sides.get("b"))]


def _short(value: Json) -> str:
    text = "–" if value is None else as_text(value)
    return text if len(text) <= _SHORT else f"{text[: _SHORT - 1]}…"


def _list(value: Json) -> Sequence[Fields]:
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


def _items(value: Json) -> Iterator[tuple[str, Json]]:
    yield from (value if isinstance(value, dict) else {}).items()
