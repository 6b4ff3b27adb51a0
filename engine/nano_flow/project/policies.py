"""The three policy files in force: providers, routing and prices, read, checked and ready for use."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from nano_flow.core.diagnostics import Diagnostic, SourceRange
from nano_flow.core.errors import DocumentError
from nano_flow.core.messages import Json
from nano_flow.core.refs import ModelRef
from nano_flow.documents.gate.silencing import unsilenced
from nano_flow.documents.load import PricingSource, ProvidersSource, RoutingSource, checked
from nano_flow.documents.routing import RoutingDocument
from nano_flow.locate import PolicyFile
from nano_flow.plan.catalogue import Catalogue
from nano_flow.plan.catalogue_build import build_catalogue
from nano_flow.plan.names.nearest import did_you_mean
from nano_flow.plugins import load
from nano_flow.pricing.prices import Prices
from nano_flow.pricing.reading import price_advice, price_diagnostics
from nano_flow.project.commits import commit_of
from nano_flow.project.extending import policy_source, shown_of
from nano_flow.project.files import digest, read_document, read_text
from nano_flow.project.files import shown_path as shown_path
from nano_flow.routing.choose import CHOICES
from nano_flow.routing.compile import routing_policy
from nano_flow.routing.facts import FEATURES
from nano_flow.routing.learned import Getters, LearnedScore, read_learned
from nano_flow.routing.replies.advice import cascade_advice
from nano_flow.routing.replies.judged import JUDGED_FEATURES
from nano_flow.routing.request import Chooser
from nano_flow.routing.rules import CONDITION_NAMES, Condition, RoutingPolicy
from nano_flow.runtime.templates import render
from nano_flow.source.expressions import Template, check_expression
from nano_flow.source.layers import LayeredDocument
from nano_flow.source.source_map import SourceDocument

_REMEMBERED, _SHORT = 1_000, 1_000
"""Verdicts that are kept per condition, and the longest values that they are kept for."""


@dataclass(frozen=True, slots=True)
class Policies:
    """What decides about models and money. ``texts`` are the documents as they were read, by name."""

    files: tuple[PolicyFile, ...]
    catalogue: Catalogue
    routing: RoutingPolicy
    routing_document: RoutingDocument
    prices: Prices
    unpriced_pass: bool
    texts: Mapping[str, str]
    sources: Mapping[str, SourceDocument]
    warnings: tuple[Diagnostic, ...] = ()

    def forbidding(self, policy: str, model: ModelRef, tags: Sequence[str]) -> str:
        """The rule of ``policy`` that surely keeps ``model`` from a step with ``tags``, in words; nothing for none."""
        rule = self.routing.forbidding(policy, model, tags)
        return rule.restriction() if rule is not None else ""

    def record(self) -> dict[str, Json]:
        """Which files were in force, for a run's record: file, digest, and the commit of the checkout."""
        return {
            file.name.removesuffix(".yaml"): {
                "file": shown_of(file) + _with_bases(self.sources[file.name]),
                "digest": digest(_whole_text(self.sources[file.name], self.texts[file.name])),
                "commit": commit_of(str(file.path)) if file.found != "bundled" else None,
            }
            for file in self.files
        }


def read_policies(files: Sequence[PolicyFile], texts: Mapping[str, str] | None = None, revision: str = "") -> Policies:
    """Read the three files (or take ``texts`` in their place). Raises DocumentError with all that is wrong in them.

    ``revision`` is where copies of files were taken from: positions then name it and the file, not the copy.
    """
    found: list[Diagnostic] = []
    raw = {file.name: _raw(file, texts, found) for file in files}
    names = {
        file.name: f"{revision}:{file.name}" if revision and file.found != "bundled" else shown_path(str(file.path))
        for file in files
    }
    if found:
        raise DocumentError(found)
    sources: dict[str, SourceDocument] = {f.name: policy_source(f, raw[f.name], names[f.name]) for f in files}
    providers: ProvidersSource = checked(sources["providers.yaml"], "providers")
    routing: RoutingSource = checked(sources["routing.yaml"], "routing")
    pricing: PricingSource = checked(sources["pricing.yaml"], "pricing")
    faults = price_diagnostics(pricing.document, pricing.source.value_range)
    if faults:
        raise DocumentError(faults)
    catalogue = build_catalogue(providers.document, providers.source.value_range)
    folder = os.path.dirname(next(str(f.path) for f in files if f.name == "routing.yaml"))
    return Policies(
        files=tuple(files),
        catalogue=catalogue,
        routing=compiled(routing, folder),
        routing_document=routing.document,
        prices=Prices.from_document(pricing.document, catalogue),
        unpriced_pass=pricing.document.unknown == "warn",
        sources=sources,
        texts={name: data.decode("utf-8", errors="replace") for name, data in raw.items()},
        warnings=tuple(
            unsilenced(
                (
                    *(*providers.warnings, *routing.warnings, *pricing.warnings, *routing_advice(routing)),
                    *price_advice(pricing.document, pricing.source.value_range),
                ),
                {loaded.source.file: loaded.source.text for loaded in (providers, routing, pricing)},
            )
        ),
    )


