"""Which steps of a plan would be answered by the cache: those whose whole prompt is known before the run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from nano_flow.core.messages import Message
from nano_flow.core.text import as_text
from nano_flow.gateway.requests import agent_request
from nano_flow.gateway.sending.fingerprint import Asked
from nano_flow.plan.catalogue import ModelCard
from nano_flow.plan.kinds.prompt import PlannedPrompt
from nano_flow.pricing.forecast.visits import Visit
from nano_flow.project.money.estimating import PlanReport
from nano_flow.providers.environment import expand
from nano_flow.routing.candidates import output_cap


class Kept(Protocol):
    """A cache that can be asked without counting a hit."""

    def holds(self, key: str, now: float) -> bool:
        """Whether a reply is kept under ``key``."""


def cached_steps(report: PlanReport, environ: Mapping[str, str], kept: Kept, now: float) -> frozenset[str]:
    """The paths of steps whose first question the cache answers, asked of the model that would be asked first."""
    found = set()
    for step, decision in zip(report.estimate.steps, report.decisions, strict=True):
        spec = step.visit.step.spec
        first = decision.model if decision is not None else None
        if not isinstance(spec, PlannedPrompt) or not spec.cache or first is None:
            continue
        messages = _messages(step.visit, spec)
        card = report.policies.catalogue.providers.get(first.provider)
        if messages is None or card is None:
            continue
        ask = agent_request(step.visit.step, step.visit.path, messages)
        cap = output_cap(report.policies.catalogue.model(first) or ModelCard(first), ask.reply.max_output_tokens)
        url = expand(card.settings.get("base_url", ""), environ)
        if any(kept.holds(key, now) for key in Asked(ask).cache_keys(first, url, cap)):
            found.add(step.visit.path)
    return frozenset(found)


def _messages(visit: Visit, spec: PlannedPrompt) -> tuple[Message, ...] | None:
    """The messages that the step begins with, where they are known to the last character."""
    if spec.tools or spec.attachments or spec.conversation is not None or visit.step.for_each is not None:
        return None
    prompt = visit.known.value(spec.prompt)
    system = visit.known.value(spec.system) if spec.system is not None else None
    if prompt is None or (spec.system is not None and system is None):
        return None
    first = () if system is None else (Message("system", as_text(system.value)),)
    return (*first, Message("user", as_text(prompt.value)))
