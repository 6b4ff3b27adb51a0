"""What a learned score may count of a reply: its facts, and how the prompt and the reply are written."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter

from nano_flow.routing.facts import PromptFacts, prompt_facts
from nano_flow.routing.learned import Getters
from nano_flow.routing.reading import Reading
from nano_flow.routing.replies.facts import REPLY_FEATURES, ReplyFacts
from nano_flow.routing.signals import SignalPoints


@dataclass(frozen=True, slots=True)
class JudgedFacts:
    """A reply beside its prompt; ``written`` counts the reply's text as the prompt's is counted."""

    facts: ReplyFacts
    prompt: PromptFacts
    written: PromptFacts


UNLABELLED = ("agreement", "json_valid")
"""Facts that a labelled reply does not have: there is one sample of it, and nobody says whether JSON was wanted."""
JUDGED_FEATURES: Getters = {
    **{name: attrgetter(f"facts.{name}") for name in REPLY_FEATURES if name not in UNLABELLED},
    **{f"prompt.{name}": attrgetter(f"prompt.{name}") for name in PromptFacts._fields},
    **{f"reply.{name}": attrgetter(f"written.{name}") for name in PromptFacts._fields},
}
"""By name, what the trees of ``cascade.learned`` look at."""


def judged_facts(facts: ReplyFacts, reply: Reading, prompt: Reading) -> JudgedFacts:
    """Count both texts."""
    return JudgedFacts(facts, prompt_facts(prompt), prompt_facts(reply))


def unclamped(because: tuple[SignalPoints, ...]) -> float:
    """The declared score before it is held to 0 … 10: many replies share the ends of that range."""
    return sum(given.points for given in because)
