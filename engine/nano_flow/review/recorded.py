"""Recorded model calls, and what another policy would score and choose for them.

Where the run kept its texts, prompts are scored again; of others only facts and found words are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from nano_flow.core.calls import TURNS_PER_GENERATION, turn_and_sample
from nano_flow.core.events import CallFinished, Event, ReplyChecked, RouteDecided
from nano_flow.core.messages import Json, Usage
from nano_flow.core.money import Cost, Money
from nano_flow.core.refs import ModelRef
from nano_flow.plan.call_specs import RouteSpec
from nano_flow.project.policies import Policies
from nano_flow.review.asking import ask
from nano_flow.routing.facts import Facts, PromptFacts, prompt_facts
from nano_flow.routing.reading import Reading, read_text, without_text
from nano_flow.routing.request import Observations, RouteDecision, RouteRequest
from nano_flow.routing.signals import Compensation, CurveSignal, MatchSignal, Signal
from nano_flow.routing.within import WithinSignal

_LISTS = (MatchSignal, WithinSignal)
_VERDICT = "cascade_verdict"
"""What a cascade adds to a decision that is told again, once its reply was judged."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One reply of one model; ``samples`` are further ones that it was compared with.

    ``text`` is None for a call of tools: no cascade judges that.
    """

    model: str
    usage: Usage
    duration_s: float
    cost: Money | None
    text: str | None = None
    samples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeptText:
    """What a step's author wrote, which decides its tier, and what the user's side of it says."""

    written: str
    user: str


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """One decision of a run, and the reply that it led to (None where it led to none)."""

    run_id: str
    address: str
    turn: int
    decision: Mapping[str, Json]
    facts: Facts
    found: frozenset[str]
    """Entries of word lists that occurred in the prompt."""
    model: str = ""
    usage: Usage | None = None
    duration_s: float = 0.0
    cost: Money | None = None
    simulated: bool = False
    checked: ReplyChecked | None = None
    """What the checks of its step said of the reply."""
    replies: tuple[Answered, ...] = ()
    """Of a cascade also those that were given up, in their order."""
    judge: bool = False
    """Whether it is the question of a judge, no turn of the step's own agent."""
    kept: KeptText | None = None
    """What was asked, where the run kept it."""

    @property
    def where(self) -> str:
        """How reports call it."""
        turn = f" turn {self.turn}" if self.turn else ""
        return f"{self.run_id}:{self.address}{turn}"


@dataclass(frozen=True, slots=True)
class Rescored:
    """A decision made again. ``unsure`` names signals whose new words cannot be looked for: prompts are not kept."""

    decision: RouteDecision
    unsure: tuple[str, ...] = ()


def recorded_calls(run_id: str, events: Iterable[Event]) -> list[RecordedCall]:
    """The decisions of one run, the last of each turn (of a cascade, what it began with), and what was replied."""
    decided: dict[tuple[str, int], RecordedCall] = {}
    for event in events:
        if isinstance(event, RouteDecided):
            call = _decided(run_id, event, decided.get((event.address, event.turn)))
            if call is not None:
                decided[event.address, event.turn] = call
        elif isinstance(event, CallFinished):
            place = event.address, turn_and_sample(event.turn)[0]
            if known := decided.get(place):
                decided[place] = _answered(known, event)
        elif isinstance(event, ReplyChecked) and (known := decided.get((event.address, event.turn))):
            decided[event.address, event.turn] = replace(known, checked=event)
    return list(decided.values())


def _answered(known: RecordedCall, event: CallFinished) -> RecordedCall:
    """The call with one more reply; a further sample belongs to the reply that it is compared with."""
    reply, sample = event.reply, turn_and_sample(event.turn)[1]
    if sample:
        if not known.replies:
            return known
        last = known.replies[-1]
        cost = None if last.cost is None or event.cost is None else Money(last.cost + event.cost)
        last = replace(last, cost=cost, samples=(*last.samples, reply.text), usage=last.usage + reply.usage)
        return replace(known, replies=(*known.replies[:-1], last))
    text = None if reply.tool_calls else reply.text
    told = Answered(event.model, reply.usage, event.duration_s, event.cost, text)
    return replace(
        known,
        model=event.model,
        usage=reply.usage,
        duration_s=event.duration_s,
        cost=event.cost,
        simulated=reply.simulated,
        replies=(*known.replies, told),
    )


