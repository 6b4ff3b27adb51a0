"""The document of routing: how complex a request is, which models answer it, what follows a failure."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from nano_flow.documents.agent import RecordDocument
from nano_flow.documents.common import (
    Document,
    Duration,
    Expression,
    Items,
    LanguageVersion,
    Maybe,
    Name,
    No,
    OneOf,
    Points,
    Score,
    Text,
    Words,
    key_in,
)

ErrorClass = Literal[
    "rate_limit",
    "overloaded",
    "server_error",
    "timeout",
    "connection",
    "model_not_found",
    "credentials",
    "quota",
    "length",
    "context_window",
    "bad_request",
    "content_filter",
]
CurvePoint = Annotated[Items[float], Field(min_length=2, max_length=2)]
Curve = Annotated[Items[CurvePoint], Field(min_length=1, max_length=100)]
Models = Annotated[Items[Text], Field(min_length=1)]


class CompensationDocument(Document):
    """Points in place of words that a signal does not have."""

    languages: Annotated[Items[Text], Field(min_length=1)]
    """The languages that the signal has words of, such as en."""
    points: Points
    """What a prompt in another language gets instead."""


class FeatureSignal(Document):
    """Points by a number: a curve over a feature."""

    name: Name
    """How reports call the signal."""
    feature: Text
    """A fact of the request, such as prompt_tokens."""
    curve: Curve
    """`[value, points]`, rising values; straight lines between, flat outside."""


class MatchSignal(Document):
    """Points by words."""

    name: Name
    """How reports call the signal."""
    match: Annotated[Items[Text], Field(min_length=1)]
    """Words (`*` is a prefix), phrases, `/patterns/`."""
    points: Points
    """For each entry that is found."""
    at_most: Maybe[Points] = None
    """The most that the signal gives."""
    within: Maybe[Literal["text", "ask", "opening", "remarks"]] = None
    """In the whole text (default), in what it asks (ask), the first sentence of that, or its short sentences."""
    unless_language: Maybe[CompensationDocument] = None
    """Points for prompts in languages that the list has no words of."""


SIGNAL_KINDS = ("feature", "match")


def kind_of_signal(value: Any) -> str | None:
    """The key that tells what a signal is."""
    return key_in(value, SIGNAL_KINDS)


SignalDocument = Annotated[FeatureSignal | MatchSignal, OneOf(kind_of_signal, SIGNAL_KINDS)]


class LearnedDocument(Document):
    """A score that `nano-flow policy train` learned."""

    file: Text
    """Path of the learned weights, relative to this document."""
    weight: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Its share of the score."""


class QuestionsDocument(Document):
    """The score of bare questions, which order nothing and weigh nothing."""

    unless: Annotated[dict[Name, Annotated[int, Field(ge=1)]], Field(min_length=1)]
    """Signals above, and how many entries one of them has to find for a prompt to be no bare question."""
    when: Maybe[Expression] = None
    """Expression over the facts that a bare question has to hold, too."""
    base: Score = 0.0
    """Where their score starts."""
    signals: Items[SignalDocument]
    """What raises or lowers it, in place of the signals above."""


class ComplexityScoreDocument(Document):
    """score = clamp(base + sum of points, 0, 10)."""

    base: Score = 0.0
    """Where the score starts."""
    signals: Maybe[Items[SignalDocument]] = None
    """What raises or lowers it."""
    questions: Maybe[QuestionsDocument] = None
    """Bare questions, scored by signals of their own."""
    learned: Maybe[LearnedDocument] = None
    """A learned score, mixed in."""


class TierDocument(Document):
    """Models for requests of one range of scores."""

    below: Maybe[Annotated[float, Field(ge=0)]] = None
    """Scores under this; the last tier has none."""
    models: Models
    """Candidates in order, provider/model."""
    strength: Maybe[Annotated[float, Field(ge=0, le=10)]] = None
    """What a model is able for that `cheapest`, `fastest` and `balanced` choose; weaker ones come after."""


class RuleDocument(Document):
    """Where its condition holds, a rule decides before the tiers do."""

    name: Maybe[Name] = None
    """What a file that extends this one replaces the rule by."""
    when: Maybe[bool | Expression] = None
    """Expression over the facts; default: always."""
    provider: Maybe[Words] = None
    """Only models of these providers."""
    tier: Maybe[Name] = None
    """The tier to use."""
    chain: Maybe[Name] = None
    """The chain to use."""
    model: Maybe[Text] = None
    """The model to use, provider/model."""
    models: Maybe[Models] = None
    """The models to use, in order."""
    fallback: Maybe[Items[Text] | Text | No] = None
    """Models after a failure, a chain, or false."""
    choose: Maybe[Text] = None
    """How to order the candidates."""
    record: Maybe[RecordDocument] = None
    """`{prompts: false}`: what is asked where this holds is not kept, whatever rule decides about the model."""
    because: Maybe[str] = None
    """The reason, for reports."""


