"""What is declared, asked or computed, and then used by nobody."""

from __future__ import annotations

from collections.abc import Iterator

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.documents.steps import PromptStep, SetStep
from nano_flow.plan.draft import Draft, DraftStep, problem


def unused_inputs(draft: Draft) -> Iterator[Diagnostic]:
    """Inputs that no template reads."""
    declared = draft.document.inputs
    if not declared:
        return
    read = {path[:2] for use in draft.uses for path in use.template.references if path[0] == "inputs"}
    if ("inputs",) in read:
        return
    for name in declared:
        if ("inputs", name) not in read:
            at = ("inputs", name)
            message = f'nothing reads the input "{name}"'
            hint = f"use it as `{{{{ inputs.{name} }}}}`, or remove it"
            yield problem("NF337", message, draft.key(at), at=at, hint=hint, severity="warning")


def unused_shared(draft: Draft) -> Iterator[Diagnostic]:
    """What stands under ``shared`` and is used by no step."""
    shared = draft.document.shared
    used = set(draft.shared.values())
    for part in ("schemas", "prompts"):
        for name in (getattr(shared, part, None) or {}) if shared is not None else {}:
            at = ("shared", part, name)
            if at not in used:
                key = "prompt" if part == "prompts" else "output_schema"
                hint = f"use it as `{key}: {{use: {name}}}`, or remove it"
                yield problem("NF337", f'nothing uses "{name}"', draft.key(at), at=at, hint=hint, severity="warning")


def unused_outputs(draft: Draft) -> Iterator[Diagnostic]:
    """Steps that do nothing but give an output, in a file that says what it gives back, where nobody takes it."""
    if draft.document.outputs is None or _gives_all(draft):
        return
    used = _used(draft)
    for number in draft.graphs[0].steps:
        step = draft.steps[number]
        if number not in used and _only_gives(step):
            message = f'nobody uses the output of "{step.id}": no step, and not the outputs of the file'
            hint = f"use it as `{{{{ steps.{step.id}.output }}}}`, or remove the step"
            yield problem("NF338", message, draft.key(step.at), at=step.at, hint=hint, severity="warning")


def _only_gives(step: DraftStep) -> bool:
    document = step.document
    if isinstance(document, PromptStep):  # tools act on the outside, and a check that fails ends the run
        return not document.tools and not document.verify
    return isinstance(document, SetStep)


def _gives_all(draft: Draft) -> bool:
    """Whether the file gives back the outputs of all its steps (``outputs: "{{ output }}"``)."""
    return any(use.step is None and ("output",) in use.template.references for use in draft.uses)


def _used(draft: Draft) -> set[int]:
    ids = draft.graphs[0].ids
    used = {target for targets in draft.touched.values() for target in targets}
    for use in draft.uses:
        if use.step is None:
            paths = use.template.references
            used |= {ids[path[1]] for path in paths if len(path) > 1 and path[1] in ids}
    for step in draft.steps:
        named = [*(step.document.needs or ())]
        if isinstance(step.document, PromptStep) and step.document.conversation:
            named.append(step.document.conversation)
        used |= {ids[name] for name in named if name in ids}
    return used
