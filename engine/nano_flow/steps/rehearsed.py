"""What a rehearsal does for real and what it only simulates, in a sentence for whoever starts it."""

from __future__ import annotations

from collections.abc import Iterator

from nano_flow.plan.kinds.prompt import PlannedPrompt
from nano_flow.plan.kinds.run import PlannedRun
from nano_flow.plan.plan import Plan
from nano_flow.plan.walk import every_plan, every_step

_SHOWN = 20
_LONGEST = 60


def what_is_real(plan: Plan, *, no_commands: bool) -> str:
    """Names the commands of ``plan`` and all below it; empty where there are none, and nothing else to simulate."""
    commands = list(dict.fromkeys(_commands(plan)))
    absent = list(dict.fromkeys(_absent(plan)))
    told = []
    if commands:
        more = f" and {len(commands) - _SHOWN} more" if len(commands) > _SHOWN else ""
        named = "; ".join(commands[:_SHOWN]) + more
        told.append(f"commands are simulated: {named}" if no_commands else f"these commands run for real: {named}")
    if absent:
        told.append(f"nothing is sent, simulated are: {', '.join(absent)}")
    if commands and not no_commands:
        told.append("--no-commands simulates commands, too")
    return f"offline: {'. '.join(told)}" if told else ""


def _commands(plan: Plan) -> Iterator[str]:
    for path, step in every_step(plan.graph):
        if isinstance(step.spec, PlannedRun):
            yield f"{path}: {_shown(step.spec)}"
        elif isinstance(step.spec, PlannedPrompt):
            yield from (f"{path} (verify): {_shown(check.run)}" for check in step.spec.verify if check.run)
    for each in every_plan(plan):
        for tool in each.tools.values():
            if tool.run is not None:
                yield f"tool {tool.name}: {_shown(tool.run)}"
            elif tool.name == "run_command":
                yield f"run_command: {', '.join(tool.allow)}"


def _absent(plan: Plan) -> Iterator[str]:
    for each in every_plan(plan):
        for tool in each.tools.values():
            if tool.kind == "mcp":
                yield f"MCP server {tool.name}"
            elif tool.name == "http_get":
                yield tool.name


def _shown(run: PlannedRun) -> str:
    text = " ".join((run.script or " ".join(word.source for word in run.argv)).split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
