"""What earlier runs of a workflow used, step by step: the ground of likely figures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from nano_flow.core.events import CallFailed, CallFinished, Event, StepSkipped, StepStarted
from nano_flow.core.messages import Usage

_INDEX = re.compile(r"\[\d+\]")
_NONE = Usage()


@dataclass(frozen=True, slots=True)
class StepUse:
    """What one step used in one run, all its executions together; ``usage`` by ``provider/model``.

    ``longest`` is its longest whole reply, in tokens.
    """

    executions: int = 0
    calls: int = 0
    usage: Mapping[str, Usage] = field(default_factory=dict)
    longest: int = 0


@dataclass(frozen=True, slots=True)
class StepHistory:
    """What a step used over ``runs`` earlier runs, summed."""

    runs: int
    executions: int
    calls: int
    usage: Mapping[str, Usage]
    longest: int = 0

    def all_usage(self) -> Usage:
        """Of all models together."""
        return sum(self.usage.values(), _NONE)


def step_path(address: str) -> str:
    """An address without its indices: ``epics[2].build[1].code`` → ``epics.build.code``."""
    return _INDEX.sub("", address)


def uses_of_run(events: Iterable[Event]) -> dict[str, StepUse]:
    """Step path → what it used in the run that ``events`` tell of. Cached replies used nothing."""
    executions: dict[str, int] = {}
    calls: dict[str, int] = {}
    usage: dict[str, dict[str, Usage]] = {}
    longest: dict[str, int] = {}
    for event in events:
        if isinstance(event, StepStarted):
            path = step_path(event.address)
            executions[path] = executions.get(path, 0) + 1
        elif isinstance(event, StepSkipped):
            executions.setdefault(step_path(event.address), 0)
        elif isinstance(event, CallFinished | CallFailed):
            used = event.reply.usage if isinstance(event, CallFinished) else event.usage
            if used is None:
                continue
            path = step_path(event.address)
            calls[path] = calls.get(path, 0) + 1
            by_model = usage.setdefault(path, {})
            by_model[event.model] = by_model.get(event.model, _NONE) + used
            if isinstance(event, CallFinished):
                longest[path] = max(longest.get(path, 0), used.output_tokens + used.reasoning_tokens)
    return {
        path: StepUse(executions.get(path, 0), calls.get(path, 0), usage.get(path, {}), longest.get(path, 0))
        for path in {*executions, *usage}
    }


def history(runs: Iterable[Mapping[str, StepUse]]) -> dict[str, StepHistory]:
    """Step path → its history. A run in which a step did not start counts: it used nothing there."""
    seen = list(runs)
    found: dict[str, StepHistory] = {}
    for path in {path for run in seen for path in run}:
        uses = [run.get(path, StepUse()) for run in seen]
        usage: dict[str, Usage] = {}
        for use in uses:
            for model, used in use.usage.items():
                usage[model] = usage.get(model, _NONE) + used
        executions, calls = sum(use.executions for use in uses), sum(use.calls for use in uses)
        found[path] = StepHistory(len(seen), executions, calls, usage, max(use.longest for use in uses))
    return found


def history_of(path: str, known: Mapping[str, StepHistory]) -> StepHistory | None:
    """The history of a step. One that stood inside a known step and never started used nothing so far."""
    own = known.get(path)
    while own is None and "." in path:
        path = path.rpartition(".")[0]
        around = known.get(path)
        own = None if around is None else StepHistory(around.runs, 0, 0, {})
    return own
