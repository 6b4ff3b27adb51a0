"""A plan report as ``nano-flow/plan@1``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from nano_flow.core.messages import Json
from nano_flow.core.money import usd
from nano_flow.core.text import rfc3339
from nano_flow.operations.money.planning import (
    PlanReport,
    Reach,
    RouteDecision,
    Spread,
    StepEstimate,
    at_most,
    fits,
    longest_chain,
    plan_workflow,
)
from nano_flow.operations.place import Place
from nano_flow.operations.service.inforce import Due, due_of
from nano_flow.project.preparing import GivenInputs, RunOptions

SCHEMA = "nano-flow/plan@1"


def plan_document(place: Place, path: str, given: GivenInputs, chosen: RunOptions) -> dict[str, Json]:
    """The whole document for the workflow at ``path``. Raises DocumentError, UsageError, StoreError."""
    found, cached = plan_workflow(place, path, given, chosen)
    return {"schema": SCHEMA, **report_json(found, cached, due_of(place, Path(path), time.time()))}


def report_json(report: PlanReport, cached: frozenset[str], due: Sequence[Due]) -> dict[str, Json]:
    """The fields of ``nano-flow/plan@1``; a bound that does not exist is null, ``cached`` are paths of steps."""
    found = report.estimate
    steps = zip(found.steps, report.decisions, report.reaches, strict=True)
    return {
        "workflow": report.plan.name,
        "digest": report.plan.digest,
        "valid": True,
        "steps": [{**_step_json(*step), "cached": step[0].visit.path in cached} for step in steps],
        "cost_usd": _dollars_json(found.cost),
        "budget_usd": None if report.budget is None else usd(report.budget),
        "fits_budget": found.fits(report.budget),
        "fits": fits(report),
        "at_most_usd": None if (most := at_most(report)) is None else usd(most),
        "critical_path": _chain_json(report),
        "unpriced": found.unpriced,
        "policy": report.policies.record(),
        "schedules": [
            {
                "name": one.name,
                "cron": one.cron,
                "timezone": one.timezone,
                "next_due": None if one.at is None else rfc3339(one.at),
            }
            for one in due
        ],
    }


def _chain_json(report: PlanReport) -> Json:
    steps, seconds = longest_chain(report)
    return {"steps": [*steps], "model_s": round(seconds, 1)}


def _step_json(step: StepEstimate, decision: RouteDecision | None, reach: Reach | None) -> dict[str, Json]:
    planned = step.visit.step
    return {
        "id": step.visit.path,
        "kind": planned.kind,
        "needs": list(dict.fromkeys((*planned.needs, *planned.references))),
        "when": None if planned.when is None else planned.when.source,
        "times": [step.times.low, round(step.times.likely, 2), step.times.high],
        "route": None if decision is None else _route_json(decision, reach),
        "tokens": {"input": _tokens_json(step.input_tokens), "output": _tokens_json(step.output_tokens)},
        "cost_usd": _dollars_json(step.cost),
        "tags": list(planned.tags),
        "inherit_tags": planned.inherit_tags,
        "unpriced": step.unpriced is not None,
        "from_runs": step.from_runs,
        "max_output_tokens_enough": step.enough,
    }


def _route_json(decision: RouteDecision, reach: Reach | None) -> Json:
    """``score`` is null where the run decides the text; ``tiers`` are then those that may be, else of all items."""
    whole = decision.as_json()
    names = ("policy", "score", "tier", "model", "candidates", "because", "refused", "notices")
    told = {name: whole[name] for name in names}
    if reach is None:
        return told
    unknown: dict[str, Json] = {} if reach.known else {"score": None}
    return {**told, **unknown, "score_known": reach.known, "tiers": dict(reach.tiers)}


def _tokens_json(spread: Spread) -> Json:
    return [spread.low, spread.likely, spread.high]


def _dollars_json(spread: Spread) -> Json:
    return {
        "low": usd(spread.low),
        "likely": None if spread.likely is None else usd(spread.likely),
        "high": None if spread.high is None else usd(spread.high),
    }
