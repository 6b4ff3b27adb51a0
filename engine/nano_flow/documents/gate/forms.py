"""The right form of what people write as they know it from elsewhere: ``retry: 3``, ``steps:`` as a list."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from nano_flow.documents.gate.words import shortened
from nano_flow.documents.steps import STEP_KINDS
from nano_flow.source.scalars import ExactFloat
from nano_flow.source.source_map import Path

_COUNTS = frozenset({"max", "times", "count", "limit", "max_loops", "iterations"})
_SWITCHED = frozenset({"on", "expr", "expression", "case", "input", "key"})
_HANDLERS = frozenset({"on_failure", "finally"})
_ID = re.compile(r"[a-z][a-z0-9_]*")


def form_of_value(path: Path, value: Any) -> str:
    """What to write instead of ``value``, which has the wrong type for its key; empty where nothing is known."""
    hint = _VALUES.get(path[-1]) if path and isinstance(path[-1], str) else None
    return hint(value) if hint else ""


def form_of_key(path: Path, value: Any) -> str:
    """What to write instead of the key that ends ``path``, which is unknown where it stands."""
    key, around = path[-1], path[-2] if len(path) > 1 else ""
    if around == "repeat" and key == "while":
        return f'write "until" with the opposite: until: "not ({_bare(value)})"'
    if around == "repeat" and key in _COUNTS:
        return 'did you mean "max_iterations"?'
    if around == "switch" and key in _SWITCHED:
        return 'did you mean "value"?'
    if path == ("budget",):
        return f"a run's budget stands under limits: limits: {{budget: {{usd: {_amount(value)}}}}}"
    if key in _HANDLERS and len(path) > 1:
        return (
            'to go on after a failure of this step, write "on_error: continue"; steps that run after a failure stand '
            f'under "{key}" of the file, or of a group ("steps:") around this step'
        )
    return ""


def _steps(value: Any) -> str:
    if not isinstance(value, list) or not value:
        return ""
    first = value[0] if isinstance(value[0], dict) else {}
    name = next((first[key] for key in ("id", "name") if isinstance(first.get(key), str)), "")
    kind = next((key for key in first if key in STEP_KINDS), "run")
    if len(first) == 1 and isinstance(next(iter(first.values())), dict):
        name = str(next(iter(first)))
        kind = next((key for key in first[name] if key in STEP_KINDS), kind)
    shown = name if _ID.fullmatch(name) else "first"
    step = f"{shown[:40]}: {{{kind}: …}}"
    return f"steps are a mapping by id, without dashes: `{step}`; `sequential: true` keeps their order"


def _retry(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int):
        return ""
    return f"write retry: {{max_attempts: {value}}} (the first attempt counts)"


def _budget(value: Any) -> str:
    return "" if isinstance(value, dict | list | bool | None) else f"write budget: {{usd: {_amount(value)}}}"


def _approve(value: Any) -> str:
    if value is True:
        return 'write approve: {message: "Go on?"}'
    return f'write approve: {{message: "{shortened(value)}"}}' if isinstance(value, str) else ""


def _repeat(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int):
        return ""
    return f"write repeat: {{max_iterations: {value}, on_exhausted: continue}}"


def _switch(value: Any) -> str:
    if not isinstance(value, str):
        return ""
    return f"write switch: {{value: {_bare(value)}, cases: {{…}}}}"


def _bare(value: Any) -> str:
    """A condition without the ``{{ }}`` around it."""
    text = value.strip() if isinstance(value, str) else "condition"
    if text.startswith("{{") and text.endswith("}}") and text.count("{{") == 1:
        text = text[2:-2].strip()
    return shortened(text).replace('"', "'")


def _amount(value: Any) -> str:
    text = (value.text if isinstance(value, ExactFloat) else str(value)).strip().removeprefix("$")
    return shortened(text) if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) else "0.50"


_VALUES: dict[str, Callable[[Any], str]] = {
    "steps": _steps,
    "on_failure": _steps,
    "finally": _steps,
    "retry": _retry,
    "budget": _budget,
    "approve": _approve,
    "repeat": _repeat,
    "switch": _switch,
}
