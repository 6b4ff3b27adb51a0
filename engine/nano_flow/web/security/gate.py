"""The gate that every request passes: where it comes from, whose token it carries, what the answer forbids browsers."""

from __future__ import annotations

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nano_flow.web.security.bodies import TooLarge, TooSlow, replayed, whole_body
from nano_flow.web.security.origins import Origins
from nano_flow.web.security.tokens import Token, Tokens

OPEN_PATHS = ("/healthz", "/readyz")
_HOOKS, _STATIC = "/hooks/", "/static/"
_POLICY = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# "no-referrer" would make browsers send "Origin: null" with our own forms, like those of a foreign site.
_HEADERS = (
    ("content-security-policy", _POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
)


class Gate:
    """Refuses before anything of the request is looked at; what passes has ``scope["state"]["token"]``."""

    def __init__(self, app: ASGIApp, tokens: Tokens, origins: Origins) -> None:
        self._app = app
        self._tokens = tokens
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
                return
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        answer = _with_headers(send, scope["path"])
        refusal, token = self._judge(scope, headers)
        if refusal is not None:
            await refusal(scope, receive, answer)
            return
        scope.setdefault("state", {})["token"] = token
        if scope["method"] in ("GET", "HEAD"):
            await self._app(scope, receive, answer)
            return
        try:
            body = await whole_body(receive, headers.get("content-length"))
        except TooLarge:
            refusal = refused(scope, 413, "too_large", "the body is larger than 1 MiB")
        except TooSlow:
            refusal = refused(scope, 408, "too_slow", "the body did not come in time")
        if refusal is not None:
            refusal.headers["connection"] = "close"
            await refusal(scope, receive, answer)
            return
        await self._app(scope, replayed(body, receive), answer)

    def _judge(self, scope: Scope, headers: Headers) -> tuple[Response | None, Token | None]:
        fault = self._origins.fault(scope["method"], headers)
        if fault is not None and not scope["path"].startswith(_HOOKS):
            return refused(scope, 403, "origin", fault), None
        if scope["path"] in OPEN_PATHS or scope["path"].startswith(_HOOKS):
            return None, None
        entry = self._entry(scope)
        if entry is not None:
            return entry, None
        token = self._tokens.holder(_bearer(headers) or _cookie(headers, self._origins.port))
        if token is None:
            return refused(
                scope, 401, "token", "a token is needed: open the address that nano-flow serve printed"
            ), None
        scope.setdefault("state", {})["by_cookie"] = not _bearer(headers)
        return None, token

    def _entry(self, scope: Scope) -> Response | None:
        """The answer to an address that holds a token: it becomes a cookie, and the address is clean after that."""
        pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = [value for name, value in pairs if name == "token"]
        if not given or scope["method"] != "GET" or scope["path"].startswith("/api/"):
            return None
        token = self._tokens.holder(given[-1])
        if token is None:
            return refused(
                scope, 401, "token", "this token is not valid any more: open the address that is printed now"
            )
        rest = urlencode([(name, value) for name, value in pairs if name != "token"])
        clean = _escaped("/" + scope["path"].lstrip("/") + (f"?{rest}" if rest else ""))
        # A page that goes on by itself and no redirect: after a click in another site's page, browsers would not send
        # a cookie with SameSite=Strict along a chain of redirects.
        page = f'<!doctype html><meta http-equiv="refresh" content="0;url={clean}"><a href="{clean}">nano-flow</a>'
        response = HTMLResponse(page)
        response.set_cookie(cookie_name(self._origins.port), token.secret, httponly=True, samesite="strict", path="/")
        return response


def cookie_name(port: int) -> str:
    """Cookies know no ports: two servers of one machine must not overwrite each other's."""
    return f"nano_flow_{port}"


def refused(scope: Mapping[str, object], status: int, code: str, message: str) -> Response:
    """A refusal, as JSON for programs, as a small page for people."""
    path = str(scope["path"])
    if path.startswith(("/api/", _HOOKS)):
        return JSONResponse({"code": code, "message": message, "at": None, "hint": None}, status)
    text = _escaped(message)
    return HTMLResponse(
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>nano-flow</title>'
        f"<main><h1>{status}</h1><p>{text}</p></main></html>",
        status,
    )


def _escaped(text: str) -> str:
    from html import escape

    return escape(text)


def _bearer(headers: Headers) -> str:
    kind, _, secret = headers.get("authorization", "").partition(" ")
    return secret.strip() if kind.lower() == "bearer" else ""


def _cookie(headers: Headers, port: int) -> str:
    try:
        jar = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return ""
    morsel = jar.get(cookie_name(port))
    return morsel.value if morsel is not None else ""


def _with_headers(send: Send, path: str) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS:
                headers.setdefault(name, value)
            headers.setdefault("cache-control", "no-cache" if path.startswith(_STATIC) else "no-store")
        await send(message)

    return sending
