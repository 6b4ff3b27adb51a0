"""What a workflow would do and cost, before it runs: documents, inputs as far as given, earlier runs."""

from __future__ import annotations

import time
from dataclasses import replace

from nano_flow.adapters import open_kept
from nano_flow.core.errors import UsageError
from nano_flow.core.messages import Json
from nano_flow.operations.place import Place
from nano_flow.plan.inputs import bind_inputs
from nano_flow.plan.plan import Plan
from nano_flow.pricing.forecast.estimate import StepEstimate
from nano_flow.pricing.forecast.spread import Spread, Times
from nano_flow.project.files import given_value
from nano_flow.project.money.cached import cached_steps
from nano_flow.project.money.earlier import earlier_uses, observed_before
from nano_flow.project.money.estimating import Circumstance, Obstacle, PlanReport, plan_report
from nano_flow.project.money.known import KnownInputs, known_inputs
from nano_flow.project.money.scored import Reach
from nano_flow.project.money.verdict import at_most, fits, longest_chain, of_the_bound
from nano_flow.project.naming import full_name
from nano_flow.project.opening import open_workflow
from nano_flow.project.policies import Policies
from nano_flow.project.preparing import GivenInputs, RunOptions, with_options
from nano_flow.review.revisions import side
from nano_flow.routing.request import RouteDecision

__all__ = [
    "GivenInputs",
    "Obstacle",
    "PlanReport",
    "Reach",
    "RouteDecision",
    "RunOptions",
    "Spread",
    "StepEstimate",
    "Times",
    "at_most",
    "fits",
    "given_values",
    "longest_chain",
    "of_the_bound",
    "plan_workflow",
]


def plan_workflow(
    place: Place, path: str, given: GivenInputs, chosen: RunOptions, policy: str | None = None
) -> tuple[PlanReport, frozenset[str]]:
    """The report of the workflow at ``path``, and the steps that the cache answers.

    ``policy`` is a policy of the routing document, for every step that names none, or a routing document, a folder or a
    git revision in the place of the one in force. Raises DocumentError, UsageError, StoreError.
    """
    opened = open_workflow(path, place.config_dir)
    policies = opened.policies if policy is None else under(opened.policies, policy)
    chosen = replace(chosen, model=full_name(chosen.model, chosen.provider, policies))
    plan, now = with_options(opened.plan, chosen), time.time()
    where = Circumstance(
        options=chosen,
        now=now,
        environ=place.environ,
        known=KnownInputs(known_inputs(plan, given_values(plan, given))),
        history=earlier_uses(place.store, plan.name, simulated=chosen.offline),
        observed=observed_before(place.store, policies.catalogue, now),
    )
    found = plan_report(plan, policies, where)
    return found, _cached(found, place, where.now) if not chosen.no_cache else frozenset()


def under(policies: Policies, name: str) -> Policies:
    """The policies with the one called ``name`` for whoever names none; else those of a document of that name."""
    routing = policies.routing
    if name == "default" and name not in routing.policies:
        return policies
    if name in routing.policies:
        named = replace(routing.policies[name], name="default")
        return replace(policies, routing=replace(routing, policies={**routing.policies, "default": named}))
    try:
        return side(name, policies.files).policies
    except UsageError as error:
        known = ", ".join(sorted({"default", *routing.policies}))
        raise UsageError(f"{error}; policies of the routing document are: {known}") from None


def _cached(found: PlanReport, place: Place, now: float) -> frozenset[str]:
    cache = open_kept(place.state)
    if cache is None:
        return frozenset()
    try:
        return cached_steps(found, place.environ, cache, now)
    finally:
        cache.close()


def given_values(plan: Plan, given: GivenInputs) -> dict[str, Json]:
    """The inputs that were given, checked; those that were not are unknown. Raises UsageError."""
    values: dict[str, Json] = dict(given.data)
    try:
        for name, text in given.texts.items():
            values[name] = given_value(plan.inputs.get(name), text)
        bind_inputs({name: replace(spec, required=False) for name, spec in plan.inputs.items()}, values)
    except OSError as error:
        raise UsageError(f"an input cannot be read: {error}") from None
    except ValueError as error:
        raise UsageError(str(error)) from None
    return values
