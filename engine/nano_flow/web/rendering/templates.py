"""The templates of the pages: every value is escaped, a name that is missing is an error."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from nano_flow.web.rendering import figures

FOLDER = Path(__file__).parents[1] / "templates"


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The one environment; templates are parsed once in the life of a server."""
    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        usd=figures.dollars,
        money=figures.short_dollars,
        seconds=figures.seconds,
        moment=figures.moment,
        day=figures.day,
        file_name=figures.file_name,
        machine_time=figures.machine_time,
        sign=figures.sign,
        pretty=figures.pretty,
        count=figures.count,
        safe_svg=Markup,
        part=lambda text: quote(str(text), safe=""),
    )
    made.globals.update(ago=figures.ago)
    return made


def render(name: str, values: Mapping[str, object]) -> str:
    """The template ``name`` with ``values``."""
    return environment().get_template(name).render(values)


def render_part(name: str, macro: str, *values: object) -> str:
    """One macro of the template ``name``: a part of a page that is sent again when it changes."""
    module = environment().get_template(name).module
    return str(getattr(module, macro)(*values))
