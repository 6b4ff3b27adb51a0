"""The policies of a routing document: rules, their conditions, and kinds of task."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from nano_flow.core.errors import DocumentError
from nano_flow.documents.routing import KindDocument, PolicyDocument, RuleDocument
from nano_flow.routing.compiling.reader import Path, Reader, models_of
from nano_flow.routing.compiling.scores import entries_of
from nano_flow.routing.rules import Condition, FallbackChoice, Kind, PolicyRules, Rule
from nano_flow.routing.within import word_list
from nano_flow.routing.words.tags import line_to_add, spelled, undeclared

_NAME = re.compile(r"(?<![.\w'\"])(signals|kind|personal|prompt)\b(?:\.([A-Za-z_]\w*))?")
"""What is found out for conditions only where one refers to it."""


def kinds_of(reader: Reader, documents: Mapping[str, KindDocument], tiers: Sequence[str]) -> tuple[Kind, ...]:
    """Families of task, in the order of the file."""
    kinds = []
    for name, document in documents.items():
        path: Path = ("kinds", name)
        for key, tier in (("tier", document.tier), ("floor", document.floor)):
            if tier:
                reader.known("tier", tier, tiers, (*path, key))
        targets = [key for key in ("tier", "models", "floor") if getattr(document, key) is not None]
        if len(targets) > 1:
            reader.say("NF517", f"a kind takes one of tier, models and floor; this one has {', '.join(targets)}", path)
        if document.match is None and document.when is None:
            reader.say(
                "NF517", f'the kind "{name}" has neither "match" nor "when", so it would be every prompt\'s', path
            )
        entries = entries_of(reader, document.match or (), path)
        kinds.append(
            Kind(
                name,
                word_list(entries),
                document.within or "ask",
                condition_of(reader, document.when, (*path, "when")),
                document.tier,
                document.floor,
                models_of(reader, document.models or (), (*path, "models")),
                reader.at(path),
            )
        )
    return tuple(kinds)


def _sees(reader: Reader, when: str, path: Path) -> None:
    """Note what a condition refers to; a signal that does not exist is said."""
    for found in _NAME.finditer(when):
        reader.sees.add(found[1])
        if found[1] == "signals" and found[2]:
            reader.known("signal", found[2], reader.signals, path)


_DECIDES = ("provider", "tier", "chain", "model", "models", "fallback", "choose")
"""What a rule may say of the model."""


def policy_of(
    reader: Reader, name: str, document: PolicyDocument, names: tuple[Sequence[str], Sequence[str]]
) -> PolicyRules:
    path: Path = ("policies", name)
    if document.choose:
        reader.known("way to choose", document.choose, reader.choices, (*path, "choose"))
    rules = [_rule(reader, rule, names, (*path, "rules", place)) for place, rule in enumerate(document.rules or [])]
    if document.cascade:
        reader.known("cascade", document.cascade, reader.cascades, (*path, "cascade"))
    return PolicyRules(name, tuple(rules), document.choose or "first", document.cascade)


def _rule(reader: Reader, document: RuleDocument, names: tuple[Sequence[str], Sequence[str]], path: Path) -> Rule:
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
        condition=condition_of(reader, document.when, (*path, "when")),
        providers=tuple(document.provider or ()),
        tier=document.tier,
        chain=document.chain,
        models=models_of(reader, models, (*path, key)),
        fallback=_fallback(reader, document, chains, (*path, "fallback")),
        choose=document.choose,
        because=document.because or "",
        at=reader.at(path),
        keeps_prompts=document.record is None or document.record.prompts,
        decides=document.record is None or any(getattr(document, key) is not None for key in _DECIDES),
    )


def condition_of(reader: Reader, when: bool | str | None, path: Path) -> Condition | None:
    if when is None or when is True:
        return None
    if when is False:
        return lambda names: False
    for tag in undeclared(when, reader.tags):
        near = get_close_matches(tag.lower(), reader.tags, 1)
        line = line_to_add(reader.tags.values(), tag)
        hint = f'did you mean "{reader.tags[near[0]]}"?' if near else f"declare it in this file: {line}"
        reader.say("NF510", f'there is no tag "{tag}"', path, hint)
    _sees(reader, when, path)
    try:
        return reader.compile_condition(spelled(when, reader.tags), reader.locate(path))
    except DocumentError as error:
        reader.found += error.diagnostics
        return None


def _fallback(reader: Reader, document: RuleDocument, chains: Sequence[str], path: Path) -> FallbackChoice:
    choice = document.fallback
    if isinstance(choice, list):
        return models_of(reader, choice, path)
    if isinstance(choice, str) and "/" not in choice:
        reader.known("chain", choice, chains, path)
    return choice
