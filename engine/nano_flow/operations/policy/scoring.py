"""Prompts of files or of the journal, scored under the policy in force and priced for each of its tiers."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nano_flow.core.errors import UsageError
from nano_flow.core.money import Money
from nano_flow.operations.place import Place
from nano_flow.operations.policy.recorded import calls_of
from nano_flow.ports.store import RunFilter
from nano_flow.project.policies import Policies
from nano_flow.review.asking import Question, ask, request_of, world_of
from nano_flow.review.recorded import RecordedCall, decide_again, expected_cost
from nano_flow.review.thresholds import Scored, tier_of
from nano_flow.routing.labels.wanted import WantedTier, read_wanted
from nano_flow.routing.request import RouteDecision

_LEAST_HELD = 10
"""Labelled rows in either half, below which no figure is worth printing."""


@dataclass(frozen=True, slots=True)
class Material:
    """Rows that thresholds move, by halves of a split by hash; ``held`` is what no threshold is fitted to."""

    basis: str
    rows: list[Scored]
    fit: list[Scored]
    held: list[Scored]
    decided_otherwise: int = 0


def of_files(paths: Sequence[Path], policies: Policies) -> Material:
    """Prompts of files, each once. Raises UsageError with file and line."""
    names = [tier.name for tier in policies.routing.tiers]
    rows: list[Scored] = []
    halves: tuple[list[Scored], list[Scored]] = ([], [])
    wanted = list({each.prompt: each for path in paths for each in _read(path, names)}.values())
    for each in wanted:
        row = _scored(each, policies, names)
        if row is None:
            continue
        rows.append(row)
        if row.label is not None:
            digest = hashlib.sha256(each.prompt.encode("utf-8", "replace")).digest()
            halves[digest[0] % 2].append(row)
    fit, held = halves
    if (fit or held) and min(len(fit), len(held)) < _LEAST_HELD:
        raise UsageError(
            f"{len(fit) + len(held)} labelled prompts are too few: half of them are held out, and at least "
            f"{_LEAST_HELD} are needed in either half"
        )
    return Material(f"{len(wanted)} prompts of {len(paths)} file(s)", rows, fit, held, len(wanted) - len(rows))


def _read(path: Path, tiers: Sequence[str]) -> list[WantedTier]:
    try:
        return read_wanted(path.read_text("utf-8-sig"), str(path), tiers)
    except UnicodeDecodeError:
        raise UsageError(f'"{path}" cannot be read: it is not UTF-8 text') from None
    except OSError as error:
        raise UsageError(f'"{path}" cannot be read: {error.strerror}') from None
    except ValueError as error:
        raise UsageError(str(error)) from None


def _scored(wanted: WantedTier, policies: Policies, names: Sequence[str]) -> Scored | None:
    """The prompt's score, and what each tier's first model is expected to charge; None where no score decides."""
    world = world_of(policies, time.time())
    decision = ask(request_of(Question(wanted.prompt)), policies, world)
    if not _by_score(decision, policies) or decision.score is None:
        return None
    each = [ask(request_of(Question(wanted.prompt, model=name)), policies, world) for name in names]
    label = None if wanted.tier is None else names.index(wanted.tier)
    return Scored(decision.score, _known([d.estimates[0].cost if d.estimates else None for d in each]), label)


def _by_score(decision: RouteDecision, policies: Policies) -> bool:
    """Whether the tier is the one of the score: no rule, kind or floor decided."""
    below = [tier.below for tier in policies.routing.tiers if tier.below is not None]
    names = [tier.name for tier in policies.routing.tiers]
    return decision.score is not None and decision.tier == names[tier_of(decision.score, below)]


def of_journal(place: Place, wanted: RunFilter, policies: Policies) -> Material:
    """Recorded calls, scored again by facts and found words; replies are priced token for token."""
    calls = calls_of(place, wanted)
    if not calls:
        raise UsageError("no recorded call was found; run a workflow first, widen --since and --runs, or give --labels")
    rows = [row for call, known in calls if (row := _again(call, policies, known)) is not None]
    return Material(f"{len(calls)} recorded calls", rows, [], [], len(calls) - len(rows))


def _again(call: RecordedCall, policies: Policies, known: frozenset[str] | None) -> Scored | None:
    now = time.time()
    world = world_of(policies, now)
    decision = decide_again(call, policies, world, known).decision
    if call.decision.get("requested") != "auto" or decision.score is None or not _by_score(decision, policies):
        return None
    costs = []
    for tier in policies.routing.tiers:
        named = replace(call, decision={**call.decision, "requested": tier.name})
        costs.append(expected_cost(call, decide_again(named, policies, world, known).decision.model, policies, now))
    return Scored(decision.score, _known(costs))


def _known(costs: Sequence[Money | None]) -> tuple[int, ...] | None:
    found = tuple(cost for cost in costs if cost is not None)
    return found if len(found) == len(costs) else None
