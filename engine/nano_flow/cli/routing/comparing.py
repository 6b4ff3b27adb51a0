"""What moves between two policies, as text or for a pull request."""

from __future__ import annotations

from collections.abc import Sequence

from nano_flow.cli import output
from nano_flow.core.money import Money, usd
from nano_flow.operations.policy.comparing import Compared, Comparison

_ROWS = 40


def shown(found: Comparison, *, markdown: bool) -> str:
    """The comparison for people: a summary, the requests that move, broken tests, what could not be compared."""
    before, after = found.costs()
    summary = (
        f"{len(found.moved)} of {len(found.requests)} requests move from {found.base} to {found.head}; "
        f"expected cost ${usd(before)} → ${usd(after)}{_change(before, after)}"
    )
    rows = [
        (c.where, _who(c, before=True), _who(c, before=False), ", ".join(c.changes), _costs(c)) for c in found.moved
    ]
    header = ("request", "before", "after", "changes", "expected cost")
    parts = [f"### Routing: {summary}" if markdown else summary]
    if rows:
        parts.append(_markdown_table(header, rows[:_ROWS]) if markdown else output.table(header, rows[:_ROWS]))
    if len(rows) > _ROWS:
        parts.append(f"… and {len(rows) - _ROWS} more; --format json has all")
    mark = "- " if markdown else "  "
    if found.broken:
        parts.append("\n".join(["Broken tests:", *(f"{mark}{t.where}: {'; '.join(t.problems)}" for t in found.broken)]))
    if found.refused:
        refused = (f"{mark}{workflow.where}: {'; '.join(workflow.problems)}" for workflow in found.refused)
        parts.append("\n".join([f"Workflows that {found.head} refuses:", *refused]))
    if found.fixed:
        parts.append("\n".join(["Fixed tests:", *(f"{mark}{where}" for where in found.fixed)]))
    if found.notes:
        parts.append("\n".join(["Not compared, or not surely:", *(f"{mark}{note}" for note in found.notes)]))
    return output.clean("\n\n".join(parts))


def _who(compared: Compared, *, before: bool) -> str:
    decision = compared.before if before else compared.after
    score = "" if decision.score is None else f" {decision.score:.1f}"
    return f"{decision.model or 'no candidate'} ({decision.tier or 'no tier'}{score})"


def _costs(compared: Compared) -> str:
    old, new = compared.cost_before, compared.cost_after
    return " → ".join("unpriced" if cost is None else f"${usd(cost)}" for cost in (old, new))


def _change(before: Money, after: Money) -> str:
    return f" ({(after - before) / before * 100:+.0f} %)" if before else ""


def _markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(output.one_line(cell).replace("|", "\\|") for cell in cells) + " |"

    return "\n".join([line(header), "|" + " --- |" * len(header), *(line(row) for row in rows)])
