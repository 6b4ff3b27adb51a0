"""The files that pages need: read once, sent compressed, known to browsers by their digest."""

from __future__ import annotations

import gzip
import hashlib
from functools import lru_cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

FOLDER = Path(__file__).parent / "static"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@lru_cache(maxsize=1)
def files() -> dict[str, tuple[bytes, bytes, str, str]]:
    """Name → bytes, the same compressed, digest, type; nothing else can be asked for, whatever a path says."""
    found = {}
    for path in sorted(FOLDER.rglob("*")):
        if path.suffix in _TYPES:
            data = path.read_bytes()
            digest = f'"{hashlib.sha256(data).hexdigest()[:20]}"'
            name = path.relative_to(FOLDER).as_posix()
            found[name] = (data, gzip.compress(data, 9, mtime=0), digest, f"{_TYPES[path.suffix]}; charset=utf-8")
    return found


def static(request: Request) -> Response:
    """One file."""
    file = files().get(request.path_params["name"])
    if file is None:
        return PlainTextResponse("there is no such file", 404)
    data, packed, digest, kind = file
    headers = {"etag": digest, "vary": "accept-encoding"}
    if request.headers.get("if-none-match") == digest:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(packed, media_type=kind, headers={**headers, "content-encoding": "gzip"})
    return Response(data, media_type=kind, headers=headers)