def with_texts(calls: Iterable[RecordedCall], texts: Mapping[tuple[str, int], KeptText]) -> list[RecordedCall]:
    """The calls with what was asked, by address and generation: as far as it is the text that was counted."""
    found = []
    for call in calls:
        kept = None if call.judge else texts.get((call.address, call.turn // TURNS_PER_GENERATION))
        same = kept is not None and read_prompt(kept.written)[1].prompt_chars == call.facts.prompt.prompt_chars
        found.append(replace(call, kept=kept) if same else call)
    return found


@lru_cache(maxsize=64)
def read_prompt(text: str) -> tuple[Reading, PromptFacts]:
    """A kept text and its facts, as the run counted them."""
    reading = read_text(text)
    return reading, prompt_facts(reading)


def _decided(run_id: str, event: RouteDecided, known: RecordedCall | None) -> RecordedCall | None:
    if known is not None and _goes_on(known.decision, event.decision):
        return known
    if known is not None and _VERDICT in event.decision:
        return replace(known, decision=event.decision)
    facts, because = event.decision.get("facts"), event.decision.get("because")
    if not isinstance(facts, dict) or not isinstance(because, list):
        return None
    given = [entry for entry in because if isinstance(entry, dict)]
    found = {str(word) for entry in given if isinstance(words := entry.get("found"), list) for word in words}
    return RecordedCall(
        run_id,
        event.address,
        event.turn,
        event.decision,
        Facts.from_json(facts),
        frozenset(found),
        judge=event.purpose == "judge",
    )


def _goes_on(known: Mapping[str, Json], told: Mapping[str, Json]) -> bool:
    """Whether a decision is of a higher tier of the cascade whose first verdict is known."""
    return _VERDICT in known and (_VERDICT in told or told.get("requested") != known.get("requested"))


def vocabulary(policies: Policies) -> frozenset[str]:
    """Every entry of the word lists of a policy: for these it is known whether a recorded prompt held them."""
    return frozenset(
        entry for signal in _all_signals(policies) if isinstance(signal, _LISTS) for entry in signal.entries
    )


def decide_again(
    call: RecordedCall, policies: Policies, world: Observations, known: frozenset[str] | None = None
) -> Rescored:
    """What ``policies`` would decide. ``known`` are the entries that the recording policy looked for (None: all)."""
    request, unsure = request_again(call, policies, known)
    return Rescored(ask(request, policies, world), unsure)


def request_again(
    call: RecordedCall, policies: Policies, known: frozenset[str] | None = None
) -> tuple[RouteRequest, tuple[str, ...]]:
    """The request of a recorded call as ``policies`` would see it, and what is not sure of its score.

    With its text it is scored again as any prompt; else its score follows from facts and found words.
    """
    said = call.decision.get("asked")
    request = _request(call, said if isinstance(said, dict) else {})
    if call.kept is not None:
        reading, counted = read_prompt(call.kept.written)
        return replace(request, reading=reading, facts=Facts(counted, call.facts.step, call.facts.run)), ()
    unsure = _of_the_text(policies)
    route = request.route
    if route.complexity is None:
        score = _score(call, policies, known, unsure)
        low, high = route.complexity_at_least, route.complexity_at_most
        score = score if low is None else max(score, low)
        request = replace(request, route=replace(route, complexity=score if high is None else min(score, high)))
    return request, tuple(unsure)


def _of_the_text(policies: Policies) -> list[str]:
    """What decides by the text itself, which facts and found words do not tell of."""
    routing = policies.routing
    kinds = any(kind.tier or kind.floor or kind.models for kind in routing.kinds)
    rules = routing.sees & {"signals", "kind", "prompt", "personal"}
    return [name for name, there in (("kinds", kinds), ("rules", rules)) if there]


def _score(call: RecordedCall, policies: Policies, known: frozenset[str] | None, unsure: list[str]) -> float:
    lists = [signal for signal in _all_signals(policies) if isinstance(signal, _LISTS)]
    unsure += [signal.name for signal in lists if known is not None and not known.issuperset(signal.entries)]
    declared = declared_score(call, policies)
    learned = policies.routing.learned
    if learned is None or not policies.routing.learned_weight:
        return declared
    if learned.words or learned.groups:
        unsure.append("learned")
    text = read_text(" ".join(call.found))
    moved = learned.score(call.facts, text, declared) - declared
    return declared + moved * policies.routing.learned_weight


def _all_signals(policies: Policies) -> tuple[Signal[Facts], ...]:
    """Those of orders and those of bare questions."""
    scorer = policies.routing.scorer
    return scorer.signals if scorer.questions is None else (*scorer.signals, *scorer.questions.scorer.signals)


def declared_score(call: RecordedCall, policies: Policies) -> float:
    """What the declared signals give to a call, as far as its facts and found words tell."""
    scorer = policies.routing.scorer
    questions = scorer.questions
    if questions is not None:
        lists = [signal for signal in scorer.signals if isinstance(signal, _LISTS)]
        if questions.hold({s.name: len(call.found.intersection(s.entries)) for s in lists}, call.facts):
            scorer = questions.scorer
    total = scorer.base
    for signal in scorer.signals:
        if isinstance(signal, CurveSignal):
            total += signal.height(signal.getter(call.facts))
        elif isinstance(signal, Compensation):
            total += signal.given if call.facts.prompt.language not in signal.languages else 0.0
        elif isinstance(signal, _LISTS) and signal.entries:
            total += signal.total(len(call.found.intersection(signal.entries)))
    return min(10.0, max(0.0, total))


def _request(call: RecordedCall, asked: Mapping[str, Json]) -> RouteRequest:
    decision = call.decision
    model, policy = str(decision.get("requested") or "auto"), str(decision.get("policy") or "default")
    return RouteRequest(
        facts=call.facts,
        reading=without_text(_texts(asked.get("personal"))),
        route=RouteSpec.from_said(asked, model, policy),
        needs=frozenset(_texts(asked.get("needs"))),
        params=frozenset(_texts(asked.get("params"))),
        input_tokens=round(_number(asked.get("input_tokens"))),
        max_output_tokens=round(_number(asked.get("max_output_tokens"))) or None,
        escalate=round(_number(asked.get("escalate"))),
        repairs=round(_number(asked.get("repairs"))),
        may_escalate=round(_number(asked.get("may_escalate"))),
    )


def expected_cost(call: RecordedCall, ref: ModelRef | None, policies: Policies, now: float) -> Money | None:
    """What the recorded reply would cost on ``ref``, token for token; None where there is no reply or no price."""
    if ref is None or call.usage is None:
        return None
    cost = policies.prices.price(ref, call.usage, now)
    return cost.amount if isinstance(cost, Cost) else None


def _texts(value: Json) -> tuple[str, ...]:
    return tuple(str(entry) for entry in value) if isinstance(value, list) else ()


def _number(value: Json) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
