"""Names and places of the file itself: the names that ``as`` gives, and the workspace."""

from __future__ import annotations

from collections.abc import Iterator

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.documents.agent import JudgeVerify
from nano_flow.plan.draft import Draft, DraftStep, join, problem
from nano_flow.plan.reading.confine import within
from nano_flow.plan.reading.workspace import FRESH, repository_faults

_TAKEN = frozenset(
    ("inputs", "steps", "env", "run", "output", "args", "failure", "index", "iteration", "previous", "loop", "range")
)


def check_names(draft: Draft) -> Iterator[Diagnostic]:
    """Keys without what they belong to; names that mean something else; the workspace."""
    for step in draft.steps:
        yield from _step(draft, step)
        yield from _without_effect(draft, step)
        yield from _hopeless(draft, step)
    yield from _workspace(draft)


def _step(draft: Draft, step: DraftStep) -> Iterator[Diagnostic]:
    document = step.document
    if document.as_ is not None and document.as_ in _TAKEN:
        at = (*step.at, "as")
        message = f'"{document.as_}" means something else in expressions'
        yield problem("NF328", message, draft.where(at), at=at, hint="give the item another name")
    loop = document.repeat
    if loop is not None and loop.as_ is not None and (loop.as_ in _TAKEN or loop.as_ == (document.as_ or "item")):
        at = (*step.at, "repeat", "as")
        message = f'"{loop.as_}" means something else in expressions'
        yield problem("NF328", message, draft.where(at), at=at, hint="give the loop another name")
    if document.for_each is None:
        for key, field in (("as", "as_"), ("max_items", "max_items"), ("on_item_failure", "on_item_failure")):
            if getattr(document, field) is not None:
                at = (*step.at, key)
                message = f'"{key}" has no effect without "for_each"'
                yield problem("NF328", message, draft.key(at), at=at, severity="warning")


def _without_effect(draft: Draft, step: DraftStep) -> Iterator[Diagnostic]:
    """Keys that look as if they did something, on kinds of step where they cannot."""
    document = step.document
    if document.kind in ("finish", "fail") and document.on_error is not None:
        at = (*step.at, "on_error")
        message = f'"on_error" has no meaning on "{document.kind}": the run ends there'
        hint = "leave it out; to go on after a failure, let a step that can fail say `on_error: continue`"
        yield problem("NF334", message, draft.key(at), at=at, hint=hint)
    if document.kind == "prompt" and document.retry is not None and document.retry.when is not None:
        at = draft.written(step.number, "retry", "when")
        message = '"retry.when" does not reach the calls of a model: they are tried again by their class of error'
        yield problem("NF334", message, draft.key(at), at=at, hint="write `errors: [rate_limit, timeout]`, say")


def _hopeless(draft: Draft, step: DraftStep) -> Iterator[Diagnostic]:
    """Values with which the step could only fail."""
    for position, entry in enumerate(getattr(step.document, "verify", None) or ()):
        if isinstance(entry, JudgeVerify) and not entry.judge.strip():
            at = (*draft.written(step.number, "verify", position), "judge")
            yield problem("NF335", "the judge's question is blank", draft.where(at), at=at, hint="say what is judged")
    prompt = getattr(step.document, "prompt", None)
    if isinstance(prompt, str) and not prompt.strip():
        at = (*step.at, "prompt")
        yield problem("NF335", "the prompt is blank", draft.where(at), at=at, hint="say what the model is to do")
    if step.document.timeout == 0:
        at = draft.written(step.number, "timeout")
        message = "with a timeout of 0 s the step could only fail"
        yield problem("NF335", message, draft.where(at), at=at, hint="write `timeout: 30s`, or leave it out")


def _workspace(draft: Draft) -> Iterator[Diagnostic]:
    written = draft.document.workspace
    if written is None or written == FRESH:
        return
    if not isinstance(written, str):
        yield from repository_faults(draft, written)
        return
    at = ("workspace",)
    hint = "name a folder of this project, such as `workspace: .`"
    folder = draft.path.rpartition("/")[0] or "/"
    root = draft.context.root
    reason = ""
    if written.startswith("~"):
        reason = "is a home folder"
    elif any(not c.isprintable() for c in written):
        reason = "holds a character that cannot be seen"
    elif not within(join(folder, written), root):
        reason = (
            "holds more than this project"
            if within(join("/", root), join(folder, written))
            else "is outside of this project"
        )
    if reason:
        message = f'the workspace "{ascii(written)[1:-1]}" {reason}: agents and commands work in it'
        yield problem("NF313", message, draft.where(at), at=at, hint=hint)
