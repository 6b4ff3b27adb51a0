"""``nano-flow serve``: the dashboard and the HTTP API."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nano_flow.cli import output
from nano_flow.cli.common import Options, pass_options
from nano_flow.core.errors import UsageError

if TYPE_CHECKING:
    from nano_flow.operations.place import Place
    from nano_flow.web.machines import Guest, MetricsBeside
    from nano_flow.web.security.tokens import Role, Tokens
    from nano_flow.web.site import Site

_EPILOG = """\b
Examples:
  nano-flow serve
  nano-flow serve --allow answer,run
  nano-flow serve --host 0.0.0.0 --token-file tokens.txt

\b
A token file has a line for each token, its role first (read, answer, run, admin):
  run    Yq3…  alice
  read   0dX…
"""
PORT = 8420


@click.command("serve", epilog=_EPILOG)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=PORT, show_default=True, help="The port; 0: a free one."
)
@click.option("--token-file", type=click.Path(path_type=Path), help="Tokens with their roles, instead of a fresh one.")
@click.option(
    "--workers", type=click.IntRange(0, 64), default=1, show_default=True, metavar="N", help="Runs at a time."
)
@click.option("--allow", metavar="ROLES", help="What the printed token allows: read, answer, run, admin.")
@click.option(
    "--metrics-port", type=click.IntRange(0, 65_535), metavar="P", help="Metrics at 127.0.0.1:P too, without a token."
)
@pass_options
def command(
    options: Options, /, host: str, port: int, token_file: Path | None, workers: int, **given: str | int | None
) -> int:
    """Show this project's runs in a browser, live, and answer programs.

    Prints one address to open; it holds a token that is as fresh as the server. Pages show everything and change
    nothing unless --allow says so.
    """
    needs("uvicorn", "starlette", "multipart")
    from nano_flow.operations.service.helpers import Helpers
    from nano_flow.web.security.origins import Origins, is_loopback
    from nano_flow.web.serving import bound, serve
    from nano_flow.web.site import Site

    if not is_loopback(host) and token_file is None:
        raise UsageError(f'"{host}" can be reached from other machines: name the tokens with --token-file FILE')
    allow, metrics_port = given["allow"], given["metrics_port"]
    tokens, secret = _tokens(token_file, None if allow is None else str(allow))
    place = options.place.settled()
    _look_into(place)
    listener = bound(host, port)
    port = int(listener.getsockname()[1])
    site = Site(place, tokens, Origins(host, port), mcp=_mcp(options))
    helpers = Helpers(place, workers, output.note)
    with nullcontext() if metrics_port is None else _metrics(site, int(metrics_port)):
        asyncio.run(serve(site, listener, helpers, lambda: _say(options, host, port, secret)))
    return 0


def _look_into(place: Place) -> None:
    """Raises StoreError for a store that cannot be read: no page could show anything but that."""
    store = place.store
    if store.exists():
        with store.reader():
            pass


def _metrics(site: Site, port: int) -> MetricsBeside:
    from nano_flow.web.machines import MetricsBeside

    beside = MetricsBeside(site, port)
    output.note(f"metrics: {beside.address}")
    return beside


def _mcp(options: Options) -> Guest | None:
    """What service.yaml offers to MCP hosts, where the extra is installed."""
    try:
        from nano_flow.mcp.mounted import mounted
    except ImportError:
        return None
    return mounted(options.place)


def _tokens(file: Path | None, allow: str | None) -> tuple[Tokens, str]:
    from nano_flow.web.security.tokens import Tokens, fresh_token, highest_role, read_token_file

    if file is not None:
        if allow is not None:
            raise UsageError("--allow is about the printed token; a token file says the role of each of its tokens")
        return read_token_file(file), ""
    role: Role = highest_role([name.strip() for name in (allow or "").split(",") if name.strip()])
    token = fresh_token(role)
    return Tokens([token]), token.secret


def _say(options: Options, host: str, port: int, secret: str) -> None:
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{port}/" + (f"?token={secret}" if secret else "")
    if options.json:
        output.document("nano-flow/serve@1", {"address": address, "host": host, "port": port})
    else:
        output.data(address)
    import sys

    sys.stdout.flush()


def needs(*modules: str) -> None:
    """Raises UsageError where a part of the extra ``serve`` is not installed."""
    from importlib.util import find_spec

    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        raise UsageError("the service needs more than the core of nano-flow: pip install 'nano-flow[serve]'")
