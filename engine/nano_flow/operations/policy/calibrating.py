"""The thresholds of tiers, proposed from recorded calls or labelled prompts: by shares, a budget or labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nano_flow.core.errors import UsageError
from nano_flow.core.messages import Json
from nano_flow.core.money import Money, usd
from nano_flow.operations.moments import moment
from nano_flow.operations.place import Place
from nano_flow.operations.policy.editing import RoutingText, routing_file, with_thresholds
from nano_flow.operations.policy.scoring import Material, of_files, of_journal
from nano_flow.ports.store import RunFilter
from nano_flow.project.policies import Policies, read_policies
from nano_flow.review.ladders.quality import Quality, wilson
from nano_flow.review.thresholds import by_budget, by_labels, by_shares, mean_cost, shares, tier_of


@dataclass(frozen=True, slots=True)
class CalibrateOptions:
    """What is wanted, and of which prompts: those of files, else those of the journal."""

    share: tuple[float, ...] = ()
    budget: Money | None = None
    per: int = 1000
    labels: tuple[Path, ...] = ()
    runs: int = 200
    since: str | None = None
    workflow: Path | None = None


@dataclass(frozen=True, slots=True)
class Side:
    """What thresholds lead to; ``quality`` is the share of held-out labels that are met."""

    below: Mapping[str, float]
    shares: Mapping[str, float]
    cost: Money | None
    """Of ``per`` calls."""
    quality: Quality | None

    def as_json(self) -> dict[str, Json]:
        """For machines."""
        held = self.quality
        return {
            "below": dict(self.below),
            "shares": {name: round(share, 4) for name, share in self.shares.items()},
            "cost_usd": None if self.cost is None else usd(self.cost),
            "quality": None
            if held is None
            else {
                "labels": held.labels,
                "right": round(held.right, 4),
                "low": round(held.low, 4),
                "high": round(held.high, 4),
            },
        }


@dataclass(frozen=True, slots=True)
class Calibration:
    """Thresholds as they are and as they are proposed; ``text`` is the routing document with the latter."""

    basis: str
    per: int
    before: Side
    after: Side
    decided_otherwise: int
    """Prompts that a rule, a kind or the step decides: no threshold moves them."""
    unpriced: int
    path: Path
    bundled: bool
    text: str
    diff: str
    for_labels: bool
    """Whether labels alone were to decide: what shares or a budget take from quality is wanted."""

    @property
    def worse(self) -> bool:
        """Whether thresholds for labels meet fewer of those held out than what is in force."""
        was, will = self.before.quality, self.after.quality
        return self.for_labels and was is not None and will is not None and will.right < was.right

    def as_json(self) -> dict[str, Json]:
        """For machines."""
        return {
            "basis": self.basis,
            "per": self.per,
            "before": self.before.as_json(),
            "after": self.after.as_json(),
            "decided_otherwise": self.decided_otherwise,
            "unpriced": self.unpriced,
            "file": str(self.path),
            "diff": self.diff,
        }


def calibrate(place: Place, given: CalibrateOptions) -> Calibration:
    """Propose thresholds. Nothing is written. Raises UsageError where there is nothing to go by."""
    policies = read_policies(place.policy(given.workflow))
    names = tuple(tier.name for tier in policies.routing.tiers)
    current = [tier.below for tier in policies.routing.tiers if tier.below is not None]
    if not current:
        raise UsageError("the routing document has one tier: there is no threshold to calibrate")
    _check_wish(given, names)
    material = _material(place, given, policies)
    if not material.rows:
        raise UsageError(f"{material.basis}: none is decided by its score, so no threshold moves anything")
    proposed = _propose(material, given, current)
    text, file = with_thresholds(policies, dict(zip(names, proposed, strict=False))), routing_file(policies)
    before, after = (_side(material, names, below, given.per) for below in (current, proposed))
    unpriced = sum(row.costs is None for row in material.rows)
    return Calibration(
        basis=material.basis,
        per=given.per,
        before=before,
        after=after,
        decided_otherwise=material.decided_otherwise,
        unpriced=unpriced,
        path=file.path,
        bundled=file.bundled,
        text=text,
        diff=file.diff(text),
        for_labels=not given.share and given.budget is None,
    )


def write_calibrated(found: Calibration) -> None:
    """Write the proposed thresholds to the routing document. Raises UsageError."""
    RoutingText(found.path, found.bundled, "").write(found.text)


def _material(place: Place, given: CalibrateOptions, policies: Policies) -> Material:
    if given.labels:
        return of_files(given.labels, policies)
    wanted = RunFilter(since=moment(given.since) if given.since else None, limit=given.runs)
    return of_journal(place, wanted, policies)


def _check_wish(given: CalibrateOptions, names: Sequence[str]) -> None:
    if given.share and given.budget is not None:
        raise UsageError("--share and --budget both say where the thresholds go: give one of them")
    if not given.share and given.budget is None and not given.labels:
        raise UsageError("say what is wanted: --share 60/30/10, --budget USD --per 1000, or --labels FILE")
    if given.share and len(given.share) != len(names):
        raise UsageError(f"--share has {len(given.share)} shares for {len(names)} tiers: {', '.join(names)}")


def _propose(material: Material, given: CalibrateOptions, current: Sequence[float]) -> list[float]:
    rows = material.rows
    if given.share:
        return by_shares(rows, given.share)
    most = None if given.budget is None else given.budget / given.per
    if most is not None and all(row.costs is None for row in rows):
        raise UsageError("no model of the tiers has a price, so no budget can be kept: see `nano-flow prices list`")
    if material.held:
        found = by_labels(material.fit, rows, current, most)
    elif most is None:
        raise UsageError('the rows have no "tier": add it, or say --share or --budget')
    else:
        found = by_budget(rows, current, most)
    if found is None:
        raise UsageError(
            f"no thresholds keep {given.per} calls within ${usd(given.budget or 0)}: tiers need cheaper models"
        )
    return found


def _side(material: Material, names: Sequence[str], below: Sequence[float], per: int) -> Side:
    cost = mean_cost(material.rows, below)
    met = sum(tier_of(row.score, below) == row.label for row in material.held)
    return Side(
        below=dict(zip(names, below, strict=False)),
        shares=dict(zip(names, shares(material.rows, below), strict=True)),
        cost=None if cost is None else Money(round(cost * per)),
        quality=wilson(met, len(material.held)) if material.held else None,
    )
