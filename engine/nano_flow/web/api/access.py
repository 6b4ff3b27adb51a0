"""Who may call what: programs send a bearer token, and its role decides."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from nano_flow.web.pages.frame import Forbidden
from nano_flow.web.security.tokens import Role, Token
from nano_flow.web.site import Site


def site_of(request: Request) -> Site:
    """The site that is served."""
    site = request.app.state.site
    assert isinstance(site, Site)
    return site


class Needs:
    """A dependency: the holder of a token with ``role`` or a higher one."""

    def __init__(self, role: Role) -> None:
        self._role = role

    def __call__(self, request: Request) -> Token:
        token = request.scope["state"]["token"]
        assert isinstance(token, Token)
        if token.role < self._role:
            raise Forbidden(self._role)
        if self._role > Role.read and request.scope["state"].get("by_cookie"):
            # A cookie comes with whatever a browser sends; what changes something has to be meant.
            raise OnlyBearer
        return token


class OnlyBearer(Exception):
    """A cookie was sent where a bearer token is needed."""


TheSite = Annotated[Site, Depends(site_of)]
Reader = Annotated[Token, Depends(Needs(Role.read))]
Answerer = Annotated[Token, Depends(Needs(Role.answer))]
Runner = Annotated[Token, Depends(Needs(Role.run))]
