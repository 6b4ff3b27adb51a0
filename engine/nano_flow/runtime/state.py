"""Which steps of one graph may start: the joins and the failure rules of the language, without any I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from nano_flow.core.outcomes import Ended, Failed, Skipped, StepOutcome, Succeeded, Waiting
from nano_flow.plan.plan import PlannedGraph, PlannedStep, TriggerRule

Settled = Literal["success", "tolerated", "failed", "skipped"]
"""How a settled step counts in joins. A skip for ``upstream_failed`` counts as failed."""

Verdict = Literal["start", "wait", "upstream_failed", "trigger_rule", "run_stopped"]


@dataclass(frozen=True, slots=True)
class Topology:
    """Who waits for whom in one graph, computed once and shared by all executions of it."""

    steps: dict[str, PlannedStep]
    upstream: dict[str, int]
    """How many steps the trigger rule looks at."""
    others: dict[str, int]
    """How many have to be settled besides."""
    dependents: dict[str, tuple[tuple[str, bool], ...]]
    """Who waits for a step, and whether the step counts in that one's trigger rule."""

    @classmethod
    def of(cls, graph: PlannedGraph, *, setup_first: bool = False) -> Topology:
        """The topology of ``graph``; with ``setup_first`` what a ``setup`` does not need waits for all of them."""
        first = _before_others(graph) if setup_first else frozenset()
        setups = [step.id for step in graph.steps if step.setup] if setup_first else []
        dependents: dict[str, list[tuple[str, bool]]] = {step.id: [] for step in graph.steps}
        upstream: dict[str, int] = {}
        others: dict[str, int] = {}
        for step in graph.steps:
            looked_at = dict.fromkeys(step.needs or step.references)
            wanted = step.references if step.needs else ()  # without needs the rule looks at them
            if setups and step.id not in first:
                wanted = (*wanted, *setups)
            besides = [r for r in dict.fromkeys(wanted) if r not in looked_at] if wanted else []
            upstream[step.id], others[step.id] = len(looked_at), len(besides)
            for other in looked_at:
                dependents[other].append((step.id, True))
            for other in besides:
                dependents[other].append((step.id, False))
        steps = {step.id: step for step in graph.steps}
        return cls(steps, upstream, others, {id_: tuple(names) for id_, names in dependents.items()})


def _before_others(graph: PlannedGraph) -> frozenset[str]:
    """The ``setup`` steps and all that they wait for, directly or not."""
    by_id = {step.id: step for step in graph.steps}
    pending = [step.id for step in graph.steps if step.setup]
    found = set[str]()
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending += [*by_id[name].needs, *by_id[name].references]
    return frozenset(found)


@dataclass(slots=True)
class Tally:
    """The upstream of one step, counted: ``open`` are not settled, ``others`` are references beside the rule."""

    open: int
    others: int = 0
    success: int = 0
    tolerated: int = 0
    failed: int = 0
    skipped: int = 0


