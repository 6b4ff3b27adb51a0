"""A decision as text, or as one JSON document."""

from __future__ import annotations

from collections.abc import Mapping

from nano_flow.cli import output
from nano_flow.cli.common import Options
from nano_flow.core.messages import Json


def show(options: Options, decision: Mapping[str, Json]) -> None:
    """Print it: one JSON document, or text."""
    if options.json:
        fields = {name: value for name, value in decision.items() if name != "schema"}
        output.document("nano-flow/decision@1", fields)
        return
    output.data(decision_text(decision))


def decision_text(decision: Mapping[str, Json]) -> str:
    """A decision for people: the score and its points, the candidates and their price, the refusals."""
    score, tier, model = (decision.get(name) for name in ("score", "tier", "model"))
    head = " → ".join(output.clean(part) for part in (f"score {score}", tier, model or "no candidate") if part)
    expected = decision.get("expected")
    costs = expected if isinstance(expected, dict) else {}
    parts = [output.style(head, "strong"), *_because(decision)]
    parts += [_verdict_text(entry) for entry in _list(decision, "cascade_verdicts") if isinstance(entry, dict)]
    candidates = [(str(place), name, *_expected(costs.get(str(name)))) for place, name in _numbered(decision)]
    if candidates:
        heads = ("", "candidate", "expected", "takes", "measured")
        parts.append(output.table(heads, candidates, right=("expected", "takes", "measured")))
    refused = [
        (entry.get("model"), entry.get("reason")) for entry in _list(decision, "refused") if isinstance(entry, dict)
    ]
    if refused:
        parts.append(output.table(("refused", "because"), refused))
    parts += [f"note: {output.clean(notice)}" for notice in _list(decision, "notices")]
    return "\n\n".join(parts)


def _because(told: Mapping[str, Json]) -> list[str]:
    """The signals that gave points to a prompt or a reply, as a table; none where none did."""
    rows = [
        (entry.get("signal"), _points(entry.get("points")), entry.get("at"), ", ".join(map(str, _list(entry, "found"))))
        for entry in _list(told, "because")
        if isinstance(entry, dict)
    ]
    return [output.table(("signal", "points", "at", "found"), rows, right=("points",))] if rows else []


def _verdict_text(verdict: Mapping[str, Json]) -> str:
    """What a cascade said of a reply, and why."""
    became = "given up" if verdict.get("escalate") else "kept"
    said = f"it scores {verdict.get('score')}, escalate_at is {verdict.get('escalate_at')}"
    head = f"the reply of {verdict.get('model')} ({verdict.get('tier')}) was {became}: {said}"
    return "\n\n".join([output.clean(head), *_because(verdict)])


def _numbered(decision: Mapping[str, Json]) -> list[tuple[int, Json]]:
    return list(enumerate(_list(decision, "candidates"), 1))


def _expected(entry: Json) -> tuple[str, str, str]:
    if not isinstance(entry, dict):
        return "", "", ""
    cost, seconds, calls = (entry.get(name) for name in ("cost_usd", "duration_s", "measured_calls"))
    said = "unpriced" if cost is None else f"${cost}", "" if seconds is None else f"{seconds} s"
    return *said, _measured(calls)


def _measured(calls: Json) -> str:
    """Where length and latency come from: earlier calls, or the usual length and the declared latency."""
    return "" if calls is None else "declared" if not calls else "1 call" if calls == 1 else f"{calls} calls"


def _points(value: Json) -> str:
    return f"{value:+.2f}" if isinstance(value, int | float) and value else ""


def _list(mapping: Mapping[str, Json], name: str) -> list[Json]:
    value = mapping.get(name)
    return value if isinstance(value, list) else []
