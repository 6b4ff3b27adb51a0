"""One recorded conversation under another policy: who would be asked, how it would end, and what it would cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from nano_flow.core.messages import Usage
from nano_flow.core.money import Cost
from nano_flow.core.refs import ModelRef
from nano_flow.project.policies import Policies
from nano_flow.review.asking import Question, ask, request_of, world_of
from nano_flow.review.ladders.known import Held, Knowledge
from nano_flow.review.recorded import request_again
from nano_flow.routing.reading import read_text
from nano_flow.routing.replies.facts import reply_facts
from nano_flow.routing.request import RouteDecision, RouteRequest

Three = tuple[float, float, float]
"""At least, likely, at most."""
_NOTHING: Three = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Ends:
    """How a ladder ends from one of its rungs on: the share of right answers, and nano-dollars (None: a price is
    unknown). Where an outcome is not known both are ranges: all fail … all pass."""

    right: Three = _NOTHING
    cost: Three | None = _NOTHING
    known: bool = True
    """Whether every outcome on the way is known. Where one is not, the end may be known all the same: by then it is
    known because of how it ends, so such prompts are no sample."""

    def after(self, cost: float | None) -> Ends:
        """The same with what was paid before."""
        if cost is None or self.cost is None:
            return replace(self, cost=None)
        low, likely, high = self.cost
        return replace(self, cost=(low + cost, likely + cost, high + cost))


_PASSED = Ends((1.0, 1.0, 1.0))


@dataclass(frozen=True, slots=True)
class Climbed:
    """One ladder under a policy."""

    decision: RouteDecision
    ends: Ends
    harder: bool
    """Whether what is known of the first model is only how it did where another had failed."""
    unsure: tuple[str, ...] = ()

    @property
    def first(self) -> str:
        """Who would be asked first."""
        return str(self.decision.model)


@dataclass(frozen=True, slots=True)
class Climber:
    """Climbs ladders under ``policies`` with what is known of each model on each prompt."""

    policies: Policies
    knowledge: Knowledge
    now: float

    def climb(self, held: Held, tier: str | None = None) -> Climbed:
        """The ladder of a conversation; with ``tier`` as if its score, or whatever else decided, led there."""
        request, unsure = request_again(held.first, self.policies, held.looked_for)
        request = replace(request, escalate=0, keep=None)
        if tier is not None:
            request = replace(request, route=replace(request.route, model=tier))
        climbed = self._climbed(_Ladder(self, held.prompt, request, held), unsure)
        return replace(climbed, ends=climbed.ends.after(self._judges(held)))

    def climb_text(self, digest: str, text: str) -> Climbed:
        """The ladder of a prompt of which no conversation is recorded: one ask."""
        return self._climbed(_Ladder(self, digest, request_of(Question(text))), ())

    def _climbed(self, ladder: _Ladder, unsure: tuple[str, ...]) -> Climbed:
        decision = ladder.decide()
        found = self.knowledge.outcome(ladder.prompt, str(decision.model))
        return Climbed(decision, ladder.ends(), bool(found and found[1]), unsure)

    def _judges(self, held: Held) -> float | None:
        """What the judges of a conversation would cost: they are asked the same, of other models maybe."""
        world, total = world_of(self.policies, self.now), 0.0
        for call in held.judged:
            ref = ask(request_again(call, self.policies, held.looked_for)[0], self.policies, world).model
            cost = self.price(ref, [call.usage]) if ref is not None and call.usage is not None else None
            if cost is None and call.usage is not None:
                return None
            total += cost or 0.0
        return total

    def price(self, ref: ModelRef, usages: Sequence[Usage]) -> float | None:
        """Nano-dollars, token for token; None without a price or without usage."""
        total = 0.0
        for usage in usages:
            cost = self.policies.prices.price(ref, usage, self.now)
            if not isinstance(cost, Cost):
                return None
            total += cost.amount
        return total if usages else None


@dataclass(slots=True)
class _Ladder:
    """The rungs of one ladder."""

    climber: Climber
    prompt: str
    request: RouteRequest
    held: Held | None = None
    _decided: dict[tuple[int, str, bool], RouteDecision] = field(default_factory=dict)

    def decide(self, rung: int = 0, tier: str = "", *, real: bool = False) -> RouteDecision:
        """Who answers at a rung, or in a tier of a cascade; ``real``: of a rehearsed call, who would outside of it."""
        key = (rung, tier, real)
        if key not in self._decided:
            request = replace(self.request, escalate=rung)
            if tier:
                request = replace(request, route=replace(request.route, model=tier))
            world = world_of(self.climber.policies, self.climber.now)
            offline = self.held is not None and self.held.simulated and not real
            self._decided[key] = ask(request, self.climber.policies, replace(world, offline=offline))
        return self._decided[key]

    def ends(self, rung: int = 0, failed: frozenset[str] = frozenset()) -> Ends:
        """From a rung on: nothing is right and nothing is paid above the last one."""
        if rung > (self.held.may_escalate if self.held else 0):
            return Ends()
        decision = self.decide(rung)
        if decision.model is None:
            return Ends()
        tiers = decision.cascade if rung == 0 else ()
        return self._asked(decision, rung, failed, tiers, "")

    def _asked(
        self, decision: RouteDecision, rung: int, failed: frozenset[str], tiers: tuple[str, ...], tier: str
    ) -> Ends:
        model = str(decision.model)
        cost = self._cost(rung, tier, model, again=model in failed)
        if not tiers:
            return self._settled(model, rung, failed).after(cost)
        given_up = self._given_up(decision, model, rung, failed, tiers)
        verdict = self._verdict(decision, model)
        if verdict is None:
            return _either(self._settled(model, rung, failed), given_up, 0.5).after(cost)
        return (given_up if verdict else self._settled(model, rung, failed)).after(cost)

    def _given_up(
        self, decision: RouteDecision, model: str, rung: int, failed: frozenset[str], tiers: tuple[str, ...]
    ) -> Ends:
        """How it ends where the reply of ``model`` is given up for the next tier of the cascade."""
        above = self.decide(0, tiers[0])
        if above.model is None:
            return self._settled(model, rung, failed)
        return self._asked(above, rung, failed, tiers[1:], tiers[0])

    def _settled(self, model: str, rung: int, failed: frozenset[str]) -> Ends:
        """Its reply is taken, or goes back: by what is known of it. A model that failed once is not asked anew: what
        its own repairs came to is part of its outcome."""
        knowledge = self.climber.knowledge
        known = (0.0, False) if model in failed else knowledge.outcome(self.prompt, model)
        above = self.ends(rung + 1, failed | {model})
        if known is None:
            return _either(_PASSED, above, knowledge.rate(model))
        return _mixed(_PASSED, above, known[0])

    def _verdict(self, decision: RouteDecision, model: str) -> bool | None:
        """Whether the cascade gives the reply of ``model`` up; None where its reply, or the prompt, is not known."""
        policy = self.climber.policies.routing
        cascade = policy.cascade_of(decision.policy)
        part = self.climber.knowledge.part(self.prompt, model)
        kept = self.held.first.kept if self.held else None
        if cascade is None or part is None or part.reply is None or kept is None:
            return None
        reply = part.reply
        if len(reply.samples) != cascade.samples - 1:
            return None
        said = reply.text or ""
        wants_json = "json_schema" in self.request.needs
        facts = reply_facts(said, kept.user, others=reply.samples, wants_json=wants_json)
        return cascade.judge(facts, read_text(said), read_text(kept.user) if cascade.learned else None).escalate

    def _cost(self, rung: int, tier: str, model: str, *, again: bool) -> float | None:
        """What the model's part costs: as many tokens as it took where that is known, else as many as another's ask."""
        if self.held is None:
            return None
        own = next((part for part in self.held.parts if part.model == model and part.replies), None)
        own = own or self.climber.knowledge.part(self.prompt, model)
        other = next((part for part in self.held.parts if part.replies), None)
        own_repairs = self.held.repairs - self.held.may_escalate if rung == 0 else 0
        if own is not None:
            usages = own.usages(1 if again else 1 + own_repairs)
        else:
            usages = () if other is None else other.usages(1)
        if not self.held.simulated:
            return self.climber.price(ModelRef.parse(model), usages)
        ref = self.decide(rung, tier, real=True).model
        return None if ref is None else self.climber.price(ref, usages)


def _mixed(first: Ends, second: Ends, share: float) -> Ends:
    """``share`` of the one, the rest of the other."""
    known = first.known if share == 1 else second.known
    return Ends(_blend(first.right, second.right, share), _costs(first, second, share), known)


def _either(first: Ends, second: Ends, likely: float) -> Ends:
    """One of the two, nobody knows which; the first with the probability ``likely``."""
    right = _range(first.right, second.right, likely)
    if first.cost is None or second.cost is None:
        return Ends(right, None, known=False)
    return Ends(right, _range(first.cost, second.cost, likely), known=False)


def _range(first: Three, second: Three, likely: float) -> Three:
    middle = first[1] * likely + second[1] * (1 - likely)
    return min(first[0], second[0]), middle, max(first[2], second[2])


def _blend(first: Three, second: Three, share: float) -> Three:
    low, likely, high = (a * share + b * (1 - share) for a, b in zip(first, second, strict=True))
    return low, likely, high


def _costs(first: Ends, second: Ends, share: float) -> Three | None:
    if share in (0.0, 1.0):  # what does not happen needs no price
        return first.cost if share else second.cost
    return None if first.cost is None or second.cost is None else _blend(first.cost, second.cost, share)
