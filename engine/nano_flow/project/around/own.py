"""``workspace: fresh`` and ``workspace: {git: …}``: a folder of each run, kept until there is nothing to go on with."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from nano_flow.plan.plan import Plan
from nano_flow.project.around.env_file import of_process
from nano_flow.project.preparing import PreparedRun
from nano_flow.tools.files.checkout import checkout, empty_folder, remove_folder
from nano_flow.tools.processes.tree import ProcessTree

FOLDER = "workspaces"
"""Below the state folder; one folder a run, by its id."""


async def in_own_workspace(
    prepared: PreparedRun, state: Path, environ: Mapping[str, str], tree: ProcessTree
) -> PreparedRun:
    """The same run in the folder that its workflow wants for it, made where it is not there yet. Raises UsageError.

    A run that goes on, and another machine that takes part, get the commit that it began with.
    """
    own = prepared.plan.own_workspace
    if own is None:
        return prepared
    folder = folder_of(state, prepared.record.run_id)
    plan = replace(prepared.plan, workspace=folder)
    if await asyncio.to_thread(os.path.isdir, folder):
        return replace(prepared, plan=plan)
    if not own.git:
        await empty_folder(folder)
        return replace(prepared, plan=plan)
    if own.remote and prepared.options.offline:
        await empty_folder(folder)
        told = f"--offline fetches nothing: the workspace is an empty folder in the place of a checkout of {own.git}"
        return replace(prepared, plan=plan, told=(told,))
    await empty_folder(os.path.dirname(folder))
    commit = await checkout(folder, own.git, prepared.options.commit or own.ref, of_process(environ), tree)
    options = replace(prepared.options, commit=commit)
    record = replace(prepared.record, options=options.as_json())
    told = f"the workspace is a checkout of {own.git} at {commit[:12]}"
    return replace(prepared, plan=plan, options=options, record=record, told=(told,))


def folder_of(state: Path, run_id: str) -> str:
    """The folder of a run; it may not be there."""
    return os.path.join(os.path.abspath(state), FOLDER, run_id)


async def leave_own_workspace(plan: Plan, status: str) -> None:
    """Remove the folder of a run that has ended for good; one that failed can still go on."""
    if plan.own_workspace is not None and status in ("succeeded", "cancelled"):
        await remove_folder(plan.workspace)


def forget_workspaces(state: Path, run_ids: Iterable[str]) -> None:
    """Remove what is left of the folders of deleted runs."""
    for run_id in run_ids:
        folder = folder_of(state, run_id)
        if os.path.isdir(folder):
            shutil.rmtree(folder, ignore_errors=True)
