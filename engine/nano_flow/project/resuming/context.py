"""What a run depends on besides its steps: its workspace, its tools, the defaults of its inputs; as digests."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace

from nano_flow.core.errors import StepError
from nano_flow.core.refs import path_of
from nano_flow.core.secrets.naming import sounds_secret
from nano_flow.plan.freezing.digest import digest_of
from nano_flow.plan.kinds.prompt import PlannedPrompt
from nano_flow.plan.kinds.tool import PlannedTool
from nano_flow.plan.kinds.workflow import PlannedWorkflow
from nano_flow.plan.plan import Plan, PlannedStep
from nano_flow.plan.walk import every_step
from nano_flow.ports import RecordedWork
from nano_flow.steps.conversation.prompts import attachment_of

_DEFAULT = "inputs."
_VARIABLE = "env."
_FILE = "files."


def context_digests(plan: Plan, given: Collection[str]) -> dict[str, str]:
    """Name → digest: ``workspace``, ``tools.NAME``, ``inputs.NAME``; those of a sub-workflow after its step's path.

    A default counts where the input was not ``given``: what was given does not change with the file.
    """
    # Relative, so that a checkout that was moved as a whole is the same place.
    folder = os.path.dirname(os.path.abspath(plan.file))
    own = plan.own_workspace
    found = {"workspace": digest_of(os.path.relpath(plan.workspace, folder) if own is None else own)}
    for prefix, each in _plans(plan):
        found |= {f"{prefix}tools.{name}": digest_of([tool, tool.description]) for name, tool in each.tools.items()}
        found |= {
            f"{prefix}{_DEFAULT}{name}": digest_of(spec.default)
            for name, spec in each.inputs.items()
            if not spec.required and not spec.secret and (prefix or name not in given)
        }
    return found


def variable_digests(plan: Plan, environ: Mapping[str, str], credentials: Collection[str]) -> dict[str, str]:
    """``env.NAME`` → digest of what the variable holds, or of nothing; none for those that hold secrets."""
    names = {name for _, each in _plans(plan) for name in each.env}
    return {
        f"{_VARIABLE}{name}": digest_of(environ.get(name))
        for name in sorted(names)
        if name not in credentials and not sounds_secret(name)
    }


def changed_files(recorded: RecordedWork, read_file: Callable[[str], bytes]) -> tuple[str, ...]:
    """``files.PATH`` of what was attached to a recorded call and reads otherwise now, or cannot be read."""
    attached = {item for call in recorded.calls.values() for item in call.files.items()}
    return tuple(sorted({f"{_FILE}{path}" for path, digest in attached if _now(path, read_file) != digest}))


def _now(path: str, read_file: Callable[[str], bytes]) -> str:
    try:
        return attachment_of(path, read_file(path)).digest
    except StepError:
        return ""


def places_of_files(recorded: RecordedWork, changed: Collection[str]) -> frozenset[str]:
    """Paths of the steps whose recorded calls had one of the ``changed`` files with them."""
    return frozenset(
        path_of(place)
        for (place, _), call in recorded.calls.items()
        if any(f"{_FILE}{path}" in changed for path in call.files)
    )


def changed_context(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """What differs; nothing where the run is of a version that did not keep it."""
    if not before:
        return ()
    # What a version before this one did not keep is no change.
    known = [name for name in {*before, *now} if not name.startswith(_VARIABLE) or (name in before and name in now)]
    return tuple(sorted(name for name in known if before.get(name) != now.get(name)))


def defaulted(context: Mapping[str, str]) -> frozenset[str]:
    """The inputs of the run that were not given: a changed default reaches them."""
    return frozenset(name.removeprefix(_DEFAULT) for name in context if name.startswith(_DEFAULT))


def steps_that_depend(plan: Plan, changed: Collection[str]) -> frozenset[str]:
    """Paths of the steps that are changed themselves, use a changed tool, or may see a changed default or workspace."""
    names = frozenset(changed)
    found = set()
    for path, step in every_step(plan.graph):
        tools = {tool.partition(".")[0] for tool in _tools(step)}
        used = {f"{prefix}tools.{tool}" for tool in tools for prefix in _prefixes(path)}
        if path in names or used & names:
            found.add(path)
    if any(name == "workspace" or name.rpartition(": ")[2].startswith((_DEFAULT, _VARIABLE)) for name in names):
        found |= {path for path, _ in every_step(plan.graph)}
    return frozenset(found)


def _tools(step: PlannedStep) -> tuple[str, ...]:
    spec = step.spec
    if isinstance(spec, PlannedTool):
        return (spec.tool,)
    return spec.tools if isinstance(spec, PlannedPrompt) else ()


def _prefixes(path: str) -> Iterator[str]:
    """``""``, and each step above ``path`` as the sub-workflow that it may be."""
    yield ""
    segments = path.split(".")
    for length in range(1, len(segments)):
        yield f"{'.'.join(segments[:length])}: "


def _plans(plan: Plan) -> Iterator[tuple[str, Plan]]:
    yield "", plan
    for path, step in every_step(plan.graph):
        if isinstance(step.spec, PlannedWorkflow):
            yield f"{path}: ", replace(step.spec.plan, workspace=plan.workspace)
