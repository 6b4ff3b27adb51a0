"""The inputs of a run: given as text or as data, checked against what the workflow declares."""

from __future__ import annotations

import json
from collections.abc import Mapping
from difflib import get_close_matches

from nano_flow.core.messages import Json
from nano_flow.core.strict_json import strict_json
from nano_flow.plan.plan import PlannedInput
from nano_flow.source.json_schema import complaints
from nano_flow.source.judging.meter import USUAL, Patience

_SECRET_LENGTH = 8
"""Characters that a secret needs, so that taking it out of a text does not garble the text."""

_SIMPLE: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


def bind_inputs(
    declared: Mapping[str, PlannedInput], given: Mapping[str, Json], patience: Patience = USUAL
) -> dict[str, Json]:
    """The inputs of a run: what was given, defaults for the rest.

    ValueError names every unknown, missing and wrong input; TooLong as ``complaints`` raises it.
    """
    problems = [_unknown(name, declared) for name in given if name not in declared]
    bound: dict[str, Json] = {}
    for name, spec in declared.items():
        if name in given:
            bound[name] = given[name]
            problem = _wrong(spec, given[name], patience)
            if problem is not None:
                problems.append(problem)
        elif spec.required:
            problems.append(f'input "{name}" is missing: give it with -i {name}=…')
        else:
            bound[name] = spec.default
    if problems:
        raise ValueError("; ".join(problems))
    return bound


def read_input(spec: PlannedInput, text: str) -> Json:
    """The value of ``-i name=text`` by the declared type: text as it is, all else as JSON. ValueError."""
    types = spec.schema.get("type", [])
    kinds = [types] if isinstance(types, str) else types if isinstance(types, list) else []
    if not kinds or "string" in kinds:
        return text
    try:
        return strict_json(text)
    except ValueError as error:
        wanted = " or ".join(str(kind) for kind in kinds)
        reason = "" if isinstance(error, json.JSONDecodeError) else f" ({error})"
        raise ValueError(f'input "{spec.name}" needs {wanted}, as JSON; it got {text[:80]!r}{reason}') from None


def _unknown(name: str, declared: Mapping[str, PlannedInput]) -> str:
    near = get_close_matches(name, declared, 1)
    hint = (
        f'; did you mean "{near[0]}"?'
        if near
        else f"; there are {', '.join(declared)}"
        if declared
        else "; there are none"
    )
    return f'there is no input "{name}"{hint}'


def _wrong(spec: PlannedInput, value: Json, patience: Patience) -> str | None:
    if spec.secret and isinstance(value, str) and len(value) < _SECRET_LENGTH:
        return f'input "{spec.name}" is secret and needs at least {_SECRET_LENGTH} characters'
    kind = spec.schema.get("type")
    plain = set(spec.schema) <= {"type", "description", "title", "default"} and isinstance(kind, str)
    if plain and _is_plain(value, str(kind)):
        return None
    for complaint in complaints(value, spec.schema, 1, patience=patience):
        at, _, said = complaint.partition(": ")
        shown = "the value is not what it declares" if spec.secret else said[:200]
        return f'input "{spec.name}"{"" if at == "the value" else f", {at}"}: {shown}'
    return None


def _is_plain(value: Json, kind: str) -> bool:
    """Spares the judge for the types that most inputs have."""
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _SIMPLE.get(kind, ()))
