"""The workflows of a service as their files stand: whether each can be started with what service.yaml gives it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from nano_flow.core.diagnostics import Diagnostic, has_errors
from nano_flow.core.errors import DocumentError
from nano_flow.documents.gate.explain import address
from nano_flow.documents.load import ServiceSource
from nano_flow.plan.inputs import bind_inputs
from nano_flow.plan.names.nearest import did_you_mean
from nano_flow.plan.plan import Plan
from nano_flow.project.opening import open_workflow


def workflow_faults(source: ServiceSource, path: Path, config_dir: Path | None = None) -> Iterator[Diagnostic]:
    """What is wrong between the service at ``path`` and the workflows that it names."""
    for name, served in (source.document.workflows or {}).items():
        file = path.parent / served.file
        if not file.is_file():
            continue  # said already
        where = source.source.value_range(("workflows", name, "file"))
        try:
            plan = open_workflow(str(file), config_dir).plan
        except DocumentError as error:
            if has_errors(error.diagnostics):
                message, hint = f'"{served.file}" cannot run', f"nano-flow validate {served.file}"
                yield Diagnostic("error", "NF704", message, where, address(("workflows", name, "file")), hint)
            continue
        yield from _inputs(source, name, plan)


def _inputs(source: ServiceSource, name: str, plan: Plan) -> Iterator[Diagnostic]:
    served = (source.document.workflows or {})[name]
    given = served.inputs or {}
    from_request = (served.webhook.inputs or {}) if served.webhook else {}
    for key, names in ((("inputs",), given), (("webhook", "inputs"), from_request)):
        for one in names:
            if one not in plan.inputs:
                at = ("workflows", name, *key, one)
                message = f'the workflow "{plan.name}" has no input "{one}"'
                where = source.source.value_range(at)
                yield Diagnostic("error", "NF705", message, where, address(at), did_you_mean(one, plan.inputs))
    known = {one: value for one, value in given.items() if one in plan.inputs}
    at = ("workflows", name, "inputs" if served.inputs else "file")
    try:
        bind_inputs({one: spec for one, spec in plan.inputs.items() if one in known}, known)
    except ValueError as error:
        yield Diagnostic("error", "NF705", str(error), source.source.value_range(at), address(at))
    missing = [one for one, spec in plan.inputs.items() if spec.required and one not in known]
    if served.schedule is not None and missing:
        message = f'on schedule nobody gives the input "{missing[0]}"'
        yield Diagnostic("error", "NF705", message, source.source.value_range(at), address(at), "name it under inputs:")
