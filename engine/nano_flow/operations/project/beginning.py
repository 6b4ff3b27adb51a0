"""A project is begun: a workflow, the policy files, tests of both and the editor's schemas."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from nano_flow.bundled import bundled_path, bundled_text
from nano_flow.core.errors import DocumentError, UsageError
from nano_flow.documents.load import load_providers
from nano_flow.operations.project.starter import templates
from nano_flow.operations.project.starter.mcp_servers import Servers
from nano_flow.operations.project.starter.policies import env_example, policy_texts
from nano_flow.plan.catalogue import Catalogue
from nano_flow.plan.catalogue_build import build_catalogue
from nano_flow.plan.names.nearest import did_you_mean


def project_files(provider: str | None = None, config: Path | None = None) -> dict[str, str]:
    """Every file of a new project, by its path inside the project; with ``provider`` only its models are asked.

    ``config`` is a configuration of LiteLLM's proxy, or a host's file of MCP servers, which is carried over. UsageError
    for a provider that does not ship, and for a file that is neither.
    """
    files = {"workflow.yaml": templates.WORKFLOW, "workflow.test.yaml": templates.TEST}
    files |= policy_texts(provider) | (_carried_over(config) if config is not None else {})
    if provider is not None and (ways := variables_of(provider)):
        files[".env.example"] = env_example(ways)
    files["routing.test.yaml"] = templates.ROUTING_TEST
    schemas = sorted(bundled_path("schemas").glob("*.schema.json"))
    files |= {f"schemas/{path.name}": path.read_text(encoding="utf-8") for path in schemas}
    files[".gitignore"] = templates.GITIGNORE
    return files


def _carried_over(config: Path) -> dict[str, str]:
    """What a configuration of LiteLLM's proxy, or a host's file of MCP servers, comes to."""
    from nano_flow.operations.project.starter import litellm_config, mcp_servers
    from nano_flow.project.files import read_document, shown_path
    from nano_flow.source.yaml_nodes import read_yaml

    shown = shown_path(str(config))
    try:
        raw = read_document(str(config), shown)
        if config.suffix in (".json", ".jsonc"):
            return _with_servers(mcp_servers.carried(raw.decode("utf-8", "replace"), shown))
        data = read_yaml(raw, shown).data
        if mcp_servers.is_server_file(data):
            return _with_servers(mcp_servers.carried(json.dumps(data), shown))
    except DocumentError as error:
        raise UsageError(f"{shown} cannot be read: {error.diagnostics[0].message}") from None
    whole = litellm_config.carried(data, _shipped(), date.today())
    return litellm_config.policy_texts(whole)


def _with_servers(found: Servers) -> dict[str, str]:
    files = {"with-tools.yaml": found.workflow, ".mcp.json": found.file}
    return files | ({".env.example": env_example([found.variables])} if found.variables else {})


def _shipped() -> Catalogue:
    return build_catalogue(load_providers(bundled_text("providers.yaml"), "providers.yaml").document)


def variables_of(provider: str) -> tuple[tuple[str, ...], ...]:
    """The sets of variables of a provider that ships. UsageError where there is none of that name."""
    catalogue = _shipped()
    card = catalogue.providers.get(provider)
    if card is None or card.adapter == "sim":
        known = ", ".join(name for name, other in catalogue.providers.items() if other.adapter != "sim")
        hint = did_you_mean(provider, catalogue.providers)
        raise UsageError(f'"{provider}" does not ship with nano-flow{f"; {hint}" if hint else ""}; there are: {known}')
    return card.credentials


def write_project(folder: Path, files: Mapping[str, str], source: Path | None = None) -> list[str]:
    """Write ``files`` into ``folder`` and return their names; UsageError, and nothing written, where one exists.

    A ``.gitignore`` that exists is left as it is, and so is the file ``source`` that the project is made from.
    """
    there = [name for name in files if (folder / name).exists() or (folder / name).is_symlink()]
    own = {name for name in there if source is not None and (folder / name).exists() and source.samefile(folder / name)}
    in_the_way = [name for name in there if name != ".gitignore" and name not in own]
    if in_the_way:
        names = ", ".join(f'"{name}"' for name in in_the_way)
        raise UsageError(f'"{folder}" already holds {names}; nothing was written. Name another folder: init DIR')
    written = [name for name in files if name not in there]
    try:
        for name in written:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(files[name])
    except OSError as error:
        raise UsageError(f'"{error.filename or folder}" cannot be written: {error.strerror}') from error
    return written
