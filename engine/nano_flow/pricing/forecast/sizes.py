"""How long the prompt of a step will be, as far as the plan and the given inputs tell."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nano_flow.core.messages import Json, Message
from nano_flow.core.text import as_text
from nano_flow.plan.plan import PlannedPrompt
from nano_flow.pricing.forecast.visits import Visit
from nano_flow.pricing.tokens import IMAGE_TOKENS, MESSAGE_TOKENS, Count, count_request, upper_bound
from nano_flow.source.expressions import Template

USUAL_INPUT = 300
"""Tokens of an input that was not given."""
USUAL_RESULT = 300
"""Tokens of what a command or tool gives back."""
USUAL_OUTPUT = 400
"""Tokens of a reply, where no earlier run tells."""
USUAL_ITEM = 50
USUAL_TOOL = 120
"""Tokens of the description of a tool."""
_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class PromptSize:
    """Tokens of the first message list of a step; ``most`` None where the run decides it.

    ``text`` is the prompt as far as it is known: what routing judges.
    """

    low: int
    likely: int
    most: int | None
    text: str


def prompt_size(visit: Visit, spec: PlannedPrompt, count: Count, outputs: Mapping[str, int]) -> PromptSize:
    """The size of ``spec``'s prompt; ``outputs`` are the likely tokens of the outputs of steps, by id."""
    templates = [spec.prompt, *([spec.system] if spec.system is not None else [])]
    texts = [_text(visit, template) for template in templates]
    known = [text for text in texts if text is not None]
    overhead = MESSAGE_TOKENS * len(templates) + count_request((), (), spec.output_schema, count)
    overhead += USUAL_TOOL * len(spec.tools)
    low = sum(
        count(_static(template) if text is None else text) for text, template in zip(texts, templates, strict=True)
    )
    unknown = [template for text, template in zip(texts, templates, strict=True) if text is None]
    likely = low + sum(_reference(visit, path, count, outputs) for template in unknown for path in template.references)
    likely += IMAGE_TOKENS * len(spec.attachments)
    if spec.conversation is not None:
        likely += 2 * outputs.get(spec.conversation, USUAL_OUTPUT)
    bounded = not (unknown or spec.attachments or spec.conversation or spec.tools)
    most = upper_bound([Message("user", text) for text in known], (), spec.output_schema) if bounded else None
    shown = texts[0] if texts[0] is not None else _static(spec.prompt)
    return PromptSize(low + overhead, likely + overhead, most, shown)


def _text(visit: Visit, template: Template) -> str | None:
    known = visit.known.value(template)
    return None if known is None else as_text(known.value)


def _static(template: Template) -> str:
    """The words of a template that are there whatever the values are."""
    return template.source if template.form == "literal" else _TAG.sub(" ", template.source)


def _reference(visit: Visit, path: Sequence[str], count: Count, outputs: Mapping[str, int]) -> int:
    """The likely tokens of one value that is put into a prompt."""
    root = path[0]
    if root in visit.items:
        return _mean_item(visit.items[root], count)
    if root == "steps" and len(path) > 1:
        return outputs.get(path[1], USUAL_RESULT) if len(path) > 2 and path[2] == "output" else MESSAGE_TOKENS
    if root == "inputs":
        return USUAL_INPUT
    if root in ("env", "run", "iteration", "index", "failure"):
        return MESSAGE_TOKENS
    if root == "previous":
        return USUAL_OUTPUT
    return USUAL_ITEM


def _mean_item(items: Sequence[Json], count: Count) -> int:
    sample = items[:50]
    return sum(count(as_text(item)) for item in sample) // len(sample) if sample else USUAL_ITEM
