"""Recorded calls under a candidate policy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nano_flow.core.errors import UsageError
from nano_flow.operations.moments import moment
from nano_flow.operations.place import Place
from nano_flow.operations.policy.recorded import calls_of
from nano_flow.ports.store import RunFilter
from nano_flow.review.ladders.figures import Compared
from nano_flow.review.ladders.quality import Quality
from nano_flow.review.ladders.shares import Group
from nano_flow.review.learning import read_labels
from nano_flow.review.replaying import Replay, replay
from nano_flow.review.revisions import side

__all__ = ["Compared", "Group", "Quality", "Replay", "ReplayOptions", "replay_policy"]


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """Which recorded calls are replayed, and the files of labels."""

    run: str | None = None
    runs: int = 50
    since: str | None = None
    labels: tuple[Path, ...] = ()
    workflow: Path | None = None


def replay_policy(place: Place, candidate: str, given: ReplayOptions) -> Replay:
    """The replay. Raises UsageError where nothing is recorded."""
    chosen = side(candidate, place.policy(given.workflow))
    wanted = RunFilter(since=moment(given.since) if given.since else None, limit=given.runs)
    calls = calls_of(place, wanted, given.run)
    if not calls:
        raise UsageError("no recorded call was found; run a workflow first, or widen --since and --runs")
    return replay(chosen.name, calls, chosen.policies, read_labels(given.labels))
