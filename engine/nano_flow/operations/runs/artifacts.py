"""What a run leaves behind, as files: its outputs, its report, its events, its ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nano_flow.core.errors import UsageError
from nano_flow.core.messages import Json
from nano_flow.core.shown.event_json import finite
from nano_flow.operations.place import Place
from nano_flow.operations.runs.changing import export_run
from nano_flow.operations.runs.reading import show_run

_TEXT, _JSON = "text/plain", "application/json"


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file; ``name`` is how it is asked for, ``size`` counts bytes and is None where it is made on demand."""

    name: str
    media_type: str
    size: int | None = None

    def as_json(self) -> dict[str, Json]:
        """One entry of ``nano-flow/artifacts@1``."""
        return {"name": self.name, "media_type": self.media_type, "size": self.size}


_MADE: Mapping[str, tuple[str, str]] = {
    "run.json": (_JSON, "json"),
    "events.jsonl": ("application/x-ndjson", "jsonl"),
    "ledger.csv": ("text/csv", "csv"),
}
"""What every run has: name → media type, and the form of ``runs export``."""


def artifacts_of(place: Place, run: str) -> list[Artifact]:
    """All of them, outputs first. Raises UsageError where there is no such run."""
    outputs = [artifact for artifact, _ in _outputs(show_run(place, run).document)]
    return [*outputs, *(Artifact(name, kind) for name, (kind, _) in _MADE.items())]


def artifact(place: Place, run: str, name: str) -> tuple[Artifact, bytes]:
    """One of them, and what it holds. Raises UsageError where there is none of that name."""
    found = show_run(place, run)
    if name in _MADE:
        kind, form = _MADE[name]
        data = "".join(f"{piece}\n" for piece in export_run(place, found.run_id, form)).encode("utf-8", "replace")
        return Artifact(name, kind, len(data)), data
    for one, content in _outputs(found.document):
        if one.name == name:
            return one, content
    raise UsageError(f'there is no artifact "{name}" of the run "{found.run_id}"')


def _outputs(document: Mapping[str, Json]) -> Iterator[tuple[Artifact, bytes]]:
    outputs = document.get("outputs")
    named = outputs if isinstance(outputs, dict) else {} if outputs is None else {"output": outputs}
    for name, value in output_names(named):
        text = value if isinstance(value, str) else json.dumps(finite(value), ensure_ascii=False, indent=2)
        data = text.encode("utf-8", "replace")
        yield Artifact(name, _TEXT if isinstance(value, str) else _JSON, len(data)), data


def output_names(outputs: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    """The names of outputs as files, each with its value."""
    for name, value in outputs.items():
        yield f"outputs/{name}.{'txt' if isinstance(value, str) else 'json'}", value
