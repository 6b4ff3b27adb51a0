"""``run``: a command; its output is what it printed."""

from __future__ import annotations

from nano_flow.core.calls import TURNS_PER_GENERATION
from nano_flow.core.errors import StepError
from nano_flow.core.events import NoticeGiven
from nano_flow.core.messages import Json
from nano_flow.core.outcomes import Failed, Failure, StepOutcome, Succeeded
from nano_flow.plan.kinds.run import PlannedRun
from nano_flow.ports import WHOLE, CommandResult
from nano_flow.steps.beside import output_of
from nano_flow.steps.context import Execution
from nano_flow.steps.kind import Kind
from nano_flow.steps.output import OutputBroken
from nano_flow.steps.tools.commands import run_command

_STDERR_SHOWN = 2_000
"""Characters of stderr that end a failure's message."""


async def execute(execution: Execution) -> StepOutcome:
    """Run the command; a non-zero exit fails the step with the class ``command``."""
    spec = execution.step.spec
    assert isinstance(spec, PlannedRun)
    key = (execution.generation * TURNS_PER_GENERATION, "run")
    result = await run_command(execution, spec, execution.names, key)
    if result.exit_code != 0:
        # Test runners report on stdout: where stderr is silent, that says why.
        said = (result.stderr.strip() or result.stdout.strip())[-_STDERR_SHOWN:]
        message = f"exit code {result.exit_code}" + (f": {said}" if said else "")
        return Failed(Failure("command", message, detail=_result(result)))
    if result.cut:
        _judge_size(execution, spec, result)
    if spec.output_schema is not None:
        try:
            return Succeeded(await output_of(result.stdout, spec.output_schema))
        except OutputBroken as error:
            raise StepError("schema", f"stdout: {error}") from None
    return Succeeded(_result(result))


def _judge_size(execution: Execution, spec: PlannedRun, result: CommandResult) -> None:
    """What is read later must be whole; of the rest, both ends are kept, and a notice says so. Raises StepError."""
    read = {stream: size for stream, size in result.sizes.items() if _is_read(execution, spec, stream)}
    services, most = execution.services, spec.max_output or WHOLE.most
    if not read:
        message = f"it printed {result.cut}: both ends of it are kept, {most:,} bytes"
        services.emit(NoticeGiven(services.clock.now(), execution.address, message))
        return
    stream, size = next(iter(read.items()))
    raise StepError(
        "output_limit",
        f"it printed {size:,} bytes of {stream}, {most:,} are the most, and a later step reads it; "
        f"write `max_output:` (at most 64M), `capture: tail | head | none`, or let it write a file in the workspace",
    )


def _is_read(execution: Execution, spec: PlannedRun, stream: str) -> bool:
    # A sub-workflow without outputs of its own hands everything to its caller.
    in_sub_workflow = any(step.kind == "workflow" for step, _ in execution.above)
    return stream in spec.read_by_others or (in_sub_workflow and not execution.plan.graph.has_outputs)


def _result(result: CommandResult) -> dict[str, Json]:
    return {
        "stdout": result.stdout.removesuffix("\n"),
        "stderr": result.stderr.removesuffix("\n"),
        "exit_code": result.exit_code,
    }


KIND = Kind(execute, slot=True)
