"""Who reads what a command printed: only what somebody reads must be whole."""

from __future__ import annotations

from nano_flow.plan.draft import Draft, DraftStep

_STREAMS = ("stdout", "stderr")


def streams_read(draft: Draft, step: DraftStep) -> tuple[str, ...]:
    """Which of stdout and stderr some template of the file reads, or a group hands on; more may be listed than are."""
    document = step.document
    found = {stream for use in draft.uses for path in use.template.references for stream in _named(path, step.id)}
    if document.repeat is not None and (document.repeat.until is not None or document.repeat.as_ is not None):
        found |= {stream for stream in _STREAMS if _in_loop(draft, step.number, stream)}
    owner = draft.graphs[step.graph].owner
    if owner is not None and found != set(_STREAMS):
        around = draft.steps[owner]
        hands_on = around.document.kind == "switch" or getattr(around.document, "outputs", None) is None
        if hands_on and _is_read(draft, around):
            return _STREAMS
    return tuple(found)


def _named(path: tuple[str, ...], step_id: str) -> tuple[str, ...]:
    """The streams that a reference takes in: ``steps.a``, ``steps.a.output`` both, ``steps.a.output.stdout`` one."""
    if path[:2] != ("steps", step_id) or (len(path) > 2 and path[2] != "output"):
        return ()
    if len(path) < 4:
        return _STREAMS
    return (path[3],) if path[3] in _STREAMS else ()


def _in_loop(draft: Draft, number: int, stream: str) -> bool:
    """Whether the loop's own condition or a later iteration reads a stream."""
    for use in draft.uses:
        if use.step == number:
            for path in use.template.references:
                if path[0] in ("output", "previous") and (len(path) < 2 or path[1] == stream):
                    return True
    return False


def _is_read(draft: Draft, step: DraftStep) -> bool:
    """Whether anything reads the output of a step, or of the group that hands it on."""
    if any(_whole(path, step.id) for use in draft.uses for path in use.template.references):
        return True
    owner = draft.graphs[step.graph].owner
    if owner is None:
        return False
    around = draft.steps[owner]
    hands_on = around.document.kind == "switch" or getattr(around.document, "outputs", None) is None
    return hands_on and _is_read(draft, around)


def _whole(path: tuple[str, ...], step_id: str) -> bool:
    return path[:2] == ("steps", step_id) and (len(path) == 2 or path[2] == "output")
