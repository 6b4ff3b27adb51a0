"""From a routing document to a routing policy; every mistake is collected, with its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import pairwise
from typing import TypeVar

from nano_flow.core.diagnostics import Diagnostic, SourceRange
from nano_flow.core.errors import DocumentError
from nano_flow.core.refs import ModelRef
from nano_flow.documents.routing import (
    CascadeDocument,
    FeatureSignal,
    PolicyDocument,
    QuestionsDocument,
    RoutingDocument,
    RuleDocument,
    SignalDocument,
    TierDocument,
)
from nano_flow.documents.routing import (
    MatchSignal as MatchDocument,
)
from nano_flow.routing.choose import CHOICES
from nano_flow.routing.facts import FEATURES, Facts
from nano_flow.routing.learned import LearnedScore
from nano_flow.routing.replies.cascade import Cascade
from nano_flow.routing.replies.facts import REPLY_FEATURES
from nano_flow.routing.request import Chooser
from nano_flow.routing.rules import Condition, FallbackChoice, PolicyRules, RoutingPolicy, Rule, Tier
from nano_flow.routing.signals import Compensation, Questions, Scorer, Signal, curve_signal, is_pattern, match_signal
from nano_flow.routing.within import within_signal
from nano_flow.routing.words.tags import line_to_add, spelled, spellings, undeclared
from nano_flow.source.regex_guard import check_pattern

F = TypeVar("F")
Path = tuple[str | int, ...]
Locate = Callable[[Path], SourceRange]
CompileCondition = Callable[[str, SourceRange], Condition]
"""An expression and its place → a condition; raises DocumentError."""


@dataclass(slots=True)
class _Reader:
    """Collects what is wrong while a document is read."""

    locate: Locate
    compile_condition: CompileCondition
    tags: Mapping[str, str] = field(default_factory=dict)
    choices: Sequence[str] = tuple(CHOICES)
    found: list[Diagnostic] = field(default_factory=list)

    def say(self, code: str, message: str, path: Path, hint: str = "") -> None:
        address = ".".join(str(part) for part in path)
        self.found.append(Diagnostic("error", code, message, self.locate(path), address, hint))

    def at(self, path: Path) -> str:
        where = self.locate(path)
        return f"{where.file}:{where.line}"

    def known(self, what: str, name: str, names: Sequence[str], path: Path) -> bool:
        if name in names:
            return True
        near = get_close_matches(name, names, 1)
        hint = f'did you mean "{near[0]}"?' if near else f"known are: {', '.join(names) or 'none'}"
        self.say("NF510", f'there is no {what} "{name}"', path, hint)
        return False


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
    reader = _Reader(locate, compile_condition, spellings(document.tags or ()), (*CHOICES, *choosers))
    complexity, fallback = document.complexity, document.fallback
    tiers = _tiers(reader, document.tiers)
    chains = {name: _models(reader, chain, ("chains", name)) for name, chain in (document.chains or {}).items()}
    signals = _signals(reader, (complexity and complexity.signals) or [], FEATURES, ("complexity", "signals"))
    names = ([tier.name for tier in tiers], list(chains))
    policies = {name: _policy(reader, name, policy, names) for name, policy in (document.policies or {}).items()}
    if document.downgrade_to:
        reader.known("tier", document.downgrade_to, names[0], ("downgrade_to",))
    weight = complexity.learned if complexity else None
    policy = RoutingPolicy(
        scorer=Scorer(
            float(complexity.base) if complexity else 0.0,
            signals,
            reader.at(("complexity", "base")) if complexity and "base" in complexity.model_fields_set else "",
            _questions(reader, complexity.questions, signals) if complexity and complexity.questions else None,
        ),
        tiers=tiers,
        chains=chains,
        policies=policies,
        downgrade_to=document.downgrade_to,
        max_price_ratio=float((fallback and fallback.max_price_ratio) or 10.0),
        learned=learned.get("complexity"),
        learned_weight=float(weight.weight) if weight and "complexity" in learned else 0.0,
        learned_at=reader.at(("complexity", "learned")) if weight else "",
        tags=reader.tags,
        choosers=choosers,
        cascade=_cascade(reader, document.cascade, names[0], learned.get("cascade")) if document.cascade else None,
    )
    if reader.found:
        raise DocumentError(reader.found)
    return policy


def _tiers(reader: _Reader, documents: Mapping[str, TierDocument]) -> tuple[Tier, ...]:
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
        models = _models(reader, tier.models, (*path, "models"))
        tiers.append(Tier(name, tier.below, models, reader.at(path)))
    return tuple(tiers)


def _models(reader: _Reader, entries: Sequence[str], path: Path) -> tuple[ModelRef, ...]:
    """Each model once, in order."""
    refs: dict[ModelRef, None] = {}
    for place, entry in enumerate(entries):
        ref = _model(reader, entry, (*path, place))
        if ref is not None and ref in refs:
            reader.say("NF512", f'"{entry}" is listed twice', (*path, place))
        elif ref is not None:
            refs[ref] = None
    return tuple(refs)


def _model(reader: _Reader, entry: str, path: Path) -> ModelRef | None:
    try:
        return ModelRef.parse(entry)
    except ValueError:
        reader.say("NF512", f'"{entry}" is not a model: expected provider/model, such as openai/gpt-5-mini', path)
        return None


def _signals(
    reader: _Reader, documents: Sequence[SignalDocument], features: Mapping[str, Callable[[F], object]], path: Path
) -> tuple[Signal[F], ...]:
    signals: list[Signal[F]] = []
    for place, document in enumerate(documents):
        here = (*path, place)
        if isinstance(document, FeatureSignal):
            values = [point[0] for point in document.curve]
            if any(low >= high for low, high in pairwise(values)):
                reader.say("NF513", f'the values of the curve of "{document.name}" do not rise', (*here, "curve"))
            elif reader.known("fact", document.feature, list(features), (*here, "feature")):
                getter = features[document.feature]
                signals.append(curve_signal(document.name, reader.at(here), getter, document.curve))
            continue
        signals += _listed(reader, document, here)
    return tuple(signals)


def _listed(reader: _Reader, document: MatchDocument, here: Path) -> Iterator[Signal[F]]:
    """A signal on words, and what stands in for them in other languages."""
    entries = [entry for entry in document.match if _entry(reader, entry, document.match, here)]
    within, at, points = document.within or "text", reader.at(here), (document.points, document.at_most)
    if within == "text":
        yield match_signal(document.name, at, entries, *points)
    else:
        yield within_signal(document.name, at, within, entries, *points)
    other = document.unless_language
    if other is not None:
        where = reader.at((*here, "unless_language"))
        yield Compensation(document.name, where, frozenset(other.languages), other.points)


def _questions(reader: _Reader, document: QuestionsDocument, above: Sequence[Signal[Facts]]) -> Questions[Facts]:
    """The score of bare questions."""
    at: Path = ("complexity", "questions")
    for name in document.unless:
        reader.known("signal", name, [signal.name for signal in above], (*at, "unless", name))
    signals = _signals(reader, document.signals, FEATURES, (*at, "signals"))
    where = reader.at((*at, "base")) if "base" in document.model_fields_set else ""
    return Questions(dict(document.unless), Scorer(float(document.base), signals, where))


def _entry(reader: _Reader, entry: str, entries: Sequence[str], path: Path) -> bool:
    where = (*path, "match", entries.index(entry))
    if is_pattern(entry):
        problem = check_pattern(entry[1:-1])
        if problem:
            reader.say("NF514", f'the pattern "{entry}" cannot be used: {problem}', where)
        return problem is None
    if not any(character.isalnum() for character in entry):
        reader.say("NF514", f'"{entry}" holds no letter or digit; match words, "prefix*" or "/pattern/"', where)
        return False
    return True


def _policy(
    reader: _Reader, name: str, document: PolicyDocument, names: tuple[Sequence[str], Sequence[str]]
) -> PolicyRules:
    path: Path = ("policies", name)
    if document.choose:
        reader.known("way to choose", document.choose, reader.choices, (*path, "choose"))
    rules = [_rule(reader, rule, names, (*path, "rules", place)) for place, rule in enumerate(document.rules or [])]
    return PolicyRules(name, tuple(rules), document.choose or "first")


def _rule(reader: _Reader, document: RuleDocument, names: tuple[Sequence[str], Sequence[str]], path: Path) -> Rule:
    tiers, chains = names
    for what, name, known in (("tier", document.tier, tiers), ("chain", document.chain, chains)):
        if name:
            reader.known(what, name, known, (*path, what))
    if document.choose:
        reader.known("way to choose", document.choose, reader.choices, (*path, "choose"))
    targets = [key for key in ("tier", "chain", "model", "models") if getattr(document, key) is not None]
    if len(targets) > 1:
        reader.say(
            "NF517", f"a rule takes one of tier, chain, model and models; this one has {', '.join(targets)}", path
        )
    models = [document.model] if document.model else document.models or []
    key = "model" if document.model else "models"
    return Rule(
        condition=_condition(reader, document.when, (*path, "when")),
        providers=tuple(document.provider or ()),
        tier=document.tier,
        chain=document.chain,
        models=_models(reader, models, (*path, key)),
        fallback=_fallback(reader, document, chains, (*path, "fallback")),
        choose=document.choose,
        because=document.because or "",
        at=reader.at(path),
    )


def _condition(reader: _Reader, when: bool | str | None, path: Path) -> Condition | None:
    if when is None or when is True:
        return None
    if when is False:
        return lambda names: False
    for tag in undeclared(when, reader.tags):
        near = get_close_matches(tag.lower(), reader.tags, 1)
        line = line_to_add(reader.tags.values(), tag)
        hint = f'did you mean "{reader.tags[near[0]]}"?' if near else f"declare it in this file: {line}"
        reader.say("NF510", f'there is no tag "{tag}"', path, hint)
    try:
        return reader.compile_condition(spelled(when, reader.tags), reader.locate(path))
    except DocumentError as error:
        reader.found += error.diagnostics
        return None


def _fallback(reader: _Reader, document: RuleDocument, chains: Sequence[str], path: Path) -> FallbackChoice:
    choice = document.fallback
    if isinstance(choice, list):
        return _models(reader, choice, path)
    if isinstance(choice, str) and "/" not in choice:
        reader.known("chain", choice, chains, path)
    return choice


def _cascade(reader: _Reader, document: CascadeDocument, tiers: Sequence[str], learned: LearnedScore | None) -> Cascade:
    places = []
    for place, name in enumerate(document.tiers):
        if reader.known("tier", name, tiers, ("cascade", "tiers", place)):
            places.append(tiers.index(name))
    if places != sorted(set(places)):
        reader.say("NF516", "the tiers of a cascade rise, each at most once", ("cascade", "tiers"))
    signals = _signals(reader, document.signals, REPLY_FEATURES, ("cascade", "signals"))
    at = reader.at(("cascade",))
    return Cascade(
        tuple(document.tiers),
        Scorer(float(document.base), signals, at),
        document.escalate_at,
        document.samples or 1,
        at,
        learned,
        float(document.learned.weight) if document.learned and learned else 0.0,
        reader.at(("cascade", "learned")) if document.learned else "",
    )
