"""Every kind of step of the language, as a plan knows it."""

from __future__ import annotations

from collections.abc import Mapping

from nano_flow.plan.kinds import approve, finish, prompt, run, set, steps, switch, tool, wait, workflow
from nano_flow.plan.kinds.kind import PlannedKind

Spec = (
    prompt.PlannedPrompt
    | run.PlannedRun
    | tool.PlannedTool
    | workflow.PlannedWorkflow
    | set.PlannedSet
    | approve.PlannedApprove
    | switch.PlannedSwitch
    | steps.PlannedGroup
    | wait.PlannedWait
    | finish.PlannedFinish
)
"""What is special to the kind of a planned step."""

KINDS: Mapping[str, PlannedKind] = {
    "prompt": prompt.KIND,
    "run": run.KIND,
    "tool": tool.KIND,
    "workflow": workflow.KIND,
    "set": set.KIND,
    "approve": approve.KIND,
    "switch": switch.KIND,
    "steps": steps.KIND,
    "wait": wait.KIND,
    "finish": finish.FINISH,
    "fail": finish.FAIL,
}
