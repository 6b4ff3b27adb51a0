"""From a routing document to a routing policy; every mistake is collected, with its place."""

from __future__ import annotations

from collections.abc import Mapping

from nano_flow.core.errors import DocumentError
from nano_flow.documents.routing import CascadeDocument, ComplexityScoreDocument, RoutingDocument, TierDocument
from nano_flow.routing.choose import CHOICES
from nano_flow.routing.compiling.reader import CompileCondition, Locate, Path, Reader, models_of
from nano_flow.routing.compiling.rules import kinds_of, policy_of
from nano_flow.routing.compiling.scores import questions_of, signals_of
from nano_flow.routing.facts import FEATURES, Facts
from nano_flow.routing.learned import LearnedScore
from nano_flow.routing.replies.cascade import Cascade
from nano_flow.routing.replies.facts import REPLY_FEATURES
from nano_flow.routing.request import Chooser
from nano_flow.routing.rules import RoutingPolicy, Tier
from nano_flow.routing.signals import Scorer
from nano_flow.routing.words.tags import spellings


def routing_policy(
    document: RoutingDocument,
    locate: Locate,
    compile_condition: CompileCondition,
    learned: Mapping[str, LearnedScore] | None = None,
    choosers: Mapping[str, Chooser] | None = None,
) -> RoutingPolicy:
    """Make a policy. Raises DocumentError with everything that is wrong.

    ``locate`` gives the range of the value at a path of the document; ``learned`` is what the files hold that
    ``complexity.learned`` and ``cascade.learned`` name, under these two keys, read by the caller; ``choosers`` are ways
    to choose that installed packages add.
    """
    learned, choosers = learned or {}, choosers or {}
    reader = Reader(locate, compile_condition, spellings(document.tags or ()), (*CHOICES, *choosers))
    complexity, fallback = document.complexity, document.fallback
    tiers = _tiers(reader, document.tiers)
    chains = {name: models_of(reader, chain, ("chains", name)) for name, chain in (document.chains or {}).items()}
    scorer = _scorer(reader, complexity)
    reader.cascades, reader.tiers = tuple(document.cascades or ()), tuple(tier.name for tier in tiers)
    names = ([tier.name for tier in tiers], list(chains))
    policies = {name: policy_of(reader, name, policy, names) for name, policy in (document.policies or {}).items()}
    if document.downgrade_to:
        reader.known("tier", document.downgrade_to, names[0], ("downgrade_to",))
    weight = complexity.learned if complexity else None
    policy = RoutingPolicy(
        scorer=scorer,
        tiers=tiers,
        chains=chains,
        policies=policies,
        downgrade_to=document.downgrade_to,
        max_price_ratio=float((fallback and fallback.max_price_ratio) or 10.0),
        learned=learned.get("complexity"),
        learned_weight=float(weight.weight) if weight and "complexity" in learned else 0.0,
        learned_at=reader.at(("complexity", "learned")) if weight else "",
        tags=reader.tags,
        kinds=kinds_of(reader, document.kinds or {}, names[0]),
        sees=frozenset(reader.sees),
        choosers=choosers,
        cascade=None if document.cascade is None else _cascade(reader, ("cascade",), document.cascade, learned),
        cascades={
            name: _cascade(reader, ("cascades", name), cascade, learned)
            for name, cascade in (document.cascades or {}).items()
        },
    )
    if reader.found:
        raise DocumentError(reader.found)
    return policy


def _scorer(reader: Reader, document: ComplexityScoreDocument | None) -> Scorer[Facts]:
    """How the score of a request is made; the reader then knows the names of its signals."""
    if document is None:
        return Scorer(0.0, ())
    signals = signals_of(reader, document.signals or [], FEATURES, ("complexity", "signals"))
    questions = None if document.questions is None else questions_of(reader, document.questions, signals)
    reader.signals = tuple(s.name for s in (*signals, *(questions.scorer.signals if questions else ())))
    at = reader.at(("complexity", "base")) if "base" in document.model_fields_set else ""
    return Scorer(float(document.base), signals, at, questions)


def _tiers(reader: Reader, documents: Mapping[str, TierDocument]) -> tuple[Tier, ...]:
    """Tiers in the order of the file: ``below`` rises, and the last one alone has none."""
    tiers: list[Tier] = []
    reached = 0.0
    for place, (name, tier) in enumerate(documents.items()):
        path: Path = ("tiers", name)
        last = place == len(documents) - 1
        if tier.below is None and not last:
            reader.say("NF511", f'the tier "{name}" has no "below", so the tiers after it are never reached', path)
        elif tier.below is not None and last:
            message = f'the last tier, "{name}", has a "below": scores from {tier.below:g} on would have no tier'
            reader.say("NF511", message, (*path, "below"), "leave it out of the last tier")
        elif tier.below is not None and tier.below <= reached:
            message = (
                f'"below" of the tier "{name}" is {tier.below:g}, but the tiers above it reach {reached:g} already'
            )
            reader.say("NF511", message, (*path, "below"))
        reached = tier.below if tier.below is not None else reached
        models = models_of(reader, tier.models, (*path, "models"))
        tiers.append(Tier(name, tier.below, models, reader.at(path), tier.strength))
    return tuple(tiers)


def _cascade(reader: Reader, path: Path, document: CascadeDocument, scores: Mapping[str, LearnedScore]) -> Cascade:
    places = []
    for place, name in enumerate(document.tiers):
        if reader.known("tier", name, reader.tiers, (*path, "tiers", place)):
            places.append(reader.tiers.index(name))
    if places != sorted(set(places)):
        reader.say("NF516", "the tiers of a cascade rise, each at most once", (*path, "tiers"))
    signals = signals_of(reader, document.signals, REPLY_FEATURES, (*path, "signals"))
    at, learned = reader.at(path), scores.get(".".join(map(str, path)))
    return Cascade(
        tuple(document.tiers),
        Scorer(float(document.base), signals, at),
        document.escalate_at,
        document.samples or 1,
        at,
        learned,
        float(document.learned.weight) if document.learned and learned else 0.0,
        reader.at((*path, "learned")) if document.learned else "",
    )
