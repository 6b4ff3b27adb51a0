"""Checks a document as the command that uses it would."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nano_flow.core.diagnostics import Diagnostic, SourceRange
from nano_flow.core.errors import DocumentError
from nano_flow.documents.gate.kinds import Kind, kind_of_document
from nano_flow.documents.gate.silencing import unsilenced
from nano_flow.documents.load import Loaded, checked
from nano_flow.locate import policy_files, service_file
from nano_flow.project.files import read_document, shown_path
from nano_flow.source.yaml_nodes import read_yaml

if TYPE_CHECKING:
    from nano_flow.plan.catalogue import Catalogue
    from nano_flow.source.source_map import SourceDocument

_KEY = re.compile(rb"""^["']?([A-Za-z_]+)["']?[ \t]*:""", re.MULTILINE)


def check_file(path: Path, config_dir: Path | None = None) -> list[Diagnostic]:
    """All that is wrong or suspicious in one document; starts nothing, sends nothing, raises nothing for its faults."""
    shown = shown_path(str(path))
    try:
        data = read_document(str(path), shown)
        if kind_of_document(path.name, _top_keys(data)) == "workflow":
            return _workflow(shown, config_dir)
        source = read_yaml(data, shown)
        kind = kind_of_document(path.name, source.data)
        if kind is None:
            where = SourceRange(shown, 1, 1, 1, 1)
            message = "this is no document of nano-flow"
            return [Diagnostic("error", "NF200", message, where, hint='its first key would be "nano_flow: 1"')]
        if kind == "workflow":
            return _workflow(shown, config_dir)
        loaded = checked(_extended(source, kind, path), kind)
        found = [*loaded.warnings, *_meaning(kind, loaded, path, config_dir)]
        return unsilenced(found, {loaded.source.file: loaded.source.text})
    except DocumentError as error:
        return list(error.diagnostics)


def _extended(source: SourceDocument, kind: Kind, path: Path) -> SourceDocument:
    """A policy file with what it extends: that is what is in force."""
    if kind not in ("providers", "routing", "pricing"):
        return source
    from nano_flow.project.extending import extended

    return extended(source, f"{kind}.yaml", path)


def _top_keys(data: bytes) -> dict[str, None]:
    """The keys in the first column: enough to tell a workflow, which is read where it is planned."""
    return dict.fromkeys(key.decode("ascii") for key in _KEY.findall(data))


def _workflow(path: str, config_dir: Path | None) -> list[Diagnostic]:
    return [*_planned(path, config_dir), *_service(Path(path).absolute().parent, config_dir)]


def _service(folder: Path, config_dir: Path | None) -> list[Diagnostic]:
    """What is wrong in the service.yaml that a run in ``folder`` would read first."""
    if service_file(folder, config_dir, Path.cwd()) is None:
        return []
    from nano_flow.project.service.reading import service_in_force

    try:
        service_in_force(folder, config_dir)
    except DocumentError as error:
        return list(error.diagnostics)
    return []


def _planned(path: str, config_dir: Path | None) -> list[Diagnostic]:
    files = policy_files(Path(path).absolute().parent, config_dir, Path.cwd())
    if all(file.found == "bundled" for file in files):
        from nano_flow.project.shipped import check_under_shipped

        return check_under_shipped(path)
    from nano_flow.project.opening import check_workflow

    return list(check_workflow(path, config_dir))


def _meaning(kind: Kind, loaded: Loaded[Any], path: Path, config_dir: Path | None) -> list[Diagnostic]:
    """What no schema can say: names that lead nowhere, prices that contradict each other, tests of nothing."""
    if kind == "providers":
        from nano_flow.plan.catalogue_build import resolve_catalogue
        from nano_flow.project.oversights.retiring import retiring_advice

        catalogue, found = resolve_catalogue(loaded.document, loaded.source.value_range)
        return [*found, *retiring_advice(catalogue, loaded.source, date.today())]
    if kind == "routing":
        return _routing(loaded, path, config_dir)
    if kind == "pricing":
        return _pricing(loaded)
    if kind == "service":
        from nano_flow.project.service.faults import service_faults
        from nano_flow.project.service.workflows import workflow_faults

        return [*service_faults(loaded, path), *workflow_faults(loaded, path, config_dir)]
    return missing_document(loaded, path, "workflow" if kind == "test" else "routing")


def _routing(loaded: Loaded[Any], path: Path, config_dir: Path | None) -> list[Diagnostic]:
    from nano_flow.project.oversights.retiring import named_advice
    from nano_flow.project.oversights.routes import undeclared, unsure_conditions
    from nano_flow.project.policies import compiled, routing_advice

    advice = routing_advice(loaded)
    try:
        policy = compiled(loaded, str(path.parent))
    except DocumentError as error:
        return [*error.diagnostics, *advice]
    advice += unsure_conditions(loaded, policy)
    try:
        catalogue = _catalogue(path, config_dir)
        return [*advice, *undeclared(loaded, catalogue), *named_advice(loaded, catalogue, date.today())]
    except DocumentError:
        return advice  # what is wrong in providers.yaml is said of that file


def _catalogue(path: Path, config_dir: Path | None) -> Catalogue:
    """The providers in force beside a document."""
    from nano_flow.plan.catalogue_build import build_catalogue
    from nano_flow.project.extending import policy_source

    files = policy_files(path.absolute().parent, config_dir, Path.cwd())
    file = next(file for file in files if file.name == "providers.yaml")
    providers = checked(policy_source(file), "providers")
    return build_catalogue(providers.document, providers.source.value_range)


def _pricing(loaded: Loaded[Any]) -> list[Diagnostic]:
    from nano_flow.documents.gate.explain import address
    from nano_flow.pricing.reading import price_advice, price_faults

    return price_advice(loaded.document, loaded.source.value_range) + [
        Diagnostic("error", fault.code, fault.message, loaded.source.value_range(fault.path), address(fault.path))
        for fault in price_faults(loaded.document)
    ]


def missing_document(loaded: Loaded[Any], path: Path, key: str) -> list[Diagnostic]:
    """The mistake, where tests name a document by ``key`` that is not there; policy tests need not name one."""
    named = getattr(loaded.document, key)
    if not named or (path.parent / named).is_file():
        return []
    message = f'"{named}" does not exist (the path counts from this file)'
    return [Diagnostic("error", "NF601", message, loaded.source.value_range((key,)), key)]
