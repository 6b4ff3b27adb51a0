"""JSON Schemas in the workflow: replies, results, arguments of tools, answers of people, inputs and their defaults."""

from __future__ import annotations

from collections.abc import Iterator

from nano_flow.core.diagnostics import Diagnostic, Severity
from nano_flow.core.messages import Json
from nano_flow.plan.checks.schemas.rules import Fault, check_schema
from nano_flow.plan.draft import Draft, Found, Path, address_of, problem
from nano_flow.plan.names.literals import misfit


def check_schemas(draft: Draft) -> Iterator[Diagnostic]:
    """Every schema, at the place of the fault; one from a file is judged at the place that names the file."""
    for at, schema in draft.schemas.items():
        if at not in draft.shared:  # what is shared is judged where it stands
            yield from (_diagnostic(draft, at, fault) for fault in check_schema(dict(schema)))
        if at[-1] == "parameters" and schema.get("type", "object") != "object":
            where = draft.where((*at, "type"))
            yield problem("NF316", "the arguments of a tool are an object", where, at=at, hint="type: object")
    for name in draft.document.inputs or {}:
        yield from _input(draft, ("inputs", name))


def _diagnostic(draft: Draft, at: Path, fault: Fault) -> Diagnostic:
    severity: Severity = "warning" if fault.warning else "error"
    file = draft.texts.get(at)
    if file is not None:
        inside = f" at {address_of(fault.path)}" if fault.path else ""
        message = f"in {file.shown}{inside}: {fault.message}"
        return problem(fault.code, message, draft.where((*at, "file")), at=at, hint=fault.hint, severity=severity)
    place = (*at, *fault.path)
    where = draft.key(place) if fault.warning else draft.where(place)
    return problem(fault.code, fault.message, where, at=place, hint=fault.hint, severity=severity)


def _input(draft: Draft, at: Path) -> Found:
    written: dict[str, Json] = draft.source.value(at)
    schema = {key: value for key, value in written.items() if key not in ("secret", "default")}
    found = [_diagnostic(draft, at, fault) for fault in check_schema(schema)]
    default = written.get("default")
    if default is not None and not found and (reason := misfit(default, schema)):
        place = (*at, "default")
        found.append(problem("NF331", f'the default of "{at[1]}" {reason}', draft.where(place), at=place))
    if default is not None and written.get("secret"):
        place = (*at, "default")
        message = f'the input "{at[1]}" is secret and cannot have a default: it would stand in this file'
        found.append(problem("NF308", message, draft.where(place), at=place, hint="give it with `-i` or from a file"))
    return found
