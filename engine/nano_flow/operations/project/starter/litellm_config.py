"""A ``config.yaml`` of LiteLLM's proxy as policy files: providers, names, chains, limits and prices carried over."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from nano_flow.core.errors import UsageError
from nano_flow.operations.project.starter.litellm_models import Deployment, deployments_of
from nano_flow.plan.catalogue import Catalogue

_CHOICES = {
    "least-busy": "balanced",
    "simple-shuffle": "balanced",
    "usage-based-routing": "balanced",
    "usage-based-routing-v2": "balanced",
    "latency-based-routing": "fastest",
    "cost-based-routing": "cheapest",
}
"""The proxy's ways to choose → ours."""
_FALLBACKS = ("fallbacks", "default_fallbacks", "context_window_fallbacks", "content_policy_fallbacks")


@dataclass(slots=True)
class Carried:
    """What became of a configuration: three documents as data, and the keys that nothing here stands for."""

    providers: dict[str, Any] = field(default_factory=dict)
    aliases: dict[str, Any] = field(default_factory=dict)
    routing: dict[str, Any] = field(default_factory=dict)
    prices: dict[str, Any] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)


def carried(config: object, catalogue: Catalogue, today: date) -> Carried:
    """The configuration under ``catalogue``, the providers that ship. UsageError where it is none of the proxy's."""
    if not isinstance(config, dict) or not isinstance(config.get("model_list"), list):
        raise UsageError("this is no configuration of LiteLLM's proxy: it has no list under model_list")
    whole = Carried()
    found = deployments_of(config["model_list"], catalogue, whole.left)
    for deployment in found:
        _add(whole, deployment, today)
    groups: dict[str, list[str]] = {}
    for deployment in found:
        groups.setdefault(deployment.group, []).append(deployment.ref)
    settings = _settings(config, whole.left)
    _aliases(whole, groups, settings)
    _routing(whole, settings)
    whole.left += [key for key in config if key not in ("model_list", "router_settings", "litellm_settings")]
    return whole


def policy_texts(whole: Carried) -> dict[str, str]:
    """The three policy files."""
    import yaml

    def text(head: str, data: dict[str, Any]) -> str:
        return head + yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120)

    comment = "# Carried over from a configuration of LiteLLM's proxy.\n"
    if whole.left:
        comment += "# Nothing here stands for these keys of it:\n" + "".join(f"#   {key}\n" for key in whole.left)
    base = {"nano_flow": 1, "extends": "shipped"}
    aliases = {"aliases": whole.aliases} if whole.aliases else {}
    schema = "# yaml-language-server: $schema=schemas/{}.schema.json\n"
    return {
        "providers.yaml": text(schema.format("providers") + comment, {**base, "providers": whole.providers, **aliases}),
        "routing.yaml": text(schema.format("routing"), {**base, **whole.routing}),
        "pricing.yaml": text(schema.format("pricing"), {**base, "models": whole.prices}),
    }


def _add(whole: Carried, deployment: Deployment, today: date) -> None:
    provider = whole.providers.setdefault(deployment.provider, dict(deployment.provider_says))
    if deployment.model_says is not None:
        provider.setdefault("models", {}).setdefault(deployment.model, deployment.model_says)
    if deployment.prices:
        whole.prices[deployment.ref] = [{"from": today.isoformat(), **deployment.prices}]
    if not provider:
        del whole.providers[deployment.provider]


def _settings(config: Mapping[str, Any], left: list[str]) -> dict[str, Any]:
    """Both sections of settings as one; what is not used is listed."""
    known = {*_FALLBACKS, "routing_strategy", "num_retries", "allowed_fails", "cooldown_time", "model_group_alias"}
    found: dict[str, Any] = {}
    for section in ("litellm_settings", "router_settings"):
        said = config.get(section)
        for key, value in said.items() if isinstance(said, dict) else ():
            if key in known:
                found[key] = value
            else:
                left.append(f"{section}.{key}")
    return found


def _aliases(whole: Carried, groups: Mapping[str, list[str]], settings: Mapping[str, Any]) -> None:
    """Every name of the proxy as an alias: its deployments in order, then those that its fallbacks name."""
    follows = dict(_fallbacks(settings))
    usual = [str(name) for name in settings.get("default_fallbacks") or () if isinstance(name, str)]
    for group, refs in groups.items():
        after = [ref for name in follows.get(group, usual) for ref in groups.get(name, ()) if name != group]
        _alias(whole, group, list(dict.fromkeys([*refs, *after])))
    others = settings.get("model_group_alias")
    for name, group in others.items() if isinstance(others, dict) else ():
        target = group.get("model") if isinstance(group, dict) else group
        if isinstance(target, str) and target in groups:
            _alias(whole, str(name), groups[target])


def _alias(whole: Carried, name: str, refs: list[str]) -> None:
    ours = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")
    if ours and ours != "auto" and "*" not in name:
        whole.aliases[ours] = refs[0] if len(refs) == 1 else refs
        if ours != name:
            whole.left.append(f'model_name "{name}" is the alias "{ours}"')
    else:
        whole.left.append(f'model_name "{name}"')


def _fallbacks(settings: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    for key in ("content_policy_fallbacks", "context_window_fallbacks", "fallbacks"):
        for entry in settings.get(key) or ():
            for name, others in entry.items() if isinstance(entry, dict) else ():
                yield str(name), [str(other) for other in others if isinstance(other, str)]


def _routing(whole: Carried, settings: Mapping[str, Any]) -> None:
    fallback: dict[str, Any] = {}
    if isinstance(retries := settings.get("num_retries"), int):
        fallback["attempts"] = min(retries + 1, 20)
    fails, cool = settings.get("allowed_fails"), settings.get("cooldown_time")
    if isinstance(fails, int) or isinstance(cool, int | float):
        after = fails if isinstance(fails, int) and fails > 0 else 3
        fallback["cooldown"] = {"after": after, "for": f"{cool if isinstance(cool, int | float) else 60}s"}
    if fallback:
        whole.routing["fallback"] = fallback
    strategy = settings.get("routing_strategy")
    if strategy in _CHOICES:
        whole.routing["policies"] = {"default": {"choose": _CHOICES[strategy]}}
    elif strategy is not None:
        whole.left.append(f"router_settings.routing_strategy: {strategy}")