@dataclass(slots=True)
class GraphState:
    """What is known of one execution of one graph.

    ``advance`` and ``stop`` are all that change it; the same outcomes in the same order give the same decisions.
    """

    topology: Topology
    outcomes: dict[str, StepOutcome] = field(default_factory=dict)
    tallies: dict[str, Tally] = field(default_factory=dict)
    started: set[str] = field(default_factory=set)
    below_failure: set[str] = field(default_factory=set)
    fresh_skips: list[tuple[str, Skipped]] = field(default_factory=list)
    """Skips that nobody was told of yet; whoever tells empties it."""
    stopped: bool = False
    first_failure: tuple[str, Failed] | None = None

    @classmethod
    def of(cls, topology: Topology, kept: dict[str, StepOutcome] | None = None) -> GraphState:
        """A fresh state; ``kept`` are outcomes of an earlier attempt that are not repeated."""
        state = cls(topology)
        others = topology.others
        state.tallies = {id_: Tally(count, others[id_]) for id_, count in topology.upstream.items()}
        for id_, outcome in (kept or {}).items():
            state.started.add(id_)
            state._settle(id_, outcome)
        return state

    def begin(self) -> list[PlannedStep]:
        """The steps that start at once."""
        return self._decide(self.topology.steps)

    def advance(self, step_id: str, outcome: StepOutcome) -> list[PlannedStep]:
        """Note that a step ended; the steps that start now."""
        was_going_well = self.first_failure is None and not self.stopped
        self._settle(step_id, outcome)
        if was_going_well and (self.first_failure is not None or self.stopped):
            return self._decide(self.topology.steps)
        return self._decide(id_ for id_, _ in self.topology.dependents[step_id])

    def stop(self) -> None:
        """Start nothing any more; what has not started is skipped with ``run_stopped``."""
        self.stopped = True
        self._decide(self.topology.steps)

    @property
    def waiting(self) -> list[Waiting]:
        """The steps that wait for something from outside."""
        return [o for o in self.outcomes.values() if isinstance(o, Waiting)]

    @property
    def cut_short(self) -> bool:
        """True where steps were left out because the run was stopped."""
        return len(self.outcomes) < len(self.topology.steps) or any(
            isinstance(o, Skipped) and o.reason == "run_stopped" for o in self.outcomes.values()
        )

    def _settle(self, step_id: str, outcome: StepOutcome) -> None:
        self.outcomes[step_id] = outcome
        if isinstance(outcome, Succeeded):
            counted: Settled = "success"
        elif isinstance(outcome, Waiting):
            return
        else:
            counted = self._settled_otherwise(step_id, outcome)
        for dependent, in_rule in self.topology.dependents[step_id]:
            tally = self.tallies[dependent]
            if not in_rule:
                tally.others -= 1
                continue
            tally.open -= 1
            if counted == "success":
                tally.success += 1
            else:
                setattr(tally, counted, getattr(tally, counted) + 1)

    def _settled_otherwise(self, step_id: str, outcome: StepOutcome) -> Settled:
        if isinstance(outcome, Ended):
            self.stopped = True
        counted = _counted(outcome)
        if counted == "failed":
            self._note_failure(step_id, outcome)
        return counted

    def _note_failure(self, step_id: str, outcome: StepOutcome) -> None:
        if isinstance(outcome, Failed) and self.first_failure is None:
            self.first_failure = (step_id, outcome)
        reached = deque([step_id])
        while reached:
            for dependent, _ in self.topology.dependents[reached.popleft()]:
                if dependent not in self.below_failure:
                    self.below_failure.add(dependent)
                    reached.append(dependent)

    def _decide(self, candidates: Iterable[str]) -> list[PlannedStep]:
        """Walk ``candidates`` and whatever their skips reach; return the steps to start."""
        starting: list[PlannedStep] = []
        queue = deque(candidates)
        while queue:
            step_id = queue.popleft()
            if step_id in self.started or step_id in self.outcomes:
                continue
            step = self.topology.steps[step_id]
            verdict = self._verdict(step)
            if verdict == "start":
                self.started.add(step_id)
                starting.append(step)
            elif verdict != "wait":
                skipped = Skipped(verdict)
                self.fresh_skips.append((step_id, skipped))
                self._settle(step_id, skipped)
                queue.extend(id_ for id_, _ in self.topology.dependents[step_id])
        return starting

    def _verdict(self, step: PlannedStep) -> Verdict:
        if self.stopped or (self.first_failure is not None and step.id not in self.below_failure):
            return "run_stopped"
        tally = self.tallies[step.id]
        verdict = join(step.trigger_rule, tally) if self.topology.upstream[step.id] else "start"
        return "wait" if verdict == "start" and tally.others else verdict


def join(rule: TriggerRule, upstream: Tally) -> Verdict:
    """What a trigger rule says of its upstream steps.

    The rules and their names are Airflow's; ``docs/joins.md`` holds the truth table.
    """
    if (rule == "one_success" and upstream.success) or (rule == "one_failed" and upstream.failed):
        return "start"
    if upstream.failed and rule in ("all_success", "none_failed", "none_failed_min_one_success"):
        return "upstream_failed"
    # A skip is judged last: whether it is the first or the last to settle must not change the verdict.
    return "wait" if upstream.open else _settled_join(rule, upstream)


def _settled_join(rule: TriggerRule, upstream: Tally) -> Verdict:
    """The rest of ``join``: every upstream step is settled."""
    if rule == "one_success" and upstream.failed:
        return "upstream_failed"
    if rule == "all_success" and upstream.skipped:
        return "trigger_rule"
    needs_success = rule in ("one_success", "none_failed_min_one_success") and not upstream.success
    return "trigger_rule" if needs_success or rule == "one_failed" else "start"


def _counted(outcome: StepOutcome) -> Settled:
    if isinstance(outcome, Failed):
        return "tolerated" if outcome.tolerated else "failed"
    if isinstance(outcome, Skipped):
        return "failed" if outcome.reason == "upstream_failed" else "skipped"
    return "success"
