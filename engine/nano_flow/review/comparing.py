"""What moves between two policies: tests, workflows and recorded calls, with the change in expected cost."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nano_flow.core.errors import NanoFlowError
from nano_flow.core.messages import Json
from nano_flow.core.money import Money, usd
from nano_flow.project.money.estimating import Circumstance, plan_report
from nano_flow.project.money.known import KnownInputs, known_inputs
from nano_flow.project.opening import Opener
from nano_flow.project.policies import Policies
from nano_flow.project.preparing import RunOptions
from nano_flow.review.asking import world_of
from nano_flow.review.recorded import RecordedCall, decide_again, expected_cost
from nano_flow.routing.request import RouteDecision


@dataclass(frozen=True, slots=True)
class Compared:
    """One request under both policies; costs are expected ones, None where nobody knows."""

    where: str
    kind: str
    """``test``, ``workflow`` or ``run``."""
    before: RouteDecision
    after: RouteDecision
    cost_before: Money | None = None
    cost_after: Money | None = None

    @property
    def changes(self) -> tuple[str, ...]:
        """What differs: ``provider``, ``model``, ``tier``; empty where nothing does."""
        old, new = self.before.model, self.after.model
        found = [
            ("provider", (old and old.provider) != (new and new.provider)),
            ("model", old != new),
            ("tier", self.before.tier != self.after.tier),
        ]
        return tuple(name for name, differs in found if differs)

    def as_json(self) -> dict[str, Json]:
        """As in ``changes`` of ``nano-flow/policy-diff@1``."""
        return {
            "where": self.where,
            "kind": self.kind,
            "changes": [*self.changes],
            "before": _short(self.before, self.cost_before),
            "after": _short(self.after, self.cost_after),
        }


@dataclass(frozen=True, slots=True)
class Broken:
    """A case of ``routing.test.yaml`` that passed before and does not now, or a workflow that cannot be planned now."""

    where: str
    problems: tuple[str, ...]


@dataclass(slots=True)
class Collected:
    """Requests compared so far, workflows that only the base can plan, and notes on what could not be compared."""

    requests: list[Compared] = field(default_factory=list)
    refused: list[Broken] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two policies side by side."""

    base: str
    head: str
    collected: Collected
    broken: tuple[Broken, ...] = ()
    fixed: tuple[str, ...] = ()

    @property
    def requests(self) -> Sequence[Compared]:
        """Everything that was decided under both."""
        return self.collected.requests

    @property
    def refused(self) -> Sequence[Broken]:
        """Workflows that could be planned before and cannot now."""
        return self.collected.refused

    @property
    def notes(self) -> Sequence[str]:
        """What could not be compared, and why."""
        return self.collected.notes

    @property
    def moved(self) -> tuple[Compared, ...]:
        """The requests that another model, provider or tier would answer."""
        return tuple(compared for compared in self.requests if compared.changes)

    def costs(self) -> tuple[Money, Money]:
        """Expected cost of all requests that are priced on both sides, before and after."""
        priced = [(c.cost_before, c.cost_after) for c in self.requests]
        known = [(old, new) for old, new in priced if old is not None and new is not None]
        return Money(sum(old for old, _ in known)), Money(sum(new for _, new in known))

    @property
    def differs(self) -> bool:
        """Whether anything that a reviewer should see has changed."""
        return bool(self.moved or self.broken or self.refused or self.fixed)

    def as_json(self) -> dict[str, Json]:
        """The fields of ``nano-flow/policy-diff@1``."""
        before, after = self.costs()
        return {
            "base": self.base,
            "head": self.head,
            "compared": len(self.requests),
            "moved": len(self.moved),
            "cost_usd": {"before": usd(before), "after": usd(after)},
            "changes": [compared.as_json() for compared in self.moved],
            "broken_tests": [{"where": test.where, "problems": [*test.problems]} for test in self.broken],
            "refused_workflows": [{"where": flow.where, "problems": [*flow.problems]} for flow in self.refused],
            "fixed_tests": [*self.fixed],
            "notes": [*self.notes],
        }


def _short(decision: RouteDecision, cost: Money | None) -> dict[str, Json]:
    return {
        "model": str(decision.model) if decision.model else None,
        "tier": decision.tier,
        "score": None if decision.score is None else round(decision.score, 2),
        "cost_usd": None if cost is None else usd(cost),
    }


def first_cost(decision: RouteDecision) -> Money | None:
    """The expected cost on the first candidate."""
    return decision.estimates[0].cost if decision.estimates else None


def compare_workflows(paths: Iterable[Path], base: Policies, head: Policies, into: Collected) -> None:
    """Every prompt of every workflow, as far as its text is known before a run."""
    for path in paths:
        try:
            before = dict(_workflow_decisions(path, base))
        except NanoFlowError as error:
            into.notes.append(f"{path} could not be planned: {_first_line(error)}")
            continue
        try:
            after = dict(_workflow_decisions(path, head))
        except NanoFlowError as error:
            into.refused.append(Broken(str(path), (_first_line(error),)))
            continue
        for where in before.keys() & after.keys():
            old, new = before[where], after[where]
            into.requests.append(Compared(where, "workflow", old, new, first_cost(old), first_cost(new)))
    into.requests.sort(key=lambda compared: (compared.kind, compared.where))


def _first_line(error: NanoFlowError) -> str:
    return str(error).splitlines()[0]


def _workflow_decisions(path: Path, policies: Policies) -> Iterator[tuple[str, RouteDecision]]:
    """(``file:step``, decision) with the credentials of every provider."""
    result, _ = Opener(None, {}, policies).compile(str(path))
    if result.plan is None:
        raise NanoFlowError(str(result.diagnostics[0]) if result.diagnostics else "no plan")
    variables = (name for card in policies.catalogue.providers.values() for way in card.credentials for name in way)
    where = Circumstance(
        options=RunOptions(),
        now=time.time(),
        environ=dict.fromkeys(variables, "assumed"),
        known=KnownInputs(known_inputs(result.plan, {})),
    )
    report = plan_report(result.plan, policies, where)
    for step, decision in zip(report.estimate.steps, report.decisions, strict=True):
        if decision is not None:
            yield f"{path}:{step.visit.path}", decision


def compare_recorded(
    calls: Sequence[tuple[RecordedCall, frozenset[str] | None]], base: Policies, head: Policies, into: Collected
) -> None:
    """Recorded calls with the vocabulary of the policy that decided them; what they would cost, token for token."""
    now = time.time()
    worlds = world_of(base, now), world_of(head, now)
    unsure: dict[str, int] = {}
    for call, known in calls:
        before, after = decide_again(call, base, worlds[0], known), decide_again(call, head, worlds[1], known)
        old, new = before.decision, after.decision
        costs = (expected_cost(call, old.model, base, now), expected_cost(call, new.model, head, now))
        into.requests.append(Compared(call.where, "run", old, new, *costs))
        for name in after.unsure:
            unsure[name] = unsure.get(name, 0) + 1
    into.notes += [
        f'{count} recorded calls: words that are new in "{name}" count as not found, for prompts are not kept'
        for name, count in sorted(unsure.items())
    ]
