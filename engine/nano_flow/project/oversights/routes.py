"""What looks like an oversight in a routing document, beside the providers and prices that it is used with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.core.errors import StepError
from nano_flow.core.messages import Json
from nano_flow.core.refs import ModelRef
from nano_flow.documents.load import RoutingSource
from nano_flow.documents.routing import RoutingDocument, RuleDocument
from nano_flow.plan.catalogue import Catalogue
from nano_flow.plan.names.nearest import did_you_mean
from nano_flow.routing.facts import facts_of
from nano_flow.routing.rules import RoutingPolicy

_Path = tuple[str | int, ...]


def undeclared(routing: RoutingSource, catalogue: Catalogue) -> Iterator[Diagnostic]:
    """Models and providers that nobody declares: they are passed over without a word at every call."""
    for path, name in named_models(routing.document):
        ref = ModelRef.parse(name)
        provider = catalogue.providers.get(ref.provider)
        if provider is None:
            yield _undeclared(routing, path, f'the provider "{ref.provider}"', ref.provider, catalogue.providers)
        elif catalogue.model(ref) is None:
            declared = {f"{ref.provider}/{model}": None for model in provider.models}
            yield _undeclared(routing, path, f'the model "{name}"', name, declared)
    for path, name in _providers(routing.document):
        if name not in catalogue.providers:
            yield _undeclared(routing, path, f'the provider "{name}"', name, catalogue.providers)


def unsure_conditions(routing: RoutingSource, policy: RoutingPolicy) -> Iterator[Diagnostic]:
    """Conditions that cannot be evaluated for a plain prompt without a budget: each such step would fail."""
    plain: dict[str, Json] = {
        **facts_of("Say hello.").as_json(),
        "complexity": 1.0,
        "tier": policy.tiers[0].name,
        "model": "auto",
        "signals": dict.fromkeys(policy.signal_names, 0.0),
        "kind": None,
        "personal": [],
        "prompt": "Say hello.",
    }
    for name, rules in policy.policies.items():
        for place, rule in enumerate(rules.rules):
            path = ("policies", name, "rules", place, "when")
            try:
                if rule.condition is not None:
                    rule.condition(plain)
            except StepError as error:
                reason = str(error).rpartition(": ")[2]
                message = f"this cannot be evaluated for a prompt without tags and budget, so its step fails: {reason}"
                hint = "budget_left is null without a budget: budget_left is not none and budget_left < 0.5"
                yield _warning(routing, path, message, hint if "null" in reason else "")


def named_models(document: RoutingDocument) -> Iterator[tuple[_Path, str]]:
    """Each place that names a model, with its name."""
    for name, tier in document.tiers.items():
        yield from _listed(("tiers", name, "models"), tier.models)
    for name, chain in (document.chains or {}).items():
        yield from _listed(("chains", name), chain)
    for name, kind in (document.kinds or {}).items():
        yield from _listed(("kinds", name, "models"), kind.models or [])
    for path, rule in _rules(document):
        if rule.model:
            yield (*path, "model"), rule.model
        yield from _listed((*path, "models"), rule.models or [])
        if isinstance(rule.fallback, list):
            yield from _listed((*path, "fallback"), rule.fallback)


def _providers(document: RoutingDocument) -> Iterator[tuple[_Path, str]]:
    for path, rule in _rules(document):
        for name in rule.provider or ():
            yield (*path, "provider"), name


def _rules(document: RoutingDocument) -> Iterator[tuple[_Path, RuleDocument]]:
    for name, policy in (document.policies or {}).items():
        for place, rule in enumerate(policy.rules or []):
            yield ("policies", name, "rules", place), rule


def _listed(path: _Path, names: Sequence[str]) -> Iterator[tuple[_Path, str]]:
    for place, name in enumerate(names):
        yield (*path, place), name


def _undeclared(
    routing: RoutingSource, path: _Path, what: str, name: str, declared: Mapping[str, object]
) -> Diagnostic:
    hint = did_you_mean(name, declared) or "declare it in providers.yaml"
    return _warning(routing, path, f"{what} is not declared in providers.yaml, so nobody is ever asked here", hint)


def _warning(routing: RoutingSource, path: _Path, message: str, hint: str) -> Diagnostic:
    where = routing.source.value_range(path)
    return Diagnostic("warning", "NF519", message, where, ".".join(map(str, path)), hint)
