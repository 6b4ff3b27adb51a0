"""A plan report as a table for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from nano_flow.cli.output import Style, one_line, style, table, wrapped
from nano_flow.core.messages import Json
from nano_flow.core.money import usd
from nano_flow.operations.money.planning import (
    Obstacle,
    PlanReport,
    Reach,
    RouteDecision,
    StepEstimate,
    Times,
    at_most,
    fits,
    longest_chain,
    of_the_bound,
)
from nano_flow.operations.service.inforce import Due

SHOWN_NOTICES = 3


def report_text(report: PlanReport, cached: frozenset[str], due: Sequence[Due]) -> str:
    """The table, what it adds up to, and what the reader should know."""
    steps = zip(report.estimate.steps, report.decisions, report.reaches, strict=True)
    rows = [_row(step, decision, reach) for step, decision, reach in steps]
    header = ("step", "times", "model", "tier", "tokens", "low", "likely", "high")
    total = report.estimate.cost
    rows.append(("total", "", "", "", "", *(_money(part) for part in (total.low, total.likely, total.high))))
    figures, least = ("times", "tokens", "low", "likely", "high"), ("low", "tokens", "tier", "times", "model")
    said = [f'  "{path}" is answered by the cache and costs nothing' for path in sorted(cached)]
    said += [f"  {note}" for note in _notes(report)]
    said += [f"  {_scheduled(one)}" for one in due]
    lines = [table(header, rows, right=figures, drop=least), "", *_verdict(report)]
    lines += [line for text in said for line in wrapped(text)]
    return "\n".join([*lines, "", *_files(report.policies.record())])


def _row(step: StepEstimate, decision: RouteDecision | None, reach: Reach | None) -> tuple[str, ...]:
    depth = "· " * step.visit.path.count(".")
    name, often = f"{depth}{step.visit.path.rpartition('.')[2]}", _often(step.times)
    if decision is None:
        return (name, often, f"({step.visit.step.kind})", "", "", "", "", "")
    model = str(decision.model) if decision.model else "none can serve it"
    tier = decision.tier or ""
    score = f"{tier} {decision.score:.1f}".strip() if decision.score is not None else tier
    score = score if reach is None else _reached(reach, score)
    read, written = step.input_tokens.likely or 0, step.output_tokens.likely or 0
    costs = (step.cost.low, step.cost.likely, step.cost.high)
    return (name, often, model, score, f"{_count(read)}+{_count(written)}", *(_money(part) for part in costs))


def _reached(reach: Reach, one: str) -> str:
    """A tier and a score; of several prompts how many go where; of a text that the run decides what may be."""
    names = [*reach.tiers]
    if not reach.known:
        return f"{names[0]}–{names[-1]} unknown" if len(names) > 1 else f"{names[0]} unknown" if names else "unknown"
    if len(reach.tiers) > 1:
        return ", ".join(f"{count} {tier}" for tier, count in reach.tiers.items())
    if reach.scores is not None and round(reach.scores[0], 1) != round(reach.scores[1], 1):
        return f"{names[0]} {reach.scores[0]:.1f}–{reach.scores[1]:.1f}"
    return one


def _often(times: Times) -> str:
    if times.low == times.high:
        return str(times.high)
    return f"{times.low}-{times.high}"


def _count(tokens: int) -> str:
    return f"{tokens / 1000:.3g}k" if tokens >= 1000 else str(tokens)


def _money(amount: int | None) -> str:
    """Dollars with the digits that matter; a question mark where nobody knows."""
    if amount is None:
        return "?"
    dollars = amount / 1e9
    return (
        f"${dollars:.2f}"
        if dollars >= 1 or not amount
        else f"${dollars:.4f}"
        if dollars >= 0.0001
        else f"${usd(amount)}"
    )


def _verdict(report: PlanReport) -> list[str]:
    budget, verdict = report.budget, fits(report)
    if budget is None:
        return wrapped("There is no budget: give one with --budget, or under limits.budget.")
    name = f"the budget of {_money(budget)}"
    if verdict == "always":
        return _styled(f"No run can exceed {name}.", "good")
    if verdict == "likely":
        return wrapped(f"It likely fits {name}; where it does not, the run stops before it is exceeded.")
    return _styled(f"It likely does not fit {name}: the run would stop before it is exceeded.", "warn")


def _notes(report: PlanReport) -> list[str]:
    """What is assumed, and what stands in the way of a run."""
    notes: dict[str, None] = {}
    notices: dict[str, None] = {}
    for step, decision, obstacle in zip(report.estimate.steps, report.decisions, report.obstacles, strict=True):
        if decision is not None:
            notes.update(dict.fromkeys(_step_notes(step, decision, obstacle)))
            notices.update(dict.fromkeys(one_line(notice) for notice in decision.notices))
    runs = max((step.from_runs for step in report.estimate.steps), default=0)
    said = f"the likely figures follow {runs} earlier runs" if runs > 1 else "the likely figures follow 1 earlier run"
    notes[said if runs else "no earlier run is known: the likely figures assume usual lengths"] = None
    if fits(report) != "always":
        notes.update(dict.fromkeys(_bound(report)))
    chain, seconds = longest_chain(report)
    if len(chain) > 1:
        about = f" (about {seconds:.0f} s of models)" if seconds >= 1 else ""
        notes[f"what takes longest: {' → '.join(chain)}{about}"] = None
    first, rest = list(notices)[:SHOWN_NOTICES], len(notices) - SHOWN_NOTICES
    return [*notes, *first, *([f"and {rest} more notices of routing; --json has them all"] if rest > 0 else [])]


def _bound(report: PlanReport) -> list[str]:
    """What a run spends at most, and which step makes it so much."""
    said, high, most = [], report.estimate.cost.high, at_most(report)
    if report.budget is not None and most is not None:
        without = f"; without a budget it could be {_money(high)}" if high is not None and high > most else ""
        said.append(f"a run spends at most {_money(most)}{without}")
    return [*said, *([bound] if (bound := of_the_bound(report)) else [])]


def _step_notes(step: StepEstimate, decision: RouteDecision, obstacle: Obstacle) -> list[str]:
    path, notes = step.visit.path, []
    if not step.visit.step.inherit_tags:
        kept = ", ".join(step.visit.step.tags) or "none"
        notes.append(f'"{path}" says inherit_tags: false: the tags of what it quotes end here (it has: {kept})')
    if decision.model is None:
        reasons = "; ".join(f"{refusal.model}: {refusal.reason}" for refusal in decision.refused)
        notes.append(f'no model can serve "{path}": {one_line(reasons)}')
    elif obstacle == "budget":
        notes.append(f'the budget does not pay for one call of "{path}": a run would stop there')
    elif obstacle == "keys":
        notes.append(f"no credentials for {decision.model.provider}: a run would fail; --offline rehearses it")
    if step.unpriced:
        notes.append(f"{step.unpriced} has no price: its cost is not in these figures")
    if step.enough:
        notes.append(f'"{path}" never came near its cap: "max_output_tokens: {step.enough}" reserves less')
    return notes


def _scheduled(due: Due) -> str:
    """When it starts by itself, on the clock that its schedule names."""
    at = "never" if due.at is None else f"{datetime.fromtimestamp(due.at, ZoneInfo(due.timezone)):%Y-%m-%d %H:%M}"
    return f'service.yaml starts it as "{one_line(due.name)}" by itself, next: {at} ({due.timezone})'


def _files(record: Mapping[str, Json]) -> list[str]:
    entries = [(name, entry) for name, entry in record.items() if isinstance(entry, dict)]
    return [line for name, entry in entries for line in _styled(f"{name}: {one_line(entry['file'])}", "dim")]


def _styled(text: str, look: Style) -> list[str]:
    return [style(line, look) for line in wrapped(text)]
