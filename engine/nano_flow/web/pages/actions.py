"""What a page may have done: a run cancelled, taken up again, started once more, started anew."""

from __future__ import annotations

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from nano_flow.operations.runs.changing import cancel_run
from nano_flow.operations.runs.starting import Wanted
from nano_flow.operations.service.queueing import queue_again, queue_copy
from nano_flow.web.pages.frame import form, gone_to, holder_of, site_of
from nano_flow.web.security.tokens import Role


async def cancel(request: Request) -> Response:
    """Ask the owner of a run to cancel it; close it where it has none."""
    await form(request, Role.run)
    return await _done(request, lambda run: cancel_run(site_of(request).place, run).run_id)


async def resume(request: Request) -> Response:
    """Let a worker go on with a run, or do a step of it, and what depends on it, again."""
    given = await form(request, Role.run)
    again = Wanted((given["from"],)) if given.get("from") else Wanted(failed=given.get("failed") == "true")
    return await _done(request, lambda run: queue_again(site_of(request).place, run, again))


async def rerun(request: Request) -> Response:
    """A new run with the same inputs."""
    await form(request, Role.run)
    by = f"web:{holder_of(request).name}"
    return await _done(request, lambda run: queue_copy(site_of(request).place, run, by).run_id)


async def _done(request: Request, act: Callable[[str], str]) -> Response:
    run_id = await run_in_threadpool(act, request.path_params["run"])
    site_of(request).follower.tell_soon()
    return gone_to(f"/runs/{run_id}")
