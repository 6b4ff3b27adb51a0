"""How good the answers under a policy would be, as far as labels tell: the journal's, and those of files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from nano_flow.core.messages import Json
from nano_flow.core.refs import ModelRef
from nano_flow.project.policies import Policies
from nano_flow.review.labelled.held import Known
from nano_flow.review.ladders.climbing import Climbed, Climber
from nano_flow.review.ladders.figures import Compared, Judged, compared, interval
from nano_flow.review.ladders.known import Held, Knowledge, held_of
from nano_flow.routing.labels.conversations import outcome_of
from nano_flow.routing.labels.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class Quality:
    """The share of prompts that end right, where all outcomes on the way are known, with its 95 % interval.

    ``labels`` counts these prompts: one that was asked often is one. ``unknown`` are the other labelled ones.
    ``harder`` are those where the model that is asked first was only ever asked because another had failed. ``assumed``
    counts the unknown ones that a model of a lower tier passed: ``right_assumed`` is the share with these taken for
    right.
    """

    labels: int
    right: float
    low: float
    high: float
    calls: int = 0
    unknown: int = 0
    harder: int = 0
    assumed: int = 0
    simulated: bool = False

    @property
    def right_assumed(self) -> float | None:
        """The share under the assumption that a higher tier gets right what a lower one did."""
        count = self.labels + self.assumed
        return (self.right * self.labels + self.assumed) / count if count else None

    def as_json(self) -> dict[str, Json]:
        """As in ``quality`` of a replay."""
        shares = {name: getattr(self, name) if self.labels else None for name in ("right", "low", "high")}
        shares["right_assumed"] = self.right_assumed
        counts = {
            name: getattr(self, name) for name in ("labels", "calls", "unknown", "harder", "assumed", "simulated")
        }
        return {**{name: value and round(value, 4) for name, value in shares.items()}, **counts}


@dataclass(slots=True)
class _Prompt:
    """One labelled prompt: its recorded conversations, and how each of them, or its text alone, would end."""

    held: list[Held] = field(default_factory=list)
    climbs: list[Climbed] = field(default_factory=list)

    def judged(self) -> Judged:
        """The means over its conversations."""
        recorded = [each.outcome for each in self.held if each.outcome is not None]
        scores = [climb.decision.score for climb in self.climbs if climb.decision.score is not None]
        return Judged(
            low=fmean(climb.ends.right[0] for climb in self.climbs),
            high=fmean(climb.ends.right[2] for climb in self.climbs),
            recorded=fmean(recorded) if recorded else None,
            score=fmean(scores) if scores else None,
            known=all(climb.ends.known for climb in self.climbs),
        )


@dataclass(frozen=True, slots=True)
class Told:
    """What labels tell: of the known prompts, and of all in comparison with the record."""

    quality: Quality
    compared: Compared


def quality(calls: Iterable[Known], outcomes: Sequence[Outcome], policies: Policies, now: float) -> Quality | None:
    """How labelled prompts would end under ``policies``, where that is known; None without labels."""
    told = told_by_labels(held_of(calls), outcomes, policies, now)
    return None if told is None else told.quality


def told_by_labels(held: Sequence[Held], outcomes: Sequence[Outcome], policies: Policies, now: float) -> Told | None:
    """Climb the ladder of every labelled prompt; None without labels.

    Simulated replies count only where there are no others.
    """
    checked = [each for each in held if each.said is not None]
    real = [each for each in checked if not each.simulated]
    climber = Climber(policies, Knowledge(real or checked, outcomes), now)
    prompts = _prompts(real or checked, climber)
    judged = {digest: prompt.judged() for digest, prompt in prompts.items()}
    figures = compared([*judged.values()])
    if figures is None:
        return None
    known = {digest: prompts[digest] for digest, each in judged.items() if each.known}
    unknown = [prompts[digest] for digest, each in judged.items() if not each.known]
    found = Quality(
        labels=figures.known.prompts,
        right=figures.known.right,
        low=figures.known.low,
        high=figures.known.high,
        calls=sum(len(prompt.held) for prompt in known.values()),
        unknown=len(unknown),
        harder=sum(all(climb.harder for climb in prompt.climbs) for prompt in known.values()),
        assumed=sum(_assumed(digest, prompts[digest], climber) for digest in judged.keys() - known.keys()),
        simulated=bool(checked) and not real,
    )
    return Told(found, figures)


def _prompts(held: Iterable[Held], climber: Climber) -> Mapping[str, _Prompt]:
    """By digest; a prompt of files of which nothing was recorded is climbed by its text alone."""
    prompts: dict[str, _Prompt] = {}
    for each in held:
        prompt = prompts.setdefault(each.prompt, _Prompt())
        prompt.held.append(each)
        prompt.climbs.append(climber.climb(each))
    for digest, text in climber.knowledge.texts.items():
        if digest not in prompts:
            prompts[digest] = _Prompt([], [climber.climb_text(digest, text)])
    return prompts


def _assumed(digest: str, prompt: _Prompt, climber: Climber) -> bool:
    """Whether a model of a tier below passed whenever it was asked first."""
    return all(_passed_below(digest, climb.first, climber) for climb in prompt.climbs)


def _passed_below(digest: str, model: str, climber: Climber) -> bool:
    known, place = climber.knowledge.said[digest], _tier(model, climber.policies)
    others = {
        each.first
        for each in known
        if (below := _tier(each.first, climber.policies)) is not None and below < (place or 0)
    }
    return any(outcome_of(known, other) == (1.0, False) for other in others)


def _tier(model: str, policies: Policies) -> int | None:
    try:
        return policies.routing.tier_of(ModelRef.parse(model))
    except ValueError:  # "None": no model is left for this prompt; or a file's own name for one
        return None


def wilson(right: float, count: int) -> Quality:
    """The share ``right / count`` with Wilson's interval."""
    low, high = interval(right, count)
    return Quality(count, right / count if count else 0.0, low, high)
