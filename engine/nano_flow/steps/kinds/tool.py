"""``tool``: one call of a tool, without a model."""

from __future__ import annotations

from nano_flow.core.calls import TURNS_PER_GENERATION
from nano_flow.core.errors import StepError
from nano_flow.core.outcomes import StepOutcome, Succeeded
from nano_flow.core.text import as_text
from nano_flow.plan.kinds.tool import PlannedTool
from nano_flow.steps.beside import judged, output_of
from nano_flow.steps.context import Execution
from nano_flow.steps.kind import Kind
from nano_flow.steps.output import OutputBroken
from nano_flow.steps.tools.calls import run_tool, succeeded


async def execute(execution: Execution) -> StepOutcome:
    """Check the arguments, call the tool once, return its result."""
    spec = execution.step.spec
    assert isinstance(spec, PlannedTool)
    tools = await execution.services.toolbox.tools((spec.tool,), execution.plan, execution.names)
    tool = next(iter(tools.values()))
    arguments = execution.render_value(spec.arguments, execution.names) or {}
    try:
        await judged(arguments, tool.spec.parameters)
    except OutputBroken as error:
        raise StepError("tool", f'the arguments of "{spec.tool}" are wrong: {error}') from None
    if not isinstance(arguments, dict):
        raise StepError("tool", f'the arguments of "{spec.tool}" must be a mapping')
    key = (execution.generation * TURNS_PER_GENERATION, "tool")
    result = await run_tool(execution, tool, arguments, key, succeeded)
    if spec.output_schema is not None:
        try:
            return Succeeded(await output_of(as_text(result), spec.output_schema))
        except OutputBroken as error:
            raise StepError("schema", f"the result: {error}") from None
    return Succeeded(result)


KIND = Kind(execute, slot=True)
