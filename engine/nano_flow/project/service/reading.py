"""The service.yaml in force: found like the policy files, read, its variables expanded."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nano_flow.core.errors import DocumentError, UsageError
from nano_flow.core.messages import Json
from nano_flow.documents.load import ServiceSource, load_service
from nano_flow.documents.service import (
    NotificationDocument,
    RetentionDocument,
    RunsBudgetDocument,
    ServedWorkflowDocument,
    ServiceDocument,
    TelemetryDocument,
)
from nano_flow.locate import service_file
from nano_flow.project.files import digest, read_document, shown_path

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


@dataclass(frozen=True, slots=True)
class Service:
    """What service.yaml says, and where it stands; without a file, what holds without one."""

    path: Path | None = None
    text: str = ""
    document: ServiceDocument = field(default_factory=lambda: ServiceDocument(nano_flow=1))
    store: str = ""
    """Empty: the store of the state folder."""
    cache: str = ""

    @property
    def budgets(self) -> tuple[RunsBudgetDocument, ...]:
        """What may be spent over all runs."""
        return tuple(self.document.budgets or ())

    @property
    def workflows(self) -> Mapping[str, ServedWorkflowDocument]:
        """What the service starts, by its own names."""
        return self.document.workflows or {}

    @property
    def notifications(self) -> tuple[NotificationDocument, ...]:
        """Who is told of what."""
        return tuple(self.document.notify or ())

    @property
    def retention(self) -> RetentionDocument:
        """How long things are kept."""
        return self.document.retention or RetentionDocument()

    @property
    def telemetry(self) -> TelemetryDocument:
        """Where traces go."""
        return self.document.telemetry or TelemetryDocument()

    @property
    def keeps_prompts(self) -> bool:
        """False where only facts and fingerprints of runs are kept."""
        return self.document.record is None or self.document.record.prompts

    def file_of(self, name: str) -> Path:
        """The file of the workflow ``name``, one of ``workflows``."""
        folder = self.path.parent if self.path is not None else Path.cwd()
        return Path(os.path.normpath(folder / self.workflows[name].file))

    def offered(self, name: str) -> ServedWorkflowDocument:
        """The workflow that the service knows as ``name``. Raises UsageError."""
        if name not in self.workflows:
            known = ", ".join(f'"{one}"' for one in self.workflows) or "none"
            raise UsageError(f'service.yaml names no workflow "{name}"; it names {known}')
        return self.workflows[name]

    def record(self) -> dict[str, Json]:
        """Which file is in force, for a run's record."""
        if self.path is None:
            return {"file": None, "digest": None}
        return {"file": shown_path(str(self.path)), "digest": digest(self.text)}


def service_in_force(folder: Path, config_dir: Path | None = None, environ: Mapping[str, str] | None = None) -> Service:
    """The service.yaml that holds for workflows in ``folder``; defaults where there is none. Raises DocumentError.

    ``NANO_FLOW_STORE`` and ``NANO_FLOW_CACHE`` hold also without the file, or where it does not name them.
    """
    around = os.environ if environ is None else environ
    path = service_file(folder, config_dir, Path.cwd())
    if path is None:
        return Service(store=around.get("NANO_FLOW_STORE", ""), cache=around.get("NANO_FLOW_CACHE", ""))
    source = read_service(path)
    document = source.document
    return Service(
        path=path,
        text=source.source.text,
        document=document,
        store=expanded(document.store or "", around) or around.get("NANO_FLOW_STORE", ""),
        cache=expanded(document.cache or "", around) or around.get("NANO_FLOW_CACHE", ""),
    )


def read_service(path: Path) -> ServiceSource:
    """The document at ``path``. Raises DocumentError with all that is wrong in its form and its names."""
    from nano_flow.project.service.faults import service_faults

    shown = shown_path(str(path))
    source = load_service(read_document(str(path), shown), shown)
    faults = [fault for fault in service_faults(source, path) if fault.severity == "error"]
    if faults:
        raise DocumentError(faults)
    return source


def expanded(text: str, environ: Mapping[str, str]) -> str:
    """``text`` with ``${VAR}`` and ``${VAR:-default}`` replaced; an unset or empty variable gives its default."""
    return _VARIABLE.sub(lambda match: environ.get(match[1]) or match[2] or "", text)
