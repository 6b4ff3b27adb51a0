"""Says why a reference leads nowhere, and what was probably meant."""

from __future__ import annotations

from nano_flow.plan.draft import Draft, Use
from nano_flow.plan.names.nearest import did_you_mean, listed
from nano_flow.plan.names.scope import Lost, Scope

Explained = tuple[str, str, str]
"""Code, message, hint."""

_ONLY_IN = {
    "item": "only steps with `for_each`, and the steps inside them, have an item",
    "index": "only steps with `for_each`, and the steps inside them, have an index",
    "iteration": "only steps with `repeat`, and the steps inside them, have an iteration",
    "previous": "only steps with `repeat`, and the steps inside them, have a previous output",
    "output": "`output` is known in `until`, in `verify` and in `outputs`",
    "error": "`error` is known in `retry.when`; elsewhere write `steps.ID.error`",
    "args": "only declared tools have arguments",
    "failure": "only steps under `on_failure` and `finally` see the failure",
    "steps": "a declared tool does not see the steps: hand the value over as an argument",
    "secrets": "declare an input with `secret: true`, or name the variable under `env:`",
    "needs": "write `steps.ID.output`",
    "workflow": "write `inputs.NAME` or `run.id`",
    "matrix": "write `for_each:` and `item`",
}


def explain(scope: Scope, use: Use, path: tuple[str, ...], lost: Lost) -> Explained:
    """The diagnostic of ``path`` in ``use``."""
    name = path[lost.at]
    if lost.reason == "name":
        return _unknown_name(scope.draft, use, name, lost)
    if lost.reason == "steps":
        return "NF304", '"steps" alone is no value', "name a step: `steps.ID.output`"
    if lost.reason == "step":
        return _unknown_step(scope, use, name)
    if lost.at == 1:
        return _unknown_first(scope.draft, path, lost)
    return _unknown_member(scope, use, path, lost)


def _unknown_name(draft: Draft, use: Use, name: str, lost: Lost) -> Explained:
    hint = _renamed(draft, use, name) or _ONLY_IN.get(name) or did_you_mean(name, lost.names)
    return "NF306", f'"{name}" is not known here: expected one of {listed(sorted(lost.names))}', hint


def _renamed(draft: Draft, use: Use, name: str) -> str:
    """The name that ``as`` gave to what the author calls by its usual name."""
    if use.step is None:
        return ""
    for number in draft.ancestors(use.step):
        document = draft.steps[number].document
        if name == "item" and document.as_ is not None:
            return f'the item is called "{document.as_}" here'
        if name in ("iteration", "previous") and document.repeat is not None and document.repeat.as_ is not None:
            return f"write `{document.repeat.as_}.{name}`"
    return ""


def _unknown_step(scope: Scope, use: Use, name: str) -> Explained:
    draft = scope.draft
    elsewhere = next((step for step in draft.steps if step.id == name and step.case is None), None)
    if elsewhere is None:
        near = did_you_mean(name, scope.visible(use.place, use.step))
        return "NF304", f'there is no step "{name}"', near or "`steps.ID` names a step of this file"
    owner = draft.graphs[elsewhere.graph].owner
    message = f'the step "{name}" is not in scope here'
    if owner is None:
        return "NF304", message, "a handler's steps are seen only by the steps beside it"
    group = draft.steps[owner]
    return "NF304", message, f'it stands inside "{group.id}": the outside sees only `steps.{group.id}.output`'


def _unknown_first(draft: Draft, path: tuple[str, ...], lost: Lost) -> Explained:
    root, name = path[0], path[1]
    near = did_you_mean(name, lost.names)
    if root == "inputs":
        return "NF307", f'there is no input "{name}"', near or f"declare it: `inputs: {{{name}: {{type: string}}}}`"
    if root == "env":
        names = ", ".join((*(draft.document.env or ()), name))
        return "NF309", f'the variable "{name}" is not listed under "env"', near or f"add it: `env: [{names}]`"
    if lost.reason == "scalar":
        return "NF305", f'"{root}" is {lost.names[0]} and has no member "{name}"', ""
    known = f": it has {listed(lost.names)}" if lost.names else ""
    return "NF305", f'"{root}" has no member "{name}"{known}', near


def _unknown_member(scope: Scope, use: Use, path: tuple[str, ...], lost: Lost) -> Explained:
    name, before = path[lost.at], ".".join(path[: lost.at])
    if lost.reason == "fan_out":
        return (
            "NF305",
            f'"{before}" is a list, one entry for each item, and has no member "{name}"',
            f"write `{before}[0].{name}`, `{before} | map(attribute='{name}')`, or loop over it",
        )
    if lost.reason == "list":
        return (
            "NF305",
            f'"{before}" is a list and has no member "{name}"',
            f"write `{before}[0].{name}`, or loop over it",
        )
    if lost.reason == "scalar":
        return (
            "NF305",
            f'"{before}" is {lost.names[0]} and has no member "{name}"',
            _schema_hint(scope, use, path, lost),
        )
    if path[0] == "steps" and lost.at == 2:
        hint = did_you_mean(name, lost.names) or f"write `{before}.output.{name}`"
        if name == "case":
            hint = "only a `switch` has a case"
        return "NF305", f'a step has no member "{name}": expected one of {listed(lost.names)}', hint
    known = f": it has {listed(lost.names)}" if lost.names else ""
    return "NF305", f'"{before}" has no member "{name}"{known}', did_you_mean(name, lost.names)


def _schema_hint(scope: Scope, use: Use, path: tuple[str, ...], lost: Lost) -> str:
    if path[0] != "steps" or path[2] != "output" or lost.at != 3:
        return ""
    target = scope.find(path[1], use.place, use.step)
    kind = "" if target is None else scope.draft.steps[target].document.kind
    return f'give "{path[1]}" an `output_schema` that has it' if kind == "prompt" else ""
