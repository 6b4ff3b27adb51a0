"""One plain line per event, for logs and for terminals that cannot do more."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nano_flow.core.events import (
    ApprovalAnswered,
    ApprovalAsked,
    BudgetWarned,
    CacheHit,
    CallFailed,
    CallFinished,
    CallIntended,
    CommandPrinted,
    Event,
    NoticeGiven,
    ReplyChecked,
    RouteDecided,
    RunFinished,
    RunStarted,
    StepCollected,
    StepExpanded,
    StepFailed,
    StepFinished,
    StepRetried,
    StepSkipped,
    StepStarted,
    ToolCalled,
    ToolIntended,
    WaitStarted,
)
from nano_flow.core.money import usd
from nano_flow.core.shown.printable import printable
from nano_flow.core.text import duration_text, rfc3339

LOUD, NORMAL, DETAIL = -1, 0, 1
"""Said also under ``-q``; said usually; said with ``-v``."""

_LONGEST = 500


def line_of(event: Event, verbosity: int) -> str | None:
    """The line that tells of ``event``, safe for any terminal; None where nobody with ``verbosity`` wants to know."""
    entry = _LINES.get(type(event))
    if entry is None or entry[0] > verbosity:
        return None
    text = entry[1](event)
    return printable(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")


def _run_started(event: RunStarted) -> str:
    word = "resumed" if event.resumed else "started"
    return f"run {event.run_id} {word}: {event.workflow}{' (simulated)' if event.simulated else ''}"


def _run_finished(event: RunFinished) -> str:
    reason = f" ({event.stop_reason})" if event.stop_reason else ""
    error = f": {event.error}" if event.error else ""
    return f"run {event.status}{reason} after {duration_text(event.duration_s)}{error}"


def _step_failed(event: StepFailed) -> str:
    word = "failed, tolerated" if event.tolerated else "failed"
    return f"{event.address} {word} ({event.error}): {event.message}"


def _step_finished(event: StepFinished) -> str:
    recovered = f", recovered from: {event.recovered}" if event.recovered else ""
    return f"{event.address} done in {duration_text(event.duration_s)}{recovered}"


def _step_skipped(event: StepSkipped) -> str:
    return f"{event.address} skipped: {event.reason}{f' ({event.detail})' if event.detail else ''}"


def _step_collected(event: StepCollected) -> str:
    if event.status == "failed":
        return f"{event.address} failed ({event.error}): {event.message}"
    return f"{event.address} done in {duration_text(event.duration_s)}"


def _call_intended(event: CallIntended) -> str:
    most = f"unpriced ({event.unpriced})" if event.unpriced else f"at most ${usd(event.reserved)}"
    return f"{event.address} asks {event.model}, {most}"


def _call_finished(event: CallFinished) -> str:
    cost = f"unpriced ({event.unpriced})" if event.cost is None else f"${usd(event.cost)}"
    simulated = " simulated" if event.reply.simulated else ""
    tokens = f"{event.reply.usage.context} + {event.reply.usage.total - event.reply.usage.context} tokens"
    return f"{event.address} {event.model}{simulated} answered in {duration_text(event.duration_s)}, {tokens}, {cost}"


def _call_failed(event: CallFailed) -> str:
    unknown = f"; billed, unpriced ({event.unpriced})" if event.cost is None else ""
    return f"{event.address} {event.model} failed ({event.error}): {event.message}{unknown}"


def _reply_checked(event: ReplyChecked) -> str:
    score = "" if event.score is None else f", a judge gave {event.score:g}"
    return f"{event.address} {event.model} {'passed' if event.passed else 'failed'} its checks ({event.by}{score})"


def _approval_asked(event: ApprovalAsked) -> str:
    until = "" if event.expires_at is None else f" until {rfc3339(event.expires_at)}"
    return f"{event.address} asks{until}: {event.message} [{', '.join(event.options)}]"


_LINES: Mapping[type, tuple[int, Callable[..., str]]] = {
    RunStarted: (NORMAL, _run_started),
    RunFinished: (NORMAL, _run_finished),
    StepStarted: (DETAIL, lambda event: f"{event.address} started ({event.kind})"),
    StepExpanded: (DETAIL, lambda event: f"{event.address} {event.over}: {event.count}"),
    StepCollected: (NORMAL, _step_collected),
    StepFinished: (NORMAL, _step_finished),
    StepFailed: (LOUD, _step_failed),
    StepSkipped: (NORMAL, _step_skipped),
    StepRetried: (
        NORMAL,
        lambda event: f"{event.address} tries again in {duration_text(event.delay_s)} ({event.error}): {event.message}",
    ),
    RouteDecided: (DETAIL, lambda event: f"{event.address} routed: {event.requested} → {event.tier or 'as named'}"),
    CallIntended: (DETAIL, _call_intended),
    CallFinished: (DETAIL, _call_finished),
    CallFailed: (NORMAL, _call_failed),
    CacheHit: (DETAIL, lambda event: f"{event.address} {event.model} from the cache, saved ${usd(event.saved)}"),
    ReplyChecked: (DETAIL, _reply_checked),
    CommandPrinted: (DETAIL, lambda event: f"{event.address} {event.stream}: {_last_line(event.text)}"),
    ToolIntended: (DETAIL, lambda event: f"{event.address} calls {event.tool}"),
    ToolCalled: (
        DETAIL,
        lambda event: f"{event.address} {event.tool} {'failed: ' + event.error if event.error else 'done'}",
    ),
    ApprovalAsked: (LOUD, _approval_asked),
    ApprovalAnswered: (NORMAL, lambda event: f"{event.address} answered by {event.by}: {event.decision}"),
    WaitStarted: (NORMAL, lambda event: f"{event.address} waits until {rfc3339(event.until)}"),
    BudgetWarned: (
        LOUD,
        lambda event: f"{event.address or 'the run'} has spent ${usd(event.spent)} of ${usd(event.limit)}",
    ),
    NoticeGiven: (LOUD, lambda event: f"{event.address + ': ' if event.address else ''}{event.message}"),
}


def _last_line(text: str) -> str:
    return text.splitlines()[-1] if text else ""
