"""Retries of a step: whether another attempt follows, and after how long."""

from __future__ import annotations

from nano_flow.core.outcomes import Failure
from nano_flow.plan.plan import PlannedRetry
from nano_flow.runtime.execution.engine import holds
from nano_flow.steps.order import Names

_NOT_RETRIED = frozenset(
    {"template", "condition", "for_each", "max_items", "budget", "limit", "defect", "output_limit"}
)
"""Classes that a second attempt cannot help; retried only where ``retry.errors`` names them."""


def retry_delay(retry: PlannedRetry, attempt: int) -> float:
    """Seconds to wait after attempt number ``attempt`` (from 1) failed."""
    factor = 2.0 ** (attempt - 1) if retry.backoff == "exponential" else 1.0
    return min(retry.delay_s * factor, retry.max_delay_s)


def retries(retry: PlannedRetry, failure: Failure, attempts: int, names: Names) -> bool:
    """Whether another attempt follows. Raises StepError where ``retry.when`` cannot be evaluated."""
    if attempts >= retry.max_attempts:
        return False
    if failure.kind not in retry.errors if retry.errors else failure.kind in _NOT_RETRIED:
        return False
    return retry.when is None or holds(retry.when, {**names, "error": failure.shown(command=True)})
