"""Decisions for the command line: of a prompt, of a step of a workflow, of a recorded run; and how they are shown."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from nano_flow.cli import output
from nano_flow.cli.common import Options
from nano_flow.core.errors import UsageError
from nano_flow.core.messages import Json
from nano_flow.core.refs import path_of

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


def of_prompt(options: Options, prompt: str, given: PromptOptions) -> Mapping[str, Json]:
    """The decision on a bare prompt. Without any usable credentials it is shown as if there were, and says so."""
    from nano_flow.gateway.route import without_credentials
    from nano_flow.project.money.earlier import observed_before
    from nano_flow.project.naming import full_name
    from nano_flow.project.policies import read_policies
    from nano_flow.review.asking import Question, ask, check_tags, request_of, world_of

    policies = read_policies(options.policy(given.workflow))
    known = {"default", *policies.routing.policies}
    if given.policy_name not in known:
        raise UsageError(f'there is no policy "{given.policy_name}"; policies are: {", ".join(sorted(known))}')
    try:
        check_tags(given.tags, policies)
    except ValueError as error:
        raise UsageError(str(error)) from None
    model = full_name(given.model, None, policies) or "auto"
    request = request_of(Question(_prompt_text(prompt), given.tags, given.tools, given.policy_name, model))
    missing, now = without_credentials(policies.catalogue, os.environ), time.time()
    observed = observed_before(options.store, policies.catalogue, now)
    decision = ask(request, policies, world_of(policies, now, missing, observed))
    if decision.model is None and any(refusal.kind == "credentials" for refusal in decision.refused):
        notice = "no credentials were found for any candidate: this is shown as if all were set"
        decision = replace(ask(request, policies, world_of(policies, now, observed=observed)), notices=(notice,))
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


def of_step(options: Options, step: str) -> Mapping[str, Json]:
    """The decision on a step, as ``nano-flow plan`` sees it."""
    from nano_flow.cli.money.planning import report
    from nano_flow.project.preparing import GivenInputs, RunOptions

    file, colon, name = step.rpartition(":")
    if not colon or not file:
        raise UsageError(f'"{step}" needs the form FILE:STEP, such as workflow.yaml:report')
    found, _ = report(options, file, GivenInputs(), RunOptions())
    decisions = {
        estimate.visit.path: decision
        for estimate, decision in zip(found.estimate.steps, found.decisions, strict=True)
        if decision is not None
    }
    decision = decisions.get(path_of(name))
    if decision is None:
        raise UsageError(f'"{file}" has no prompt step "{name}"; prompt steps are: {", ".join(decisions) or "none"}')
    return decision.as_json()


def of_run(options: Options, run: str, address: str) -> Mapping[str, Json]:
    """A decision as it was recorded: the last one at this address, of the step's own agent.

    Where a cascade judged replies before it, ``cascade_verdicts`` tells of each.
    """
    from nano_flow.core.events import RouteDecided

    with options.store.reader() as reader:
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


def show(options: Options, decision: Mapping[str, Json]) -> None:
    """Print it: one JSON document, or text."""
    if options.json:
        fields = {name: value for name, value in decision.items() if name != "schema"}
        output.document("nano-flow/decision@1", fields)
        return
    output.data(decision_text(decision))


def decision_text(decision: Mapping[str, Json]) -> str:
    """A decision for people: the score and its points, the candidates and their price, the refusals."""
    score, tier, model = (decision.get(name) for name in ("score", "tier", "model"))
    head = " → ".join(output.clean(part) for part in (f"score {score}", tier, model or "no candidate") if part)
    expected = decision.get("expected")
    costs = expected if isinstance(expected, dict) else {}
    parts = [output.style(head, "strong"), *_because(decision)]
    parts += [_verdict_text(entry) for entry in _list(decision, "cascade_verdicts") if isinstance(entry, dict)]
    candidates = [(str(place), name, *_expected(costs.get(str(name)))) for place, name in _numbered(decision)]
    if candidates:
        heads = ("", "candidate", "expected", "takes", "measured")
        parts.append(output.table(heads, candidates, right=("expected", "takes", "measured")))
    refused = [
        (entry.get("model"), entry.get("reason")) for entry in _list(decision, "refused") if isinstance(entry, dict)
    ]
    if refused:
        parts.append(output.table(("refused", "because"), refused))
    parts += [f"note: {output.clean(notice)}" for notice in _list(decision, "notices")]
    return "\n\n".join(parts)


def _because(told: Mapping[str, Json]) -> list[str]:
    """The signals that gave points to a prompt or a reply, as a table; none where none did."""
    rows = [
        (entry.get("signal"), _points(entry.get("points")), entry.get("at"), ", ".join(map(str, _list(entry, "found"))))
        for entry in _list(told, "because")
        if isinstance(entry, dict)
    ]
    return [output.table(("signal", "points", "at", "found"), rows, right=("points",))] if rows else []


def _verdict_text(verdict: Mapping[str, Json]) -> str:
    """What a cascade said of a reply, and why."""
    became = "given up" if verdict.get("escalate") else "kept"
    said = f"it scores {verdict.get('score')}, escalate_at is {verdict.get('escalate_at')}"
    head = f"the reply of {verdict.get('model')} ({verdict.get('tier')}) was {became}: {said}"
    return "\n\n".join([output.clean(head), *_because(verdict)])


def _numbered(decision: Mapping[str, Json]) -> list[tuple[int, Json]]:
    return list(enumerate(_list(decision, "candidates"), 1))


def _expected(entry: Json) -> tuple[str, str, str]:
    if not isinstance(entry, dict):
        return "", "", ""
    cost, seconds, calls = (entry.get(name) for name in ("cost_usd", "duration_s", "measured_calls"))
    said = "unpriced" if cost is None else f"${cost}", "" if seconds is None else f"{seconds} s"
    return *said, _measured(calls)


def _measured(calls: Json) -> str:
    """Where length and latency come from: earlier calls, or the usual length and the declared latency."""
    return "" if calls is None else "declared" if not calls else "1 call" if calls == 1 else f"{calls} calls"


def _points(value: Json) -> str:
    return f"{value:+.2f}" if isinstance(value, int | float) and value else ""


def _list(mapping: Mapping[str, Json], name: str) -> list[Json]:
    value = mapping.get(name)
    return value if isinstance(value, list) else []
