"""Decisions on who answers: of a prompt, of a step of a workflow, of a recorded run."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from nano_flow.core.errors import UsageError
from nano_flow.core.messages import Json
from nano_flow.core.refs import path_of
from nano_flow.operations.place import Place

_NAMED = 12
"""Addresses that an error names."""


@dataclass(frozen=True, slots=True)
class PromptOptions:
    """What the step of a bare prompt would say."""

    tags: tuple[str, ...] = ()
    tools: int = 0
    policy_name: str = "default"
    model: str = "auto"
    workflow: Path | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    """Policy file → the text that takes its place."""


def explain_prompt(place: Place, prompt: str, given: PromptOptions) -> Mapping[str, Json]:
    """The same for a prompt as it is typed: ``-`` is standard input, ``@FILE`` a file."""
    return explain_text(place, _prompt_text(prompt), given)


def explain_text(place: Place, prompt: str, given: PromptOptions) -> Mapping[str, Json]:
    """The decision on a bare prompt. Without any usable credentials it is shown as if there were, and says so."""
    from nano_flow.gateway.route import without_credentials
    from nano_flow.project.money.earlier import observed_before
    from nano_flow.project.naming import full_name
    from nano_flow.project.policies import read_policies
    from nano_flow.review.asking import Question, check_tags, explained, request_of, world_of

    policies = read_policies(place.policy(given.workflow), given.texts)
    known = {"default", *policies.routing.policies}
    if given.policy_name not in known:
        raise UsageError(f'there is no policy "{given.policy_name}"; policies are: {", ".join(sorted(known))}')
    try:
        check_tags(given.tags, policies)
    except ValueError as error:
        raise UsageError(str(error)) from None
    model = full_name(given.model, None, policies) or "auto"
    request = request_of(Question(prompt, given.tags, given.tools, given.policy_name, model))
    missing, now = without_credentials(policies.catalogue, place.environ), time.time()
    observed = observed_before(place.store, policies.catalogue, now)
    decision = explained(request, policies, world_of(policies, now, missing, observed))
    if decision.model is None and any(refusal.kind == "credentials" for refusal in decision.refused):
        notice = "no credentials were found for any candidate: this is shown as if all were set"
        decision = explained(request, policies, world_of(policies, now, observed=observed))
        decision = replace(decision, notices=(notice,))
    return decision.as_json()


def _prompt_text(prompt: str) -> str:
    from nano_flow.project.files import read_given

    try:
        if prompt == "-":
            return sys.stdin.buffer.read().decode("utf-8")
        return read_given(prompt[1:]) if prompt.startswith("@") else prompt
    except UnicodeDecodeError:
        raise UsageError("stdin is not UTF-8 text") from None
    except (OSError, ValueError) as error:
        raise UsageError(f'"{prompt}" cannot be read: {getattr(error, "strerror", None) or error}') from None


def explain_step(place: Place, step: str, policy: str | None = None) -> Mapping[str, Json]:
    """The decision on a step, as ``nano-flow plan --policy`` sees it."""
    from nano_flow.operations.money.planning import plan_workflow
    from nano_flow.project.preparing import GivenInputs, RunOptions

    file, colon, name = step.rpartition(":")
    if not colon or not file:
        raise UsageError(f'"{step}" needs the form FILE:STEP, such as workflow.yaml:report')
    found, _ = plan_workflow(place, file, GivenInputs(), RunOptions(), policy)
    decisions = {
        estimate.visit.path: decision
        for estimate, decision in zip(found.estimate.steps, found.decisions, strict=True)
        if decision is not None
    }
    decision = decisions.get(path_of(name))
    if decision is None:
        raise UsageError(f'"{file}" has no prompt step "{name}"; prompt steps are: {", ".join(decisions) or "none"}')
    return decision.as_json()


def explain_run(place: Place, run: str, address: str) -> Mapping[str, Json]:
    """A decision as it was recorded: the last one at this address, of the step's own agent.

    Where a cascade judged replies before it, ``cascade_verdicts`` tells of each.
    """
    from nano_flow.core.events import RouteDecided

    with place.store.reader() as reader:
        run_id = reader.find_run(run).run_id
        events = [event for _, event in reader.events_of(run_id, kinds=(RouteDecided,))]
    decided = [event for event in events if isinstance(event, RouteDecided) and event.purpose == "agent"]
    here = [event for event in decided if event.address == address]
    if not here:
        known = list(dict.fromkeys(event.address for event in decided))
        path = path_of(address)
        near = [other for other in known if path in (path_of(other), path_of(other).rpartition(".")[2])] or known
        more = f" and {len(near) - _NAMED} more" if len(near) > _NAMED else ""
        names = ", ".join(near[:_NAMED]) or "none"
        raise UsageError(f'run {run_id} asked no model at "{address}"; it did at: {names}{more}')
    first, last = here[0], here[-1]
    of_turn = [event.decision for event in here if event.turn == last.turn]
    verdicts: list[Json] = [
        {"model": decision.get("model"), **verdict}
        for decision in of_turn
        if isinstance(verdict := decision.get("cascade_verdict"), dict)
    ]
    decision = last.decision
    if verdicts:  # the reasons are those that the cascade began with
        decision = {**decision, "because": of_turn[0].get("because"), "cascade_verdicts": verdicts}
    if first.turn == last.turn:
        return decision
    turns = len({event.turn for event in here})
    model = first.decision.get("model") or "no candidate"
    notice = f"this is the last of {turns} calls here; the first went to {first.tier or 'the model as named'} → {model}"
    return {**decision, "notices": [*_list(decision, "notices"), notice]}


def _list(mapping: Mapping[str, Json], name: str) -> list[Json]:
    value = mapping.get(name)
    return value if isinstance(value, list) else []
