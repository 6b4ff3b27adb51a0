"""References: each name in a template leads to something that is in scope there; notes which steps refer to which."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.plan.draft import Draft, Found, Use, first_errors, problem
from nano_flow.plan.names.lost import explain
from nano_flow.plan.names.scope import Lost, Scope
from nano_flow.plan.places import BODY, UNTIL, WHEN


def resolve_references(draft: Draft) -> tuple[Draft, Found]:
    """Resolve every use; the steps referred to become edges in the next pass."""
    scope = Scope(draft)
    secrets = {name for name, item in (draft.document.inputs or {}).items() if item.secret}
    touched: dict[int, dict[int, None]] = {}
    found = first_errors(
        fault
        for use in draft.uses
        for number in range(len(use.template.references))
        for fault in _reference(scope, use, number, secrets, touched)
    )
    quoted: dict[int | None, dict[int, None]] = {}
    for use in draft.uses:
        if brings_values(draft, use):
            targets = quoted.setdefault(use.step, {})
            for path in use.template.references:
                if path[0] == "steps" and len(path) > 1:
                    target = scope.find(path[1], use.place, use.step)
                    if target is not None:
                        targets[target] = None
    return replace(draft, touched=touched, quoted=quoted), found


def brings_values(draft: Draft, use: Use) -> bool:
    """Whether values come into a step by this template; a condition and the choice of a case only decide about it."""
    if use.place in (WHEN, UNTIL):
        return False
    return use.step is None or use.place is not BODY or draft.steps[use.step].document.kind != "switch"


def _reference(
    scope: Scope, use: Use, number: int, secrets: set[str], touched: dict[int, dict[int, None]]
) -> Iterator[Diagnostic]:
    path = use.template.references[number]
    result = scope.resolve(path, use.place, use.step, use.tool)
    if isinstance(result, Lost):
        yield _lost(scope, use, number, result)
    elif path[0] == "inputs" and secrets and not use.place.secret:
        yield from _secret(scope.draft, use, number, secrets)
    elif path[0] == "steps" and use.step is not None:
        target = scope.find(path[1], use.place, use.step)
        assert target is not None  # it was resolved just now
        touched.setdefault(use.step, {})[target] = None
        yield from _inside_itself(scope.draft, use, number, target)


def _lost(scope: Scope, use: Use, number: int, lost: Lost) -> Diagnostic:
    path = use.template.references[number]
    code, message, hint = explain(scope, use, path, lost)
    start = use.template.offsets[number] + sum(len(part) + 1 for part in path[: lost.at])
    where = use.template.range_at(start, start + len(path[lost.at]))
    return problem(code, message, where, at=_address(scope.draft, use), hint=hint)


def _secret(draft: Draft, use: Use, number: int, secrets: set[str]) -> Found:
    path = use.template.references[number]
    if len(path) > 1 and path[1] not in secrets:
        return []
    name = path[1] if len(path) > 1 else sorted(secrets)[0]
    message = f'the input "{name}" is secret: it may stand only in "env", in "headers" and in "when"'
    hint = "pass it to a command by `env:`" if len(path) > 1 else "name the inputs that are meant, one by one"
    return [problem("NF308", message, use.template.reference_range(number), at=_address(draft, use), hint=hint)]


def _inside_itself(draft: Draft, use: Use, number: int, target: int) -> Found:
    if use.step is None or target not in draft.ancestors(use.step):
        return []
    step = draft.steps[target]
    own = target == use.step
    what = "itself" if own else f'"{step.id}", which it stands inside of,'
    hint = "inside `until` and `verify` it is `output`, inside a `repeat` the last one is `previous`"
    message = f'"{draft.steps[use.step].id}" refers to {what} before that has an output'
    return [problem("NF310", message, use.template.reference_range(number), at=step.at, hint=hint)]


def _address(draft: Draft, use: Use) -> tuple[str | int, ...]:
    if use.step is not None:
        return draft.steps[use.step].at
    return ("tools", use.tool) if use.tool else ("tools",) if not use.place.steps else ("outputs",)
