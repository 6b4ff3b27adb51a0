"""A project is begun: a workflow, the policy files, tests of both and the editor's schemas."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nano_flow.bundled import bundled_path, bundled_text
from nano_flow.core.errors import UsageError
from nano_flow.locate import POLICY_NAMES
from nano_flow.operations.project import templates


def project_files() -> dict[str, str]:
    """Every file of a new project, by its path inside the project."""
    files = {"workflow.yaml": templates.WORKFLOW, "workflow.test.yaml": templates.TEST}
    files |= {name: bundled_text(name) for name in POLICY_NAMES}
    files["routing.test.yaml"] = templates.ROUTING_TEST
    schemas = sorted(bundled_path("schemas").glob("*.schema.json"))
    files |= {f"schemas/{path.name}": path.read_text(encoding="utf-8") for path in schemas}
    files[".gitignore"] = templates.GITIGNORE
    return files


def write_project(folder: Path, files: Mapping[str, str]) -> list[str]:
    """Write ``files`` into ``folder`` and return their names; UsageError, and nothing written, where one exists.

    A ``.gitignore`` that exists is left as it is.
    """
    there = [name for name in files if (folder / name).exists() or (folder / name).is_symlink()]
    in_the_way = [name for name in there if name != ".gitignore"]
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
