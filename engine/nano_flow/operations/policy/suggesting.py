"""From the journal, the change of the routing document that saves most and that labels support."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from nano_flow.core.errors import UsageError
from nano_flow.core.messages import Json
from nano_flow.core.money import Money, usd
from nano_flow.operations.moments import moment
from nano_flow.operations.place import Place
from nano_flow.operations.policy.editing import RoutingText, routing_file
from nano_flow.operations.policy.recorded import calls_of
from nano_flow.ports.store import RunFilter
from nano_flow.project.policies import Policies, read_policies
from nano_flow.review.ladders.changes import (
    LEAST,
    Change,
    Measured,
    Worth,
    best,
    halves,
    likeliest,
    measured,
    missing,
    worth,
)
from nano_flow.review.ladders.climbing import Climber
from nano_flow.review.ladders.known import Knowledge, held_of
from nano_flow.review.learning import read_labels

__all__ = ["SuggestOptions", "Suggested", "Worth", "suggest", "write_suggested"]


@dataclass(frozen=True, slots=True)
class SuggestOptions:
    """Which recorded calls, the files of further outcomes, and how much quality may be lost 1 time in 20."""

    loss: float = 0.02
    runs: int = 200
    since: str | None = None
    labels: tuple[Path, ...] = ()
    workflow: Path | None = None


@dataclass(frozen=True, slots=True)
class Suggested:
    """The change, or why there is none. ``worth`` is measured on prompts that did not choose it."""

    prompts: int
    loss: float
    change: Change | None
    worth: Worth | None
    supported: bool
    why_not: str
    missing: int
    """Labelled prompts that more would be needed, where what is known stays as it is; 0 where that would not help."""
    file: RoutingText
    text: str
    diff: str

    def as_json(self) -> dict[str, Json]:
        """The fields of ``nano-flow/policy-suggest@1``."""
        told = self.worth
        return {
            "prompts": self.prompts,
            "loss": self.loss,
            "supported": self.supported,
            "why_not": self.why_not or None,
            "missing_prompts": self.missing,
            "worth": None if told is None else _worth_json(told),
            "file": str(self.file.path),
            "diff": self.diff,
        }


def _worth_json(told: Worth) -> dict[str, Json]:
    return {
        "prompts": told.prompts,
        "moved": told.moved,
        "unknown": told.unknown,
        "difference": told.gain.as_json(),
        "loses_at_most": round(max(0.0, -told.bound), 4),
        "saved_usd": {"at_least": usd(Money(round(told.saved))), "likely": usd(Money(round(told.likely)))},
        "cost_usd": usd(Money(round(told.spent))),
    }


def suggest(place: Place, given: SuggestOptions) -> Suggested:
    """Look for the change. Nothing is written. Raises UsageError where there is nothing to go by."""
    policies = read_policies(place.policy(given.workflow))
    wanted = RunFilter(since=moment(given.since) if given.since else None, limit=given.runs)
    held = [each for each in held_of(calls_of(place, wanted)) if each.said is not None]
    real = [each for each in held if not each.simulated] or held
    chosen, confirming = halves(real)
    file = routing_file(policies)
    if min(len(chosen), len(confirming)) < LEAST:
        raise UsageError(
            f"{len(chosen) + len(confirming)} labelled prompts are recorded, at least {3 * LEAST} are needed: steps "
            "with verify or output_schema leave labels; run more of them, or widen --since and --runs"
        )
    climber = Climber(policies, Knowledge(real, read_labels(given.labels)), time.time())
    fit, confirm = measured(chosen, climber), measured(confirming, climber)
    return _found(fit, confirm, given, policies, file)


def _found(fit: Measured, confirm: Measured, given: SuggestOptions, policies: Policies, file: RoutingText) -> Suggested:
    prompts = len(fit.held) + len(confirm.held)
    found = best(fit, given.loss)
    if found is None:
        return _refused(fit, given, file, prompts)
    change = found[0]
    told = worth(confirm.effects(change), confirm.spent)
    supported = told.bound >= -given.loss and told.saved > 0
    why = ""
    if not supported:
        why = (
            f"on the {told.prompts} prompts that did not choose it, it may lose {-told.bound:.1%} (1 time in 20 more)"
            if told.bound < -given.loss
            else "on the prompts that did not choose it, it is not sure to save anything"
        )
    text = file.with_change(change, policies)
    return Suggested(
        prompts=prompts,
        loss=given.loss,
        change=change,
        worth=told,
        supported=supported,
        why_not=why,
        missing=0 if supported else missing(told, given.loss),
        file=file,
        text=text,
        diff=file.diff(text),
    )


def _refused(fit: Measured, given: SuggestOptions, file: RoutingText, prompts: int) -> Suggested:
    """No change can be vouched for: what is missing for the one that is likely to save most."""
    near = likeliest(fit)
    if near is None:
        why, need = "no change of thresholds or of the order of models is likely to save anything", 0
    else:
        told, need = near[1], missing(near[1], given.loss)
        why = f"the change that is likely to save most ({_named(near[0], fit.climber.policies)}) "
        why += (
            f"moves {told.moved} of {told.prompts} prompts, and on {told.unknown} of these nobody knows how the other "
            "model does"
            if told.unknown
            else f"may lose {-told.bound:.1%} of the right answers (1 time in 20 more)"
        )
    return Suggested(prompts, given.loss, None, None, False, why, need, file, file.text, "")


def _named(change: Change, policies: Policies) -> str:
    if change.first is not None:
        return f"{change.first[1]} first in {change.first[0]}"
    if change.escalate_at is not None:
        return f"escalate_at: {change.escalate_at[1]:g}"
    tiers = zip(policies.routing.tiers, change.below, strict=False)
    return ", ".join(f"{tier.name} below {below:g}" for tier, below in tiers if below != tier.below)


def write_suggested(found: Suggested) -> None:
    """Write the routing document with the change. Raises UsageError."""
    found.file.write(found.text)
