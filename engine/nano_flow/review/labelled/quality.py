"""How good the answers under a policy would be, as far as labels tell: the journal's, and those of files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from math import sqrt
from statistics import fmean

from nano_flow.core.messages import Json, Message
from nano_flow.core.refs import ModelRef
from nano_flow.gateway.sending.fingerprint import prompt_digest
from nano_flow.project.policies import Policies
from nano_flow.review.asking import Question, ask, request_of, world_of
from nano_flow.review.labelled.held import Known, Labelled, labelled
from nano_flow.review.recorded import decide_again
from nano_flow.routing.labels.conversations import Conversation, outcome_of
from nano_flow.routing.labels.outcomes import Outcome
from nano_flow.routing.request import Observations

_TWO_SIDED_95 = 1.96


@dataclass(frozen=True, slots=True)
class Quality:
    """The share of right answers where the chosen model has a label; ``low`` to ``high`` is its 95 % interval.

    ``labels`` counts prompts: one that was asked often is one. ``unknown`` are labelled prompts on which nothing is
    known of the chosen model, ``harder`` those where it was only asked because another had failed. ``assumed`` counts
    the unknown ones that a model of a lower tier passed: ``right_assumed`` is the share with these taken for right.
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
    """One labelled prompt: its recorded conversations, what files say of it, and its text where a file has it."""

    held: list[Labelled] = field(default_factory=list)
    told: list[Conversation] = field(default_factory=list)
    text: str | None = None


def quality(calls: Iterable[Known], outcomes: Sequence[Outcome], policies: Policies, now: float) -> Quality | None:
    """Decide anew on every labelled prompt, and look up what is known of the chosen model there; None without labels.

    Simulated replies count only where there are no others.
    """
    held = labelled(calls)
    real = [each for each in held if not each.simulated]
    prompts = _prompts(real or held, outcomes)
    world = world_of(policies, now)
    rights: list[float] = []
    counted = harder = assumed = 0
    for prompt in prompts.values():
        known = [*(each.said for each in prompt.held), *prompt.told]
        chosen = _chosen(prompt, policies, world)
        found = [told for model in chosen if (told := outcome_of(known, model))]
        if not found:
            assumed += all(_passed_below(model, known, policies) for model in chosen)
        else:
            rights.append(fmean(right for right, _ in found))
            counted += len(prompt.held)
            harder += all(only_after_a_failure for _, only_after_a_failure in found)
    if not prompts:
        return None
    share = wilson(sum(rights), len(rights))
    unknown = len(prompts) - len(rights)
    play = bool(held) and not real
    return replace(share, calls=counted, unknown=unknown, harder=harder, assumed=assumed, simulated=play)


def _prompts(held: Iterable[Labelled], outcomes: Iterable[Outcome]) -> dict[str, _Prompt]:
    prompts: dict[str, _Prompt] = {}
    for each in held:
        prompts.setdefault(each.said.prompt, _Prompt()).held.append(each)
    for outcome in outcomes:
        digest = prompt_digest([Message("user", outcome.prompt)])
        prompt = prompts.setdefault(digest, _Prompt())
        prompt.text = outcome.prompt
        prompt.told.append(Conversation(digest, {outcome.model: outcome.right}))
    return prompts


def _chosen(prompt: _Prompt, policies: Policies, world: Observations) -> list[str]:
    """The model that each recorded conversation would begin with; without any, the one for the text alone."""
    if not prompt.held and prompt.text is not None:
        return [str(ask(request_of(Question(prompt.text)), policies, world).model)]
    return [
        str(decide_again(each.first, policies, replace(world, offline=each.simulated)).decision.model)
        for each in prompt.held
    ]


def _passed_below(model: str, known: Sequence[Conversation], policies: Policies) -> bool:
    """Whether a model of a tier below that of ``model`` passed whenever it was asked first."""
    place = _tier(model, policies)
    others = {
        each.first for each in known if (below := _tier(each.first, policies)) is not None and below < (place or 0)
    }
    return any(outcome_of(known, other) == (1.0, False) for other in others)


def _tier(model: str, policies: Policies) -> int | None:
    try:
        return policies.routing.tier_of(ModelRef.parse(model))
    except ValueError:  # "None": no model is left for this prompt; or a file's own name for one
        return None


def wilson(right: float, count: int) -> Quality:
    """The share ``right / count`` with Wilson's interval, which stays inside 0 … 1 for few labels too."""
    if not count:
        return Quality(0, 0.0, 0.0, 1.0)
    share, z = right / count, _TWO_SIDED_95
    centre = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return Quality(count, share, max(0.0, centre - half), min(1.0, centre + half))
