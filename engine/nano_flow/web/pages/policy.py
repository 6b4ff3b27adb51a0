"""``/policy``: who would answer a prompt, under the policy in force and under one that is being edited."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import unified_diff

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from nano_flow.core.errors import NanoFlowError
from nano_flow.core.messages import Json
from nano_flow.operations.policy.trying import (
    PromptOptions,
    Replay,
    decision_under,
    replay_under,
    routing_path,
    routing_text,
)
from nano_flow.web.pages.frame import form, page, site_of
from nano_flow.web.rendering.templates import render
from nano_flow.web.security.tokens import Role

_RUNS = 100
_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Trial:
    """A prompt under one policy: the decision, or why there is none."""

    title: str
    decision: Mapping[str, Json] | None
    fault: str = ""


def show(request: Request) -> Response:
    """The page."""
    return page(request, "policy.html", text=routing_text(site_of(request).place), prompt="", tags="", days="7")


async def tried(request: Request) -> Response:
    """What a prompt and an edited document give: a part of the page, asked for while somebody types."""
    given = await form(request, Role.read)
    return await run_in_threadpool(_tried, request, given)


def _tried(request: Request, given: Mapping[str, str]) -> Response:
    place = site_of(request).place
    prompt, text = given.get("prompt", ""), given.get("text", "")
    options = PromptOptions(tags=tuple(tag.strip() for tag in given.get("tags", "").split(",") if tag.strip()))
    edited = text.replace("\r\n", "\n").strip() != routing_text(place).strip()
    trials = []
    if prompt.strip():
        trials.append(_trial(request, "in force", prompt, None, options))
        if edited:
            trials.append(_trial(request, "edited", prompt, text, options))
    replayed: Replay | None = None
    fault = ""
    if given.get("days", "").isdecimal():
        since = site_of(request).now() - min(int(given["days"]), 365) * _DAY
        try:
            replayed = replay_under(place, text, since, _RUNS)
        except NanoFlowError as error:
            fault = str(error)
    values = {
        "patch": patch_of(routing_path(place), routing_text(place), text) if edited else "",
        "trials": trials,
        "replayed": replayed,
        "fault": fault,
        "edited": edited,
        "prompt": prompt,
    }
    return HTMLResponse(render("policy_result.html", values))


def patch_of(path: str, before: str, after: str) -> str:
    """The edit as a patch for ``git apply`` or ``patch -p1``."""
    old, new = (f"{text.replace(chr(13), '').rstrip()}\n".splitlines(keepends=True) for text in (before, after))
    return "".join(unified_diff(old, new, f"a/{path}", f"b/{path}"))


def _trial(request: Request, title: str, prompt: str, text: str | None, options: PromptOptions) -> Trial:
    try:
        return Trial(title, decision_under(site_of(request).place, prompt, text, options))
    except NanoFlowError as error:
        return Trial(title, None, str(error))
