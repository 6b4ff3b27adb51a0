"""Labelled replies of a cheap model: its text, and what is gained where it is given up."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from nano_flow.routing.labels.outcomes import Example, Outcome, Pair


@dataclass(frozen=True, slots=True)
class ReplyExample(Example):
    """One reply of the weak model. Its gain is the strong model's outcome on the prompt less its own; where no strong
    model was judged, how wrong it is."""

    reply: str = ""


@dataclass(frozen=True, slots=True)
class ReplyPair(Pair):
    """Replies of ``weak``; ``strong`` is empty where only they were judged."""

    examples: tuple[ReplyExample, ...]

    def digest(self) -> str:
        """Of prompts, replies and gains, whatever their order."""
        lines = sorted(f"{example.gain!r} {example.prompt}\0{example.reply}" for example in self.examples)
        return "sha256:" + hashlib.sha256("\0".join(lines).encode("utf-8", "replace")).hexdigest()


def make_reply_pair(outcomes: Sequence[Outcome], weak: str | None = None, strong: str | None = None) -> ReplyPair:
    """Every reply of the weak model, on prompts that the strong one answered where there is one.

    Without names, of the models whose replies are there the one that is least often right is the weak one, and the
    strong one is the model that is most often right, if that is another. ValueError where there is nothing to judge.
    """
    rights: dict[str, list[float]] = defaultdict(list)
    on_prompt: dict[tuple[str, str], list[float]] = defaultdict(list)
    for outcome in outcomes:
        rights[outcome.model].append(outcome.right)
        on_prompt[outcome.model, outcome.prompt].append(outcome.right)
    ranked = sorted(rights, key=lambda model: _mean(rights[model]))
    for name in (weak, strong):
        if name is not None and name not in rights:
            raise ValueError(f'no outcome of "{name}"; there are outcomes of: {", ".join(ranked)}')
    with_text = {outcome.model for outcome in outcomes if outcome.reply.strip()}
    low = weak or next((model for model in ranked if model in with_text), None)
    if low is None or low not in with_text:
        whose = f'of "{low}" ' if low else ""
        raise ValueError(f'no row {whose}has a "reply": a cascade judges the text of the cheaper model\'s replies')
    high = strong or (ranked[-1] if ranked[-1] != low else "")
    if high == low:
        raise ValueError(f'"{low}" cannot be both the weak and the strong model')
    examples = tuple(
        ReplyExample(o.prompt, _mean(on_prompt[high, o.prompt]) - o.right if high else 1 - o.right, o.group, o.reply)
        for o in outcomes
        if o.model == low and o.reply.strip() and (not high or (high, o.prompt) in on_prompt)
    )
    if not examples:
        raise ValueError(f'no prompt that "{low}" replied to was answered by "{high}"')
    return ReplyPair(low, high, examples)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
