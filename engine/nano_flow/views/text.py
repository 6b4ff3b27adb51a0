"""A run for human eyes: a line per step with its model, why, tokens, cost and time; then sums and outputs."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterator, Mapping

from nano_flow.core.messages import Json
from nano_flow.core.refs import around
from nano_flow.core.shown.printable import clip, printable, printable_lines
from nano_flow.core.text import as_text, duration_text
from nano_flow.views.details.folding import folded
from nano_flow.views.table import WHOLE, Column, table

Paint = Callable[[str, str], str]
"""Colours a text that is already safe: ``paint(text, look)``, look one of good, bad, warn, dim, strong."""

WIDTH = 100
_FAILED_SHOWN = 5
_OUTPUT_LINES = 60
_MESSAGE, _MESSAGE_LINES = 1200, 20
_COLUMNS = (
    Column("", least=1),
    Column("step", least=10),
    Column("model", rank=1, least=10),
    Column("why", rank=4, least=10),
    Column("tokens", rank=3, right=True, least=WHOLE),
    Column("cost", right=True, least=WHOLE),
    Column("time", rank=2, right=True, least=WHOLE),
)
_SIGNS = {"succeeded": "✓", "failed": "✗", "skipped": "–", "waiting": "?", "running": "▸", "pending": "·"}
_OTHER_SUMS = (("simulated_usd", "simulated"), ("possibly_spent_usd", "possibly spent"), ("saved_usd", "saved"))
_LOOKS = {"succeeded": "good", "failed": "bad", "cancelled": "bad", "paused": "warn", "waiting": "warn"}

Fields = Mapping[str, Json]


def run_text(
    document: Fields,
    width: int = WIDTH,
    paint: Paint | None = None,
    *,
    inputs: bool = False,
    full: bool = False,
    words: str = "",
) -> str:
    """A ``nano-flow/run@1`` document as text, no line wider than ``width`` but outputs, and commands with ``words``.

    What failed stands first, then the ``inputs`` where wanted; ``full`` shows every item of a long fan-out.
    What to type next gets ``words`` where it needs them to find the run.
    """
    look = paint or (lambda text, _: text)
    lines = [*_headline(document, width, look), *(look(line, "bad") for line in _failures(document, width))]
    lines += [*(_inputs(document, width) if inputs else ()), *steps_text(document, width, full=full)]
    lines += ["", *_sums(document, width)]
    lines += _outputs(document)
    hint = _hint_lines(_next(document), words, width)
    lines += ["", *(look(line, "dim") for line in hint)] if hint else []
    return "\n".join(lines)


def steps_text(document: Fields, width: int = WIDTH, *, full: bool = False) -> list[str]:
    """The table of steps; long fan-outs are one line each, with what failed in them."""
    steps = _steps(document)
    rows = [_row(step) for step in (steps if full else folded(steps))]
    return table(_COLUMNS, rows, width) if rows else []


def _steps(document: Fields) -> list[Fields]:
    steps = document.get("steps")
    return [step for step in steps if isinstance(step, dict)] if isinstance(steps, list) else []


def _row(step: Fields) -> list[str]:
    tokens_in, tokens_out = _tokens(step)
    return [
        "!" if step.get("tolerated") and step["status"] == "failed" else _SIGNS.get(str(step["status"]), " "),
        str(step["address"]),
        _model(step),
        _why(step),
        f"{_count(tokens_in)} + {_count(tokens_out)}" if tokens_in or tokens_out else "",
        _cost(step),
        _duration(step.get("duration_s")),
    ]


def _model(step: Fields) -> str:
    model, requested = step.get("model"), step.get("requested_model")
    if not model:
        return ""
    cached = " (cached)" if step.get("cached") else ""
    other = isinstance(requested, str) and "/" in requested and requested != model
    return f"{model}{cached} for {requested}" if other else f"{model}{cached}"


def _why(step: Fields) -> str:
    if step.get("done"):
        return str(step["done"])
    tier, score, status = step.get("tier"), step.get("score"), str(step["status"])
    if status not in ("succeeded", "failed"):
        return f"{status}: {step['reason']}" if step.get("reason") else status
    if "/" in str(step.get("requested_model")):
        return "as named"  # whatever its prompt scored
    if not tier:
        return "as named" if step.get("model") and step.get("requested_model") else ""
    return f"{tier} {round(score, 1):g}" if isinstance(score, int | float) else str(tier)


def _cost(step: Fields) -> str:
    cost = step.get("cost_usd")
    if cost is None:
        return "unpriced"
    if cost == "0" and not _list(step.get("attempts")):
        return ""
    return f"~${cost}" if step.get("simulated") else f"${cost}"


def _tokens(step: Fields) -> tuple[int, int]:
    """Read and written."""
    usage = _mapping(step.get("usage"))
    told = {name: count for name, count in usage.items() if isinstance(count, int) and name.endswith("_tokens")}
    written = sum(count for name, count in told.items() if "output" in name or "reasoning" in name)
    return sum(told.values()) - written, written


def _headline(document: Fields, width: int, look: Paint) -> list[str]:
    status = str(document["status"])
    reason = _mapping(document.get("stop")).get("reason")
    word = f"{status} ({reason})" if reason and reason != status else status
    simulated = ", simulated" if document.get("simulated") else ""
    text = f"{document['workflow']}: {word} in {_duration(document['duration_s'])}{simulated} run {document['run_id']}"
    return [look(line, _LOOKS.get(status, "strong")) for line in _wrapped(text, width)]


def _inputs(document: Fields, width: int) -> Iterator[str]:
    """With what the run was started; a secret is three stars."""
    for name, value in _mapping(document.get("inputs")).items():
        yield clip(printable(f"{name}: {' '.join(as_text(value).split())}"), width)


def _failures(document: Fields, width: int) -> Iterator[str]:
    steps = [step for step in _steps(document) if step["status"] == "failed"]
    addresses = {str(step["address"]) for step in steps}
    holding = {outer for address in addresses for outer in list(around(address))[1:]}
    failed = [step for step in steps if step["address"] not in holding]  # the innermost say why
    for step in failed[: 2 * _FAILED_SHOWN]:
        error = _mapping(step.get("error"))
        yield from _wrapped(f"{step['address']}: {error.get('class')}: {error.get('message')}", width)
    if len(failed) > 2 * _FAILED_SHOWN:
        yield f"… and {len(failed) - 2 * _FAILED_SHOWN} more failed"
    if not failed and document.get("error"):
        yield from _wrapped(str(document["error"]), width)


def _wrapped(text: str, width: int) -> list[str]:
    """Lines that fit; those that the text has stay, with their indentation."""
    lines = printable_lines(text if len(text) <= _MESSAGE else f"{text[:_MESSAGE]}…")[:_MESSAGE_LINES]
    return [piece for line in lines for piece in textwrap.wrap(line, max(10, width), subsequent_indent="  ")]


def _sums(document: Fields, width: int) -> Iterator[str]:
    cost = _mapping(document["cost"])
    budget = f" of ${cost['budget_usd']}" if cost.get("budget_usd") else ""
    spent = f"${cost['simulated_usd']} simulated" if document.get("simulated") else f"${cost['usd']}"
    parts = [spent + budget]
    others = _OTHER_SUMS[1:] if document.get("simulated") else _OTHER_SUMS
    parts += [f"${cost[name]} {word}" for name, word in others if cost.get(name) not in (None, "0")]
    if cost.get("unpriced_calls"):
        calls = "call" if cost["unpriced_calls"] == 1 else "calls"
        parts.append(f"{cost['unpriced_calls']} {calls} unpriced")
    tokens_in, tokens_out = _tokens(document)
    if tokens_in or tokens_out:
        parts.append(f"{_count(tokens_in)} + {_count(tokens_out)} tokens")
    yield from textwrap.wrap("cost: " + ", ".join(parts), max(10, width), subsequent_indent="  ")


def _outputs(document: Fields) -> Iterator[str]:
    outputs = document.get("outputs")
    if outputs is None or outputs == {}:
        return
    named = outputs if isinstance(outputs, dict) else {"output": outputs}
    for name, value in named.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
        lines = printable_lines(text)
        if len(lines) > _OUTPUT_LINES:
            rest = len(lines) - _OUTPUT_LINES
            lines = [*lines[:_OUTPUT_LINES], f"… {rest} more lines; --json prints them all"]
        yield ""
        yield f"{printable(name)}:"
        yield from (f"  {line}" for line in lines)


def _hint_lines(hint: str, words: str, width: int) -> list[str]:
    """One line a command where it names a folder: a path that is broken in two cannot be typed."""
    if not words or not hint:
        return _wrapped(hint, width)
    return hint.replace("nano-flow ", f"nano-flow {words} ").replace(", then ", ", then\n").splitlines()


def _next(document: Fields) -> str:
    """What to type now."""
    run_id = document["run_id"]
    stop = _mapping(document.get("stop"))
    reason = stop.get("reason")
    if document["status"] not in ("paused", "failed"):
        return ""
    if reason == "approval" and document["status"] == "paused":
        return f"nano-flow approvals answer {run_id} {stop['address']} OPTION, then nano-flow resume {run_id}"
    if reason == "budget":
        return f"nano-flow resume {run_id} --budget USD goes on with a larger budget"
    return f"nano-flow resume {run_id} {'goes on' if document['status'] == 'paused' else 'tries again what failed'}"


def _mapping(value: object) -> Fields:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Json]:
    return value if isinstance(value, list) else []


def _count(tokens: int) -> str:
    return f"{tokens:,}"


def _duration(seconds: object) -> str:
    return duration_text(seconds) if isinstance(seconds, int | float) else ""
