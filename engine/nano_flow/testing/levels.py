"""Which index of a step's address counts items and which iterations, and what nested replies mean by that."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from nano_flow.core.messages import Json
from nano_flow.plan.plan import Plan, PlannedStep
from nano_flow.plan.walk import every_step

_INDEX = re.compile(r"\[\d+\]")


def levels_of(plan: Plan) -> dict[str, tuple[bool, ...]]:
    """Path → for each index of its addresses, from outside, whether it counts the items of a ``for_each``.

    The cases of a switch share its path; where they differ, the one with the most indices is what replies are for.
    """
    own: dict[str, tuple[bool, ...]] = {}
    for path, step in every_step(plan.graph):
        before = own.get(path, ())
        # A case stands at the address of its switch: its own indices follow those of the switch.
        own[path] = before + _own(step) if len(before + _own(step)) > len(before) else before
    return {path: _around(path, own) for path in own}


def _own(step: PlannedStep) -> tuple[bool, ...]:
    return (True,) * (step.for_each is not None) + (False,) * (step.repeat is not None)


def _around(path: str, own: Mapping[str, tuple[bool, ...]]) -> tuple[bool, ...]:
    parts = path.split(".")
    return tuple(level for count in range(1, len(parts) + 1) for level in own.get(".".join(parts[:count]), ()))


def warnings(replies: Mapping[str, Json], levels: Mapping[str, tuple[bool, ...]]) -> Iterator[str]:
    """Lists of lists that are not as deep as the address of their step has indices."""
    for name, reply in replies.items():
        depth, wanted = _depth(reply), len(levels.get(name, ()))
        if depth > 1 and name in levels and depth != wanted:
            indices = "one index" if wanted == 1 else f"{wanted or 'no'} indices"
            yield (
                f'the replies of "{name}" are lists of {depth} levels, but its address, '
                f'"{_address(name, levels)}", has {indices}'
            )


def _depth(reply: Json) -> int:
    return 1 + max((_depth(inner) for inner in reply), default=0) if isinstance(reply, list) else 0


def _address(path: str, levels: Mapping[str, tuple[bool, ...]]) -> str:
    """``round[N].each[N].ask``: where indices stand in the addresses of a path."""
    parts, shown, before = path.split("."), [], 0
    for count in range(1, len(parts) + 1):
        here = len(levels.get(".".join(parts[:count]), ()))
        shown.append(parts[count - 1] + "[N]" * (here - before if here > before else 0))
        before = max(before, here)
    return ".".join(shown)


def place_in(indices: Sequence[int], levels: Sequence[bool]) -> int | None:
    """The index of the innermost item in an address; None where the step stands in no ``for_each``."""
    for index, is_item in zip(reversed(indices), reversed(levels), strict=False):
        if is_item:
            return index
    return None
