"""Whether a worker on another machine sees the workspace of a run: its owner leaves a mark there."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from nano_flow.plan.kinds.prompt import PlannedPrompt
from nano_flow.plan.plan import PlannedGraph, PlannedStep
from nano_flow.plan.walk import every_step
from nano_flow.project.preparing import PreparedRun


def mark_workspace(prepared: PreparedRun) -> None:
    """Leave the mark; a workspace that cannot be written has none, and workers elsewhere say so."""
    if prepared.plan.own_workspace is not None:
        return
    mark = _mark(prepared)
    with suppress(OSError):
        mark.parent.mkdir(parents=True, exist_ok=True)
        ignore = mark.parent.parent / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
        mark.write_text("a worker that sees this file shares the workspace of the run\n", encoding="utf-8")


def unmark_workspace(prepared: PreparedRun) -> None:
    """Take the mark away."""
    with suppress(OSError):
        _mark(prepared).unlink()


def absent_workspace(prepared: PreparedRun, step: PlannedStep) -> str | None:
    """Why ``step`` cannot be done on this machine; None where it can, or needs no files."""
    if prepared.plan.own_workspace is not None or not _needs_files(step) or _mark(prepared).is_file():
        return None
    return (
        f'the workspace of the run, "{prepared.plan.workspace}", is not shared with this machine: share that folder, '
        "or let the workflow say `workspace: fresh` or `workspace: {git: URL}`"
    )


def _needs_files(step: PlannedStep) -> bool:
    inside = (one for _, one in every_step(PlannedGraph((step,))))
    return any(one.kind in ("run", "tool") or _reads_files(one) for one in inside)


def _reads_files(step: PlannedStep) -> bool:
    spec = step.spec
    rows = step.for_each is not None and step.for_each.rows is not None
    return rows or (isinstance(spec, PlannedPrompt) and bool(spec.tools or spec.attachments))


def _mark(prepared: PreparedRun) -> Path:
    return Path(prepared.plan.workspace) / ".nano-flow" / "shared" / prepared.record.run_id
