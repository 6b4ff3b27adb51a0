"""Long lists in a report: the items of a fan-out, whatever their body is, as one row, with what failed in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from nano_flow.core.messages import Json
from nano_flow.core.money import money, usd

Fields = Mapping[str, Json]

MANY = 12
"""Items that are still shown one by one."""
FAILED_SHOWN = 5


def folded(steps: Sequence[Fields]) -> Iterator[Fields]:
    """The rows of a report; fan-outs of many items are one row each, followed by failures in them."""
    for outer, group in groupby(steps, key=lambda step: _outermost(str(step["address"]))):
        rows = list(group)
        items = _items(outer, rows) if outer else {}
        if len(items) <= MANY:
            yield from rows
            continue
        yield together(outer, rows)
        yield from [row for row in rows if row["status"] == "failed" and not _holds_another(row, rows)][:FAILED_SHOWN]


def together(outer: str, rows: Sequence[Fields]) -> Fields:
    """Many executions as one row: how many are done, on which model, for how much."""
    states = _items(outer, rows)
    done = sum(state == "succeeded" for state, _ in states.values())
    bad = [state for state, tolerated in states.values() if state != "succeeded" and not tolerated]
    tiers = list(dict.fromkeys(str(row["tier"]) for row in rows if row["tier"]))
    models = list(dict.fromkeys(str(row["model"]) for row in rows if row["model"]))
    costs = [row["cost_usd"] for row in rows]
    return {
        "address": f"{outer} ×{len(states)}",
        "status": next((word for word in _WORST_FIRST if word in bad), "succeeded"),
        "done": "" if done == len(states) else f"{done} of {len(states)} done",
        "tier": tiers[0] if len(tiers) == 1 and done == len(states) else None,
        "model": models[0] if len(models) == 1 else f"{len(models)} models" if models else None,
        "cost_usd": None if None in costs else usd(sum(money(str(cost)) for cost in costs)),
        "simulated": any(row.get("simulated") for row in rows),
        "usage": _usage(rows),
        "attempts": [attempt for row in rows if isinstance(tries := row.get("attempts"), list) for attempt in tries],
    }


def summary(steps: Sequence[Fields], address: str) -> Fields | None:
    """A fan-out or loop as a whole; None where ``address`` is none."""
    rows = [step for step in steps if str(step["address"]).startswith(f"{address}[")]
    if not rows:
        return None
    row, states = together(address, rows), _items(address, rows)
    failed: list[Json] = [
        {"address": each["address"], "error": each["error"]} for each in rows if each["status"] == "failed"
    ]
    count = {word: sum(state == word for state, _ in states.values()) for word in ("succeeded", *_WORST_FIRST)}
    return {
        **{"address": address, "items": len(states), "status": row["status"]},
        **{word: number for word, number in count.items() if number},
        **{"cost_usd": row["cost_usd"], "usage": row["usage"], "errors": failed},
    }


_WORST_FIRST = ("failed", "running", "waiting", "pending", "skipped")


def _outermost(address: str) -> str:
    return address.partition("[")[0] if "[" in address else ""


def _items(outer: str, rows: Sequence[Fields]) -> dict[str, tuple[str, bool]]:
    """Index → state of the item, and whether its failure is tolerated: its own row's, else the worst inside it."""
    found: dict[str, tuple[str, bool]] = {}
    own = set[str]()
    for row in rows:
        index, _, rest = str(row["address"])[len(outer) + 1 :].partition("]")
        state = (str(row["status"]), bool(row.get("tolerated")))
        if not rest:
            own.add(index)
            found[index] = state
        elif index not in own and _worse(state, found.get(index)):
            found[index] = state
    return found


def _worse(state: tuple[str, bool], known: tuple[str, bool] | None) -> bool:
    if known is None or known[0] == "succeeded":
        return True
    return state[0] in _WORST_FIRST and _WORST_FIRST.index(state[0]) < _WORST_FIRST.index(known[0])


def _holds_another(row: Fields, rows: Sequence[Fields]) -> bool:
    """Whether what failed is a step inside it: that one is shown."""
    inside = f"{row['address']}."
    return any(other["status"] == "failed" and str(other["address"]).startswith(inside) for other in rows)


def _usage(rows: Sequence[Fields]) -> dict[str, Json]:
    total: dict[str, int] = {}
    for row in rows:
        usage = row.get("usage")
        for name, count in usage.items() if isinstance(usage, dict) else ():
            if isinstance(count, int):
                total[name] = total.get(name, 0) + count
    return dict(total)
