"""What an earlier life of the run settled and this one keeps: failures that the workflow tolerates."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from nano_flow.core.events import StepFailed
from nano_flow.core.outcomes import Failed, Failure
from nano_flow.plan.plan import PlannedStep
from nano_flow.ports import RecordedWork
from nano_flow.steps.context import Above
from nano_flow.steps.order import Names

_CUT_OFF = frozenset({"cancelled", "budget", "limit", "interrupted", "tool_changed"})
"""Failures that only say that the run was stopped: what they cut off goes on."""


def asked_of(step: PlannedStep, names: Names, generation: int, above: Above) -> str:
    """The digest of what an execution was given: its definition, its item, its inputs, the outputs that it names.

    What stands ``above`` it (groups, sub-workflows) counts likewise, so that a change far outside is seen.
    """
    seen = [generation, *(_given(each, scope) for each, scope in ((step, names), *above))]
    text = json.dumps(seen, sort_keys=True, default=_plain)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def digest_above(above: Above) -> str:
    """The digest of all that an execution stands in, for whoever executes it without them."""
    text = json.dumps([_given(each, scope) for each, scope in above], sort_keys=True, default=_plain)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32] if above else ""


def kept_failure(
    recorded: RecordedWork, address: str, step: PlannedStep, names: Names, rest: tuple[int, Above]
) -> StepFailed | None:
    """The tolerated failure that an earlier life recorded for exactly this execution."""
    if address not in recorded.tolerated_at:
        return None
    return recorded.tolerated.get((address, asked_of(step, names, *rest)))


def may_be_kept(failure: Failure) -> bool:
    """Whether a tolerated failure says something of the step, and not only that the run was stopped."""
    return failure.kind not in _CUT_OFF


def as_outcome(failed: StepFailed) -> Failed:
    """What the step's failure was, and is."""
    failure = Failure(failed.error, failed.message, address=failed.address, detail=failed.detail)
    return Failed(failure, errors=failed.errors, case=failed.case)


def _given(step: PlannedStep, names: Names) -> list[object]:
    item = names.get(step.for_each.name) if step.for_each is not None else None
    loop = [names.get("iteration"), names.get("previous")]
    return [step.digest, item, loop, names.get("inputs"), _outputs(step, names.get("steps"))]


def _outputs(step: PlannedStep, steps: object) -> dict[str, object]:
    if not isinstance(steps, Mapping):
        return {}
    found: dict[str, object] = {}
    for name in (*step.needs, *step.references):
        record = steps.get(name)
        found[name] = None if record is None else [record["status"], record["output"]]
    return found


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else str(value)