def _with_bases(source: SourceDocument) -> str:
    """What a file adds to, for people."""
    bases = source.layers[1:] if isinstance(source, LayeredDocument) else ()
    return "".join(f" extends {base.file}" for base in bases)


def _whole_text(source: SourceDocument, own: str) -> str:
    """The text of a file with those that it extends: all of it decides."""
    bases = source.layers[1:] if isinstance(source, LayeredDocument) else ()
    return "\0".join([own, *(base.text for base in bases)])


def routing_advice(routing: RoutingSource) -> list[Diagnostic]:
    """What looks like an oversight in a routing document."""
    document, locate = routing.document, routing.source.value_range
    found = cascade_advice(document.cascade, locate) if document.cascade else []
    for name, cascade in (document.cascades or {}).items():
        found += cascade_advice(cascade, locate, ("cascades", name))
    return found


_LONG = frozenset({"prompt", "signals"})


def compile_condition(text: str, where: SourceRange) -> Condition:
    """The ``when`` of a rule, checked now and evaluated on facts later; once for the same values of what it names.

    An expression sees nothing but the names that it refers to, no clock and no chance, so equal values of these have
    equal verdicts; their text tells ``1``, ``1.0``, ``true`` and ``"1"`` apart. What cannot be evaluated is not kept.
    """
    template = check_expression(text, where)
    roots = tuple(dict.fromkeys(path[0] for path in template.references))
    unknown = [number for number, path in enumerate(template.references) if path[0] not in CONDITION_NAMES]
    if unknown:
        raise DocumentError([_unknown_name(template, number) for number in unknown])
    if not _LONG.isdisjoint(roots):  # what differs from call to call, and takes longer to compare than to evaluate
        return lambda facts: bool(render(template, facts))
    known: dict[str, bool] = {}

    def holds(facts: Mapping[str, Json]) -> bool:
        values = repr([facts.get(root, ...) for root in roots])
        verdict = known.get(values)
        if verdict is None:
            verdict = bool(render(template, facts))
            if len(values) < _SHORT and len(known) < _REMEMBERED:
                known[values] = verdict
        return verdict

    return holds


def _unknown_name(template: Template, number: int) -> Diagnostic:
    name = template.references[number][0]
    hint = did_you_mean(name, CONDITION_NAMES) or "docs/routing.md lists the facts that a rule sees"
    return Diagnostic("error", "NF510", f'there is no fact "{name}"', template.reference_range(number), "when", hint)


def _raw(file: PolicyFile, texts: Mapping[str, str] | None, found: list[Diagnostic]) -> bytes:
    if texts is not None and file.name in texts:
        return texts[file.name].encode("utf-8")
    try:
        return read_document(str(file.path), shown_path(str(file.path)))
    except DocumentError as error:
        found.extend(error.diagnostics)
        return b""


def compiled(routing: RoutingSource, folder: str) -> RoutingPolicy:
    """The policy of a routing document in ``folder``, with the learned scores that it names. Raises DocumentError."""
    document = routing.document
    named = [(("cascades", name), part, JUDGED_FEATURES) for name, part in (document.cascades or {}).items()]
    parts = [
        (("complexity",), document.complexity, FEATURES), (("cascade",), document.cascade, JUDGED_FEATURES), *named,
    ]  # fmt: skip
    learned = {
        ".".join(path): _learned(routing, folder, (path, part.learned.file), known)
        for path, part, known in parts
        if part is not None and part.learned is not None
    }
    return routing_policy(document, routing.source.value_range, compile_condition, learned, _choosers(document))


def _choosers(document: RoutingDocument) -> dict[str, Chooser]:
    """The ways to choose of installed packages that a routing document names."""
    policies = (document.policies or {}).values()
    named = {each.choose for policy in policies for each in (policy, *(policy.rules or ()))} - {None, *CHOICES}
    found = {name: load("choosers", name) for name in named if name is not None}
    return {name: cast(Chooser, chooser) for name, chooser in found.items() if callable(chooser)}


def _learned(routing: RoutingSource, folder: str, named: tuple[tuple[str, ...], str], known: Getters) -> LearnedScore:
    at, file = named
    try:
        path = os.path.join(folder, file)
        return read_learned(read_text(path), known, shown_path(path))
    except (OSError, ValueError) as error:
        where = routing.source.value_range((*at, "learned", "file"))
        reason = getattr(error, "strerror", None) or error
        option = " --cascade" if at[0] != "complexity" else ""
        message, hint = f'"{file}" cannot be used: {reason}', f"nano-flow policy train{option} FILES --write writes one"
        raise DocumentError(
            [Diagnostic("error", "NF515", message, where, ".".join((*at, "learned", "file")), hint)]
        ) from None