class PolicyDocument(Document):
    """Rules, and how to order candidates."""

    cascade: Maybe[Name | No] = None
    """One of `cascades`, or false for none; default: `cascade`, where there is one."""

    description: Maybe[str] = None
    """For people."""
    rules: Maybe[Items[RuleDocument]] = None
    """The first match wins."""
    choose: Maybe[Text] = None
    """first (default), cheapest, fastest, balanced."""


class KindDocument(Document):
    """A family of tasks: the first that holds names the call's kind."""

    match: Maybe[Annotated[Items[Text], Field(min_length=1)]] = None
    """Words, phrases, `/patterns/`: one of them occurs."""
    within: Maybe[Literal["ask", "opening", "remarks"]] = None
    """Where: in what is asked (default), in its first sentence, or in its short sentences."""
    when: Maybe[bool | Expression] = None
    """Expression over the facts; beside `match` both hold."""
    tier: Maybe[Name] = None
    """The tier that it gets."""
    floor: Maybe[Name] = None
    """The tier that it gets at least."""
    models: Maybe[Models] = None
    """The models that it gets, in order."""


class CooldownDocument(Document):
    """A circuit breaker per provider and model."""

    after: Annotated[int, Field(ge=1, le=1000)]
    """Failures in a row that open it."""
    for_: Duration = Field(alias="for")
    """How long it stays open."""


class FallbackDocument(Document):
    """What follows a failure."""

    attempts: Maybe[Annotated[int, Field(ge=1, le=20)]] = None
    """Per model."""
    next_model_on: Maybe[Items[ErrorClass]] = None
    """Errors after which the next model is asked."""
    stop_on: Maybe[Items[ErrorClass]] = None
    """Errors after which no model is asked."""
    cooldown: Maybe[CooldownDocument] = None
    """When a provider or model is left alone for a while."""
    delay: Maybe[Duration] = None
    """The first delay; it grows with full jitter."""
    max_delay: Maybe[Duration] = None
    """The longest delay."""
    max_retry_after: Maybe[Duration] = None
    """The longest `Retry-After` that is waited for."""
    max_price_ratio: Maybe[Annotated[float, Field(ge=1)]] = None
    """A fallback that costs more than this many times the first is announced; default: 10."""


class CascadeDocument(Document):
    """Judge the reply of a lower tier, and pay for a higher one only where it is needed."""

    tiers: Annotated[Items[Name], Field(min_length=2)]
    """From the cheapest up."""
    base: Score = 0.0
    """Where the score of a reply starts."""
    signals: Annotated[Items[SignalDocument], Field(min_length=1)]
    """Over facts of the reply."""
    escalate_at: Score
    """The score from which on the next tier is asked."""
    learned: Maybe[LearnedDocument] = None
    """A learned score, mixed in."""
    samples: Maybe[Annotated[int, Field(ge=1, le=5)]] = None
    """Replies to compare for the fact `agreement`; default: 1."""


class RoutingDocument(Document):
    """Routing as code."""

    nano_flow: LanguageVersion
    """The version of the language."""
    extends: Maybe[Text] = None
    """`shipped`, `user` or a file: its entries hold where this file has none; `null` takes one away."""
    tags: Maybe[Items[Name]] = None
    """The tags that there are; workflows, steps and rules use them, in any case of letters."""
    complexity: Maybe[ComplexityScoreDocument] = None
    """How the score of a request is made."""
    tiers: Annotated[dict[Name, TierDocument], Field(min_length=1)]
    """The first whose `below` exceeds the score."""
    chains: Maybe[dict[Name, Models]] = None
    """Named lists of models."""
    kinds: Maybe[dict[Name, KindDocument]] = None
    """Families of tasks, in order: rules see the first that holds, and where no rule decides it does."""
    policies: Maybe[dict[Name, PolicyDocument]] = None
    """Named sets of rules; `default` is used where a step names none."""
    fallback: Maybe[FallbackDocument] = None
    """What follows a failure."""
    downgrade_to: Maybe[Name] = None
    """The tier from a budget's `downgrade_at` on."""
    cascade: Maybe[CascadeDocument] = None
    """Lower tiers first, judged by their replies; for every policy that names no other."""
    cascades: Maybe[dict[Name, CascadeDocument]] = None
    """Named cascades, for the policies that name them."""
