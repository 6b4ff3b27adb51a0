"""A routing document that is being edited, tried out: on one prompt, and on recorded calls. Nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from nano_flow.core.errors import UsageError
from nano_flow.core.messages import Json
from nano_flow.operations.place import Place
from nano_flow.operations.policy.explaining import PromptOptions, explain_text
from nano_flow.operations.policy.recorded import calls_of
from nano_flow.ports.store import RunFilter
from nano_flow.project.files import read_document
from nano_flow.project.policies import read_policies
from nano_flow.review.replaying import Replay, replay

__all__ = ["PromptOptions", "Replay", "decision_under", "replay_under", "routing_path", "routing_text"]

_ROUTING = "routing.yaml"


def routing_text(place: Place) -> str:
    """The routing document in force."""
    file = next(file for file in place.policy() if file.name == _ROUTING)
    return read_document(str(file.path)).decode("utf-8", "replace")


def routing_path(place: Place) -> str:
    """Where an edited routing document would lie, below the project: that in force, or a new one at its root."""
    file = next(file for file in place.policy() if file.name == _ROUTING)
    inside = file.found == "project" and file.path.is_relative_to(place.current)
    return file.path.relative_to(place.current).as_posix() if inside else _ROUTING


def decision_under(place: Place, prompt: str, text: str | None, given: PromptOptions) -> Mapping[str, Json]:
    """Who answers ``prompt`` if the routing document were ``text``; None is the one in force. Raises DocumentError."""
    texts = {} if text is None else {_ROUTING: text}
    return explain_text(place, prompt, replace(given, texts=texts))


def replay_under(place: Place, text: str, since: float, runs: int) -> Replay | None:
    """The newest recorded calls decided again under ``text``; None where nothing is recorded. Raises DocumentError."""
    if not text.strip():
        raise UsageError("the routing document is empty")
    policies = read_policies(place.policy(), {_ROUTING: text})
    calls = calls_of(place, RunFilter(since=since, limit=runs))
    return replay("the edited policy", calls, policies) if calls else None
