"""Which secrets the tools of a workflow take: variables that they name, and what a host's file of servers holds."""

from __future__ import annotations

from collections.abc import Iterator

from nano_flow.core.secrets.forms import SHORTEST
from nano_flow.core.secrets.naming import sounds_secret
from nano_flow.plan.plan import Plan
from nano_flow.steps.tools.settings import variables


def named_by_tools(plan: Plan) -> Iterator[str]:
    """The variables that the tools of one workflow take values from."""
    for tool in plan.tools.values():
        yield from variables({**tool.env, **tool.headers})
        yield from variables({str(place): text for place, text in enumerate((*tool.command, tool.url))})
        if tool.run is not None:
            yield from variables({name: template.source for name, template in tool.run.env.items() if template})


def written_in_files(plan: Plan) -> Iterator[tuple[str, str]]:
    """Name and value of the secrets that stand in plain text in the files of servers that a workflow names."""
    for tool in plan.tools.values():
        for name, text in {**tool.env, **tool.headers}.items() if tool.from_file else ():
            value = text.rpartition(" ")[2]  # without the word Bearer
            if "${" not in text and len(value) >= SHORTEST and (sounds_secret(name) or name.lower() in _HEADERS):
                yield f"tool:{tool.name}.{name}", value


_HEADERS = frozenset({"authorization", "cookie", "x-api-key"})
