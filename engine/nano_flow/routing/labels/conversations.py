"""Labels of a journal: what checks said of the models that conversations asked, made into a pair of models."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from statistics import fmean

from nano_flow.routing.labels.outcomes import Example, Pair


@dataclass(frozen=True, slots=True)
class Conversation:
    """One execution of a checked step. ``prompt`` is the digest of what it began with, the same for every model.

    ``right`` holds, in the order in which they were asked, each model's last outcome: a repair that worked counts.
    Whoever is not first was asked because the one before had failed.
    """

    prompt: str
    right: Mapping[str, float]
    group: str = ""

    @property
    def first(self) -> str:
        """The model that was asked first."""
        return next(iter(self.right))


@dataclass(frozen=True, slots=True)
class Basis:
    """What the examples of a pair rest on, in prompts.

    ``compared``: both models were asked first, in different runs. ``escalated``: the strong one where the weak one had
    failed. ``assumed``: the weak one passed and the strong one was never asked, which counts as no gain. ``left_out``:
    the outcome of one is unknown and cannot be assumed.
    """

    compared: int
    escalated: int
    assumed: int
    left_out: int

    @property
    def known(self) -> int:
        """Prompts for which both outcomes are known."""
        return self.compared + self.escalated


def pair_of(
    conversations: Sequence[Conversation], weak: str | None = None, strong: str | None = None
) -> tuple[Pair, Basis]:
    """The gain of a strong model over a weak one, by prompt.

    Without names, the two for which most prompts have both outcomes: the weak one is what escalations began with.
    ValueError where no prompt has the outcomes of two models.
    """
    by_prompt = _by_prompt(conversations)
    low, high = _models(by_prompt, weak, strong)
    counted: Counter[str] = Counter()
    examples = []
    for prompt, held in by_prompt.items():
        found, gain = _gain(held, low, high)
        counted[found] += 1
        if found != "left_out":
            examples.append(Example(prompt, gain, held[0].group))
    basis = Basis(*(counted[name] for name in ("compared", "escalated", "assumed", "left_out")))
    return Pair(low, high, tuple(examples)), basis


def outcome_of(held: Iterable[Conversation], model: str) -> tuple[float, bool] | None:
    """What is known of ``model`` on one prompt, and whether it was only asked where another had failed; None: nothing.

    Where it was ever asked first, only that counts: the prompts on which another failed are not any prompts.
    """
    known = [(each.right[model], each.first == model) for each in held if model in each.right]
    first = [right for right, was_first in known if was_first]
    if first:
        return fmean(first), False
    return (fmean(right for right, _ in known), True) if known else None


def _by_prompt(conversations: Iterable[Conversation]) -> dict[str, list[Conversation]]:
    held: dict[str, list[Conversation]] = defaultdict(list)
    for each in conversations:
        held[each.prompt].append(each)
    return held


def _models(by_prompt: Mapping[str, Sequence[Conversation]], weak: str | None, strong: str | None) -> tuple[str, str]:
    """Those with most prompts in common, as far as they are not named."""
    common: Counter[tuple[str, str]] = Counter()
    for held in by_prompt.values():
        firsts = dict.fromkeys(each.first for each in held)
        common.update({*permutations(firsts, 2), *(pair for each in held for pair in combinations(each.right, 2))})
    wanted = {pair: n for pair, n in common.items() if weak in (None, pair[0]) and strong in (None, pair[1])}
    if not wanted:
        low, high = f'"{weak}"' if weak else "a weaker model", f'"{strong}"' if strong else "a stronger one"
        raise ValueError(f"no prompt has outcomes of both {low} and {high}")

    def rank(pair: tuple[str, str]) -> tuple[int, float, tuple[str, str]]:
        return wanted[pair], sum(_gain(held, *pair)[1] for held in by_prompt.values()), pair

    return max(wanted, key=rank)


def _gain(held: Sequence[Conversation], weak: str, strong: str) -> tuple[str, float]:
    """How the gain on one prompt is known, and the gain."""
    low, high = ([each.right[model] for each in held if each.first == model] for model in (weak, strong))
    if low and high:
        return "compared", fmean(high) - fmean(low)
    both = [each.right[strong] - each.right[weak] for each in held if weak in each.right and strong in each.right]
    passed = [0.0 for each in held if each.right.get(weak) == 1.0 and strong not in each.right]
    if both:
        return "escalated", fmean([*both, *passed])
    return ("assumed" if passed else "left_out"), 0.0
