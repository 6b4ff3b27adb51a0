"""What a journal, and files of outcomes, know of each model on each prompt."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from nano_flow.core.calls import TURNS_PER_GENERATION
from nano_flow.core.messages import Json, Message, Usage
from nano_flow.core.refs import path_of
from nano_flow.gateway.sending.fingerprint import prompt_digest
from nano_flow.review.labelled.held import Known, conversations
from nano_flow.review.recorded import Answered, RecordedCall
from nano_flow.routing.labels.conversations import Conversation, outcome_of
from nano_flow.routing.labels.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class Part:
    """What one model did in one conversation: ``asks`` counts its replies that were checked, or would have been.

    ``right`` is the last outcome, None where nothing looked at its replies; ``reply`` its first whole one.
    """

    model: str
    replies: tuple[Answered, ...]
    asks: int
    right: float | None = None

    def usages(self, asks: int) -> tuple[Usage, ...]:
        """Of its calls for at most so many asks, those of tools among them."""
        share = min(asks, self.asks) / self.asks
        return tuple(reply.usage for reply in self.replies[: max(1, round(len(self.replies) * share))])

    @property
    def reply(self) -> Answered | None:
        """What a cascade would judge."""
        return next((reply for reply in self.replies if reply.text is not None), None)


@dataclass(frozen=True, slots=True)
class Held:
    """One conversation: an execution of a step, each retry another. ``prompt`` is what tells its prompt from others."""

    prompt: str
    first: RecordedCall
    looked_for: frozenset[str] | None
    parts: tuple[Part, ...]
    judged: tuple[RecordedCall, ...]
    """The questions of its judges."""
    outcome: float | None
    """What the last check said; None where there is none."""
    repairs: int
    may_escalate: int

    @property
    def simulated(self) -> bool:
        """Whether its replies are of play: a label says so where a reply came from a cache."""
        return self.first.simulated or bool(self.first.checked and self.first.checked.simulated)

    @property
    def step(self) -> str:
        """The step that it is an execution of."""
        return path_of(self.first.address)

    @property
    def said(self) -> Conversation | None:
        """What its checks said of each model; None without checks."""
        right = {part.model: part.right for part in self.parts if part.right is not None}
        return Conversation(self.prompt, right, self.step) if right else None


def held_of(calls: Iterable[Known]) -> list[Held]:
    """The conversations among ``calls`` that had an agent."""
    gathered = [known for known in conversations(calls) if any(not call.judge for call, _ in known)]
    climbs = _climbs(gathered)
    return [_held(known, climbs) for known in gathered]


def _climbs(gathered: Iterable[Sequence[Known]]) -> dict[str, int]:
    """By step, how far its repairs went up at most: journals of older versions do not say how far they might."""
    found: dict[str, int] = defaultdict(int)
    for known in gathered:
        for call, _ in known:
            path = path_of(call.address)
            found[path] = max(found[path], _asked(call, "escalate"), _asked(call, "may_escalate"))
    return found


def _held(known: Sequence[Known], climbs: Mapping[str, int]) -> Held:
    agent = [call for call, _ in known if not call.judge]
    first = agent[0]
    looked_for = next(words for call, words in known if call is first)
    checks = [call.checked for call in agent if call.checked is not None]
    own = f"{first.run_id}:{first.address}:{first.turn // TURNS_PER_GENERATION}"
    climb = climbs[path_of(first.address)]
    return Held(
        prompt=checks[0].prompt_digest if checks else own,
        first=first,
        looked_for=looked_for,
        parts=_parts(agent),
        judged=tuple(call for call, _ in known if call.judge),
        outcome=float(checks[-1].passed) if checks else None,
        repairs=max(_asked(first, "repairs"), climb),
        may_escalate=climb,
    )


def _parts(agent: Iterable[RecordedCall]) -> tuple[Part, ...]:
    replies: dict[str, list[Answered]] = defaultdict(list)
    asks: dict[str, int] = defaultdict(int)
    right: dict[str, float] = {}
    for call in agent:
        for reply in call.replies:
            replies[reply.model].append(reply)
            asks[reply.model] += reply.text is not None
        if call.checked is not None:
            right[call.checked.model] = float(call.checked.passed)
    models = dict.fromkeys([*replies, *right])
    return tuple(Part(m, tuple(replies[m]), max(1, asks[m]), right.get(m)) for m in models)


def _asked(call: RecordedCall, name: str) -> int:
    said: Json = call.decision.get("asked")
    value = said.get(name) if isinstance(said, dict) else None
    return value if isinstance(value, int) else 0


class Knowledge:
    """Outcomes, replies and token counts, by prompt and model."""

    def __init__(self, held: Sequence[Held], outcomes: Sequence[Outcome] = ()) -> None:
        self.said: dict[str, list[Conversation]] = defaultdict(list)
        self.texts: dict[str, str] = {}
        self._parts: dict[tuple[str, str], Part] = {}
        for each in held:
            if each.said is not None:
                self.said[each.prompt].append(each.said)
            for place, part in enumerate(each.parts):
                if part.replies and (place == 0 or (each.prompt, part.model) not in self._parts):
                    self._parts[each.prompt, part.model] = part
        for outcome in outcomes:
            digest = prompt_digest([Message("user", outcome.prompt)])
            self.texts[digest] = outcome.prompt
            self.said[digest].append(Conversation(digest, {outcome.model: outcome.right}))
        self._rates = _rates(self.said.values())

    def outcome(self, prompt: str, model: str) -> tuple[float, bool] | None:
        """How right the model is on the prompt, and whether it was only asked where another had failed."""
        return outcome_of(self.said.get(prompt, ()), model)

    def part(self, prompt: str, model: str) -> Part | None:
        """What the model did on the prompt, where it was asked first if it ever was."""
        return self._parts.get((prompt, model))

    def rate(self, model: str) -> float:
        """How often the model is right where it was asked first; one half where it never was."""
        return self._rates.get(model, 0.5)


def _rates(said: Iterable[Sequence[Conversation]]) -> dict[str, float]:
    first: dict[str, list[float]] = defaultdict(list)
    for held in said:
        for each in held:
            first[each.first].append(each.right[each.first])
    return {model: sum(rights) / len(rights) for model, rights in first.items()}
