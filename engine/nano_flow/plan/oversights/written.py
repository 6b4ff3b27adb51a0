"""Texts that look like templates and are none, and templates that say more than they mean."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Iterator, Mapping

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.plan.draft import Draft, DraftStep, Use, problem
from nano_flow.plan.plan import Value
from nano_flow.source.expressions import Template

_TEXTS = ("prompt", "system", "stdin", "message", "finish", "fail", "attachments", "question", "judge")
_SINGLE = re.compile(r"(?<!\{)\$?\{ *([A-Za-z_]\w*(?:\.\w+)*) *\}(?!\})")
_DOLLAR = re.compile(r"\$\{\{[^{}]*\}\}")
_MONEY = re.compile(r"cost|usd|price|amount|budget|dollar|total|spen[dt]|fee|sum", re.IGNORECASE)
_ROOTS = frozenset({"inputs", "steps", "item", "env", "run", "previous"})


def whole_steps(draft: Draft) -> Iterator[Diagnostic]:
    """``{{ steps.x }}``: everything that is known of a step, where its output was meant."""
    for use in draft.uses:
        for number, path in enumerate(use.template.references):
            if len(path) == 2 and path[0] == "steps" and _is_value(use, number):
                name = ".".join(path)
                message = f'"{name}" is all that is known of the step: its status, its cost and its output'
                where = use.template.reference_range(number)
                at = () if use.step is None else draft.steps[use.step].at
                yield problem("NF339", message, where, at=at, hint=f"write `{name}.output`", severity="warning")


def _is_value(use: Use, number: int) -> bool:
    """Whether nothing is taken out of what the reference names: no key that is only known when it runs."""
    source, start = use.template.source, use.template.offsets[number]
    name = ".".join(use.template.references[number])
    if source[start : start + len(name)] != name:
        return False
    rest = source[start + len(name) :].lstrip()
    return rest.startswith(("}}", "-}}", "|")) or (not rest and use.template.form == "expression")


def foreign_braces(draft: Draft) -> Iterator[Diagnostic]:
    """``{x}`` of a name that exists here, and ``${{ x }}``: other languages' templates, sent as they are written."""
    names = {step.id: f"steps.{step.id}.output" for step in draft.steps}
    names |= {name: f"inputs.{name}" for name in draft.document.inputs or ()}
    for step, fields in zip(draft.steps, draft.fields, strict=True):
        for key, value in fields.items():
            for template in _templates(value):
                if "${{" in template.source:
                    yield from _dollars(template, step)
                if key in _TEXTS and _SINGLE.search(template.source) is not None:
                    yield from _singles(template, step, ChainMap(_items(draft, step), names))


def _dollars(template: Template, step: DraftStep) -> Iterator[Diagnostic]:
    for match in _DOLLAR.finditer(template.source):
        if not _MONEY.search(match[0]):
            message = f'the "$" of "{match[0]}" stays in the text: values are written {{{{ … }}}}'
            where = template.range_at(match.start(), match.end())
            yield problem("NF336", message, where, at=step.at, hint=f"write `{match[0][1:]}`", severity="warning")


def _singles(template: Template, step: DraftStep, names: Mapping[str, str]) -> Iterator[Diagnostic]:
    for match in _SINGLE.finditer(template.source):
        root, _, member = match[1].partition(".")
        meant = match[1] if member and (root in _ROOTS or root in names) else names.get(match[1])
        if meant is not None:
            message = f'"{match[0]}" is sent as it stands: values have two pairs of braces'
            where = template.range_at(match.start(), match.end())
            yield problem("NF336", message, where, at=step.at, hint=f"write `{{{{ {meant} }}}}`", severity="warning")


def _items(draft: Draft, step: DraftStep) -> dict[str, str]:
    """What the items of the loops around a step are called."""
    around = (draft.steps[number].document for number in draft.ancestors(step.number))
    return {name: name for name in (entry.as_ or "item" for entry in around if entry.for_each is not None)}


def _templates(value: Value) -> Iterator[Template]:
    if isinstance(value, Template):
        if "{" in value.source:
            yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _templates(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _templates(inner)
