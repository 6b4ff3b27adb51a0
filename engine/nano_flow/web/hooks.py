"""``POST /hooks/PATH``: signed requests from outside."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from nano_flow.core.errors import NanoFlowError
from nano_flow.operations.service.hooks import Delivery, Forged, NoSuchHook, Taken, take_delivery
from nano_flow.web.pages.frame import site_of


async def hook(request: Request) -> Response:
    """Start what listens at the path. What is refused is told without saying what the project holds."""
    delivery = Delivery(request.path_params["path"], dict(request.headers), await request.body())
    site = site_of(request)
    try:
        taken: Taken = await run_in_threadpool(take_delivery, site.place, delivery, site.now())
    except NoSuchHook as error:
        return _refused(404, "hook", error)
    except Forged as error:
        return _refused(401, "signature", error)
    except NanoFlowError as error:
        return _refused(422, "hook", error)
    if taken.challenge:
        return JSONResponse({"challenge": taken.challenge})
    site.follower.tell_soon()
    return JSONResponse({"run_id": taken.run_id, "created": taken.is_new}, 202 if taken.is_new else 200)


def _refused(status: int, code: str, error: NanoFlowError) -> Response:
    return JSONResponse({"code": code, "message": str(error), "at": None, "hint": None}, status)
