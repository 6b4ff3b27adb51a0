"""Steps that are routed: where no model of a tier has what is asked for, it goes by prompt, and the author is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.documents.steps import PromptStep
from nano_flow.plan.checks.routes.model_names import card_of
from nano_flow.plan.draft import Draft, DraftStep, problem

if TYPE_CHECKING:
    from nano_flow.documents.routing import RoutingDocument
    from nano_flow.plan.catalogue import ModelCard


def promptable(document: PromptStep) -> Mapping[str, str]:
    """The abilities that a step needs and that a prompt can stand in for, each with the key that asks for it."""
    wanted = {"tools": bool(document.tools), "json_schema": document.output_schema is not None}
    keys = {"tools": "tools", "json_schema": "output_schema"}
    return {ability: keys[ability] for ability, is_wanted in wanted.items() if is_wanted}


def check_routed(draft: Draft, step: DraftStep, document: PromptStep) -> Iterator[Diagnostic]:
    """An error where there is no candidate at all; a warning for every ability that no model of some tier has."""
    yield from _nobody(draft, step, document)
    wanted = promptable(document)
    tiers = _tiers(draft, document) if wanted else {}
    for ability, key in wanted.items():
        without = [tier for tier, cards in tiers.items() if cards and all(_lacks(card, ability) for card in cards)]
        if without:
            at = draft.written(step.number, key)
            where = " and ".join(f'"{tier}"' for tier in without)
            names = ", ".join(dict.fromkeys(str(card.ref) for tier in without for card in tiers[tier]))
            message = (
                f'where this step is {where}, no model that may answer has the ability "{ability}" ({names}): '
                "it is asked for in the prompt instead"
            )
            yield problem("NF344", message, draft.key(at), at=at, severity="warning")


def _nobody(draft: Draft, step: DraftStep, document: PromptStep) -> Iterator[Diagnostic]:
    """The step is routed, and no model of the tiers in force is declared: it could never be answered."""
    named = document.model or "auto"
    if named == "auto" and draft.context.are_shipped:
        return  # its tiers are there for this; to see that, two files would be read for each check
    routing = draft.context.routing
    if routing is None or "/" in named or document.provider or _ruled(draft, routing, document.policy or "default"):
        return
    tiers = [tier for name, tier in routing.tiers.items() if named in ("auto", name)]
    if not tiers or any(card_of(draft, ref) is not None for tier in tiers for ref in tier.models):
        return
    at = (*step.at, "prompt")
    message = f'no model of the tiers in force is declared in providers.yaml, so "{named}" has no candidate'
    hint = "`extends: shipped` in providers.yaml keeps the models that ship; or list yours in the tiers of routing.yaml"
    yield problem("NF352", message, draft.key(at), at=at, hint=hint)


def _ruled(draft: Draft, routing: RoutingDocument, policy: str) -> bool:
    """Whether a rule of the policy leads to something that is declared."""
    found = (routing.policies or {}).get(policy)
    for rule in (found.rules if found is not None else None) or ():
        chain = (routing.chains or {}).get(rule.chain or "", [])
        named = [*(rule.models or ()), *([rule.model] if rule.model else ()), *chain]
        if any(card_of(draft, ref) is not None for ref in named):
            return True
        if any(name in draft.context.catalogue.providers for name in rule.provider or ()):
            return True
    return False


def _lacks(card: ModelCard, ability: str) -> bool:
    return card.can is not None and ability not in card.can


def _tiers(draft: Draft, document: PromptStep) -> Mapping[str, list[ModelCard]]:
    """Tier → its models, and those of the tier above, that the step admits; without those that only pretend."""
    routing = draft.context.routing
    if routing is None or "/" in (document.model or ""):
        return {}
    tiers = list(routing.tiers.items())
    admitted = document.provider
    found: dict[str, list[ModelCard]] = {}
    for place, (name, _) in enumerate(tiers):
        if document.model in (None, "auto", name):
            refs = [ref for _, tier in tiers[place : place + 2] for ref in tier.models]
            cards = [card for ref in dict.fromkeys(refs) if (card := card_of(draft, ref)) is not None]
            found[name] = [c for c in cards if _may_answer(draft, c) and (not admitted or c.ref.provider in admitted)]
    return found


def _may_answer(draft: Draft, card: ModelCard) -> bool:
    return draft.context.catalogue.providers[card.ref.provider].adapter != "sim"
