"""One call of a tool: made once, recorded, and replayed by a resume instead of being repeated."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping

from nano_flow.core.errors import NanoFlowError, OutputLimit, StepError
from nano_flow.core.events import ToolCalled, ToolIntended
from nano_flow.core.messages import Json
from nano_flow.ports import Tool
from nano_flow.steps.context import Execution


async def run_tool(
    execution: Execution,
    tool: Tool,
    arguments: Mapping[str, Json],
    key: tuple[int, str],
    is_done: Callable[[ToolCalled], bool] = lambda called: True,
    older: tuple[str, ...] = (),
) -> Json:
    """Call a tool once: what an earlier life of the run recorded is returned, not repeated.

    ``key`` is the turn and the call inside it; a recorded call that is not ``is_done`` is made again. ``older``
    are its fingerprints by the rules of earlier versions. Raises StepError.
    """
    services = execution.services
    turn, call = key
    name = tool.spec.name
    fingerprint = tool_fingerprint(name, arguments)
    place = (str(execution.address), turn, call)
    done = services.recorded.tools.get(place)
    same = done is not None and (done.fingerprint in (fingerprint, *older) or services.recorded.holds(place[0]))
    if done is not None and same and is_done(done):
        if done.error_kind == "output_limit":
            raise OutputLimit(done.error, done.result)
        if done.error:
            raise StepError(done.error_kind or "tool", done.error)
        return done.result
    doubt = services.recorded.tools_in_doubt.get(place)
    if doubt is not None and doubt.fingerprint == fingerprint and not tool.repeatable:
        raise StepError(
            "interrupted",
            f'"{name}" was interrupted when the run stopped; check whether it took effect before it is called again',
        )
    execution.fresh = True
    await services.before_work()
    clock = services.clock
    started = clock.monotonic()
    intended = ToolIntended(clock.now(), execution.address, turn, call, name, fingerprint, dict(arguments))
    if tool.repeatable:
        services.emit(intended)  # an intent that the disk never saw costs a repetition, and that one does no harm
    else:
        await services.durable(intended)
    result, failure = await _attempt(execution, tool, arguments, key)
    took = clock.monotonic() - started
    ended = (str(failure), failure.kind) if failure else ("", "")
    asked = (execution.address, turn, call, name, fingerprint)
    called = ToolCalled(clock.now(), *asked, result, took, *ended, getattr(tool, "simulated", False))
    await services.durable(called)
    if failure is not None:
        raise failure
    return result


async def _attempt(
    execution: Execution, tool: Tool, arguments: Mapping[str, Json], key: tuple[int, str]
) -> tuple[Json, StepError | None]:
    """The result, or why there is none; a tool may come from another package and raise what it likes."""
    stand_in = execution.services.stand_in
    try:
        if stand_in is not None:
            return await stand_in.call(str(execution.address), tool, arguments, key), None
        return await tool.call(arguments), None
    except OutputLimit as error:
        return error.partial, error
    except StepError as error:
        return None, error
    except NanoFlowError:
        raise
    except Exception as error:
        return None, StepError("tool", f'"{tool.spec.name}" failed: {type(error).__name__}: {error}')


def succeeded(called: ToolCalled) -> bool:
    """Whether a call needs no repetition where nobody decided anything on its failure."""
    return not called.error


def tool_fingerprint(name: str, arguments: Mapping[str, Json]) -> str:
    """What was asked of a tool, as a digest."""
    text = json.dumps([name, arguments], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:32]
