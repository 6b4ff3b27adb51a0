"""From a model's text to a checked value."""

from __future__ import annotations

from collections.abc import Mapping

from nano_flow.core.messages import Json
from nano_flow.core.strict_json import strict_json
from nano_flow.source.json_schema import complaints
from nano_flow.source.judging.meter import USUAL, Patience, TooLong


class OutputBroken(Exception):
    """A text is not what a schema asks for; ``str()`` tells a model what to mend."""


_SHORT = 100_000
"""Characters that are read in a millisecond."""


def read_output(text: str, schema: Mapping[str, Json], patience: Patience = USUAL) -> Json:
    """The JSON value in ``text`` (a Markdown fence around it is taken off), valid under ``schema``.

    Raises OutputBroken; TooLong as ``complaints`` does.
    """
    if patience.is_short and len(text) > _SHORT:
        raise TooLong
    value = parse_json(_without_fence(text))
    check_schema(value, schema, patience)
    return value


def parse_json(text: str) -> Json:
    """Strict JSON (``core.strict_json``). OutputBroken for anything else."""
    try:
        return strict_json(text)
    except ValueError as error:
        raise OutputBroken(f"not valid JSON: {error}") from None


def check_schema(value: Json, schema: Mapping[str, Json], patience: Patience = USUAL) -> None:
    """OutputBroken naming the first violations of ``schema``; TooLong as ``complaints`` raises it."""
    errors = complaints(value, schema, patience=patience)
    if errors:
        raise OutputBroken("; ".join(errors))


def _without_fence(text: str) -> str:
    stripped = text.strip()
    if stripped.startswith("```") and stripped.endswith("```") and "\n" in stripped:
        return stripped[stripped.index("\n") + 1 : -3].strip()
    return stripped
