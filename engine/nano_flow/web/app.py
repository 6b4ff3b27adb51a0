"""The application: which address leads to which page, and the gate before all of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from nano_flow.core.errors import NanoFlowError
from nano_flow.web import hooks, statics
from nano_flow.web.api.app import build_api
from nano_flow.web.live.stream import EventStream, changes
from nano_flow.web.machines import ForRunners, metrics
from nano_flow.web.pages import (
    actions,
    compare,
    cost,
    now,
    policy,
    providers,
    questions,
    run,
    runs,
    step,
    workflows,
)
from nano_flow.web.pages.frame import Forbidden, failed, forbidden, site_of
from nano_flow.web.security.gate import Gate
from nano_flow.web.site import Site

_PAGES = (
    Route("/", now.show),
    Route("/runs", runs.show),
    Route("/runs/{run}", run.show),
    Route("/runs/{run}/answer/{address:path}", questions.answer, methods=["POST"]),
    Route("/runs/{run}/cancel", actions.cancel, methods=["POST"]),
    Route("/runs/{run}/resume", actions.resume, methods=["POST"]),
    Route("/runs/{run}/rerun", actions.rerun, methods=["POST"]),
    Route("/runs/{run}/case", run.case),
    Route("/runs/{run}/{address:path}", step.show),
    Route("/questions", questions.show),
    Route("/cost", cost.show),
    Route("/policy", policy.show),
    Route("/policy/try", policy.tried, methods=["POST"]),
    Route("/compare", compare.show),
    Route("/providers", providers.show),
    Route("/workflows", workflows.show),
    Route("/workflows/{key:path}/start", workflows.start, methods=["POST"]),
    Route("/workflows/{key:path}", workflows.show_one),
    Route("/static/{name:path}", statics.static),
    Route("/hooks/{path}", hooks.hook, methods=["POST"]),
)


def build_app(site: Site) -> Gate:
    """The application of ``site``; nothing is opened before the first request."""
    over = asyncio.Event()
    app = Starlette(
        routes=[
            *_PAGES,
            Mount("/api", build_api(site, over)),
            Route("/live", _live),
            Route("/metrics", metrics),
            Route("/healthz", _healthy),
            Route("/readyz", _ready),
        ],
        middleware=[Middleware(GZipMiddleware, minimum_size=700, compresslevel=5)],
        exception_handlers={NanoFlowError: failed, Forbidden: forbidden},
        lifespan=_lifespan,
    )
    if site.mcp is not None:
        app.router.routes.append(Route("/mcp", ForRunners(site.mcp.app)))
    app.state.site = site
    app.state.over = over
    return Gate(app, site.tokens, site.origins)


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    site = app.state.site
    _ = site.metrics  # they count from now on
    async with site.mcp.running() if site.mcp is not None else nullcontext():
        yield
    app.state.over.set()
    await app.state.site.follower.close()


def _live(request: Request) -> EventStream:
    return EventStream(changes(site_of(request).follower, request.app.state.over))


def _healthy(request: Request) -> Response:
    """The process answers."""
    return JSONResponse({"status": "ok"})


def _ready(request: Request) -> Response:
    """The store can be read, too."""
    try:
        with site_of(request).book.reader():
            return JSONResponse({"status": "ok"})
    except NanoFlowError as error:
        return JSONResponse({"code": "store", "message": str(error), "at": None, "hint": None}, 503)
