"""Puts a request before a policy, outside of any run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from nano_flow.core.messages import Json
from nano_flow.gateway.observed import Observed
from nano_flow.plan.call_specs import RouteSpec
from nano_flow.plan.names.nearest import did_you_mean
from nano_flow.project.policies import Policies
from nano_flow.routing.choose import decide
from nano_flow.routing.facts import Facts, RunFacts, StepFacts, gather
from nano_flow.routing.reading import read_text
from nano_flow.routing.request import NoCandidate, Observations, RouteDecision, RouteRequest
from nano_flow.routing.words.tags import line_to_add


@dataclass(frozen=True, slots=True)
class Question:
    """A prompt and what its step would say of it; ``facts`` replace computed ones, by name."""

    prompt: str
    tags: tuple[str, ...] = ()
    tools: int = 0
    policy: str = "default"
    model: str = "auto"
    facts: Mapping[str, Json] = field(default_factory=dict)


def check_tags(tags: tuple[str, ...], policies: Policies) -> None:
    """ValueError with the line to add where routing.yaml does not declare one of ``tags``."""
    known = policies.routing.tags
    for tag in tags:
        if tag.lower() not in known:
            hint = did_you_mean(tag.lower(), known) or f"add to routing.yaml: {line_to_add(known.values(), tag)}"
            raise ValueError(f'the tag "{tag}" is not declared; {hint}')


def request_of(question: Question) -> RouteRequest:
    """The request that a step with this prompt would make. ValueError names a fact that does not exist or fit."""
    reading = read_text(question.prompt)
    facts = gather(reading, StepFacts(tool_count=question.tools, tags=question.tags), RunFacts())
    if question.facts:
        known = facts.as_json()
        for name, value in question.facts.items():
            _check_fact(name, value, known)
        facts = Facts.from_json({**known, **question.facts})
    needs = frozenset(
        name
        for name, wanted in (
            ("tools", facts.step.tool_count > 0),
            ("json_schema", facts.step.output_schema_size > 0),
            ("vision", facts.step.has_images),
        )
        if wanted
    )
    return RouteRequest(facts, reading, RouteSpec(question.model, question.policy), needs=needs)


def _check_fact(name: str, value: Json, known: Mapping[str, Json]) -> None:
    """ValueError where there is no such fact, or not of such a value."""
    if name not in known:
        hint = did_you_mean(name, known) or "docs/routing.md lists them"
        raise ValueError(f'there is no fact "{name}"; {hint}')
    usual = known[name]
    if isinstance(usual, list):
        fits, wanted = isinstance(value, list), "a list"
    elif isinstance(usual, bool):
        fits, wanted = isinstance(value, bool), "true or false"
    else:
        fits, wanted = isinstance(value, int | float) and not isinstance(value, bool), "a number"
    if not fits:
        raise ValueError(f'the fact "{name}" is {wanted}, found {json.dumps(value)}')


def world_of(
    policies: Policies,
    now: float,
    without_credentials: frozenset[str] = frozenset(),
    observed: Observed | None = None,
) -> Observations:
    """A world in which nothing is cooling down and nothing bounds the spend.

    Without ``observed`` nothing was ever seen of a model: a comparison or a test must not depend on a machine's past.
    """
    seen = observed or Observed()
    return Observations(
        prices=policies.prices,
        now=now,
        without_credentials=without_credentials,
        latency_s=seen.latency_s,
        output_tokens=seen.output_tokens,
        calls=seen.calls,
    )


def ask(request: RouteRequest, policies: Policies, world: Observations) -> RouteDecision:
    """The decision; where no model is left, the one without candidates, refusals and all."""
    try:
        return decide(request, policies.routing, policies.catalogue, world)
    except NoCandidate as error:
        return error.decision


def explained(request: RouteRequest, policies: Policies, world: Observations) -> RouteDecision:
    """The same decision for a reader: what a learned score looked at stands beside the points that it gave."""
    decision, routing = ask(request, policies, world), policies.routing
    if routing.learned is None or not routing.learned_weight or request.route.complexity is not None:
        return decision
    declared = routing.scorer.score(request.facts, request.reading)[0]
    saw = routing.learned.saw(request.facts, request.reading, declared)
    told = (given._replace(found=saw) if given.signal == "learned" else given for given in decision.because)
    return replace(decision, because=tuple(told))
