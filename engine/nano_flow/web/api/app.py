"""The application of the API, and how what goes wrong is told to programs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from nano_flow import __version__
from nano_flow.core.errors import DocumentError, NanoFlowError, StoreError, UsageError
from nano_flow.web.api import people, project, runs
from nano_flow.web.api.access import OnlyBearer
from nano_flow.web.api.models import Failure
from nano_flow.web.pages.frame import Forbidden
from nano_flow.web.site import Site

_FAILURES = {
    401: "no token, or none of this server",
    403: "the token's role does not reach that far",
    404: "there is no such thing",
    413: "the body is too large",
    422: "the engine refuses this, in its own words",
    503: "the store cannot be read or written",
}
_ABSENT = ("there is no run", "there is no artifact", "this project has no")
"""How the engine says that something that was named does not exist."""


def build_api(site: Site, over: asyncio.Event) -> FastAPI:
    """The API of ``site``; mounted at ``/api``."""
    responses: dict[int | str, dict[str, object]] = {
        status: {"model": Failure, "description": text} for status, text in _FAILURES.items()
    }
    api = FastAPI(
        title="nano-flow",
        version=__version__,
        description="Runs, questions, workflows, policy and costs of one project. Send `Authorization: Bearer TOKEN`.",
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        responses=responses,
        root_path_in_servers=False,
        servers=[{"url": "/api"}],
        redirect_slashes=False,
    )
    api.state.site, api.state.over = site, over
    for part in (runs.router, people.router, project.router):
        api.include_router(part)
    for kind, handler in _HANDLERS:
        api.add_exception_handler(kind, handler)
    return api


def _refused(request: Request, error: Exception) -> JSONResponse:
    """The engine's own words, with the place where there is one."""
    status, code, at, hint = 500, "error", None, None
    if isinstance(error, DocumentError) and error.diagnostics:
        first = error.diagnostics[0]
        status, code, at, hint = 422, first.code, str(first.where), first.hint or None
    elif isinstance(error, UsageError):
        status, code = (404 if str(error).startswith(_ABSENT) else 422), "usage"
    elif isinstance(error, StoreError):
        status, code = 503, "store"
    return _failure(status, code, str(error), at, hint)


def _forbidden(request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, OnlyBearer):
        return _failure(403, "bearer", "what changes something wants a bearer token, not a cookie")
    return _failure(403, "role", str(error))


def _misread(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    problems: Sequence[dict[str, object]] = error.errors()
    first = problems[0] if problems else {}
    place = first.get("loc")
    at = ".".join(str(part) for part in place) if isinstance(place, tuple) else None
    return _failure(422, "request", str(first.get("msg") or "the request cannot be read"), at)


def _absent(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return _failure(error.status_code, "http", str(error.detail), headers=dict(error.headers or {}))


def _failure(
    status: int,
    code: str,
    message: str,
    at: str | None = None,
    hint: str | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    # Text of documents may hold half a surrogate pair, which no JSON in UTF-8 can carry.
    shown = message.encode("utf-8", "backslashreplace").decode("utf-8")
    return JSONResponse(Failure(code=code, message=shown, at=at, hint=hint).model_dump(), status, headers)


_HANDLERS = (
    (NanoFlowError, _refused),
    (Forbidden, _forbidden),
    (OnlyBearer, _forbidden),
    (RequestValidationError, _misread),
    (HTTPException, _absent),
)
