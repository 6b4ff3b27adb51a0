"""What all pages share: who looks, the frame around the content, forms, and errors in the words of the command line."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from nano_flow.core.errors import DocumentError, NanoFlowError, StoreError, UsageError
from nano_flow.web.rendering.templates import render
from nano_flow.web.security.tokens import Role, Token, form_token, is_form_token
from nano_flow.web.site import Site

Endpoint = Callable[[Request], Response] | Callable[[Request], Awaitable[Response]]

NAVIGATION = (
    ("/", "Now"),
    ("/runs", "Runs"),
    ("/questions", "Questions"),
    ("/workflows", "Workflows"),
    ("/cost", "Cost"),
    ("/policy", "Policy"),
    ("/compare", "Compare"),
    ("/providers", "Providers"),
)


class Forbidden(Exception):
    """The token's role does not reach that far."""

    def __init__(self, needed: Role) -> None:
        self.needed = needed
        super().__init__(f'this needs the role "{needed.name}": start nano-flow serve with --allow {needed.name}')


def site_of(request: Request) -> Site:
    """The site that is shown."""
    site = request.app.state.site
    assert isinstance(site, Site)
    return site


def holder_of(request: Request) -> Token:
    """Whose token the request carries."""
    token = request.scope["state"]["token"]
    assert isinstance(token, Token)
    return token


def need(request: Request, role: Role) -> Token:
    """The holder, who has ``role`` or a higher one. Raises Forbidden."""
    token = holder_of(request)
    if token.role < role:
        raise Forbidden(role)
    return token


def page(request: Request, template: str, **values: object) -> HTMLResponse:
    """A whole page; ``template`` extends ``frame.html``."""
    site, token = site_of(request), holder_of(request)
    path = request.url.path
    current = max((at for at, _ in NAVIGATION if path == at or path.startswith(f"{at}/")), default="", key=len)
    frame = {
        "navigation": NAVIGATION,
        "current": current,
        "role": token.role.name,
        "may": {role.name: token.role >= role for role in Role},
        "now": site.now(),
        "project": site.root.name,
        "form_token": lambda action: form_token(token.secret, action),
    }
    return HTMLResponse(render(template, {**frame, **values}))


async def form(request: Request, role: Role) -> dict[str, str]:
    """The fields of a form of ours that was sent by somebody who has ``role``. Raises Forbidden, UsageError."""
    token = need(request, role)
    fields = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    if not is_form_token(token.secret, request.scope["path"], fields.pop("form_token", "")):
        raise UsageError("this form is not one of this server, or an old one: load the page again")
    return fields


def gone_to(path: str) -> RedirectResponse:
    """On to another page, after something was done."""
    return RedirectResponse(path, status_code=303)


def forbidden(request: Request, error: Exception) -> Response:
    """The answer to what the role does not allow."""
    return _failure(request, error, 403, "role")


def failed(request: Request, error: Exception) -> Response:
    """The answer to what the engine refuses, in its own words."""
    status, code = 500, "error"
    for kind, one, name in (
        (UsageError, 404 if request.method == "GET" else 422, "usage"),
        (DocumentError, 422, "document"),
        (StoreError, 503, "store"),
    ):
        if isinstance(error, kind):
            status, code = one, name
    assert isinstance(error, NanoFlowError)
    return _failure(request, error, status, code)


def _failure(request: Request, error: Exception, status: int, code: str) -> Response:
    if request.url.path.startswith(("/api/", "/hooks/", "/live/")):
        return JSONResponse({"code": code, "message": str(error), "at": None, "hint": None}, status)
    response = page(request, "failure.html", status=status, message=str(error))
    response.status_code = status
    return response
