"""The fence around a step: whatever goes wrong inside, foreseen or not, is that step's failure and nobody else's."""

from __future__ import annotations

from collections.abc import Coroutine
from types import TracebackType

from nano_flow.core.errors import LimitReached, NanoFlowError, ProviderError, RunError, StoreError
from nano_flow.core.events import StepFailed, StepStarted
from nano_flow.core.outcomes import Failed, Failure, StepOutcome
from nano_flow.plan.plan import PlannedStep
from nano_flow.steps.context import Services

_STOPS_THE_RUN = (StoreError, LimitReached)
"""By contract: nothing is paid once the store is broken; a bound of the run is answered by whoever knows the bound."""


class Fence:
    """A block that never lets an error of a step out; ``failed`` is then what became of it.

    Cancellation passes, and so does what a sink raises: where nobody can be told anything, the run ends.
    """

    def __init__(self, services: Services, address: str) -> None:
        self.failed: Failed | None = None
        self._services = services
        self._address = address

    def __enter__(self) -> Fence:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception) or _passes(self._services, error):
            return False
        self.failed = Failed(_failure(self._services, self._address, error))
        return True


def caught(services: Services, address: str, error: Exception) -> Failed | None:
    """What an error makes of the step that raised it; None where it is not for the step to answer, and passes.

    For an ``except`` clause, where most is executed: a ``try`` that nothing goes wrong in costs nothing.
    """
    return None if _passes(services, error) else Failed(_failure(services, address, error))


def told(services: Services, step: PlannedStep, address: str, error: Exception) -> Failed | None:
    """The same for an error that came from around the step's attempts: nobody has told of the step yet."""
    failed = caught(services, address, error)
    if failed is None:
        return None
    failure, now = failed.failure, services.clock.now()
    services.emit(StepStarted(now, address, step.id, step.kind))
    services.emit(StepFailed(now, address, failure.kind, failure.message, 0.0, step.on_error != "fail"))
    return failed


async def fenced(
    services: Services, step: PlannedStep, address: str, work: Coroutine[object, object, StepOutcome]
) -> StepOutcome:
    """The outcome of ``work``; an error that came from around the step's attempts is told as the step's failure."""
    try:
        return await work
    except Exception as error:
        if (failed := told(services, step, address, error)) is not None:
            return failed
        raise


def _passes(services: Services, error: Exception) -> bool:
    return isinstance(error, _STOPS_THE_RUN) or services.unheard()


def _failure(services: Services, address: str, error: Exception) -> Failure:
    if isinstance(error, RunError):
        return Failure(error.kind, str(error), provider=isinstance(error, ProviderError))
    if isinstance(error, NanoFlowError):
        return Failure("error", str(error))
    if isinstance(error, TimeoutError):
        return Failure("timeout", str(error) or "no result in time")
    if isinstance(error, OSError) and error.strerror:
        # A full disk, too many open files: the machine's fault, and the reader can do something about it.
        what = f'"{error.filename}": {error.strerror}' if error.filename else error.strerror
        return Failure("error", what)
    return Failure("defect", services.defect(error, address))
