"""How long the prompt of a step will be, as far as the plan and the given inputs tell."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nano_flow.core.messages import Json, Message
from nano_flow.core.text import as_text
from nano_flow.plan.kinds.prompt import PlannedPrompt
from nano_flow.pricing.forecast.visits import Visit
from nano_flow.pricing.tokens import IMAGE_TOKENS, MESSAGE_TOKENS, Count, count_request, most_tokens, upper_bound
from nano_flow.source.expressions import Template, simple_references

USUAL_INPUT = 300
"""Tokens of an input that was not given."""
USUAL_RESULT = 300
"""Tokens of what a command or tool gives back."""
USUAL_OUTPUT = 400
"""Tokens of a reply, where no earlier run tells."""
USUAL_ITEM = 50
USUAL_TOOL = 120
"""Tokens of the description of a tool."""
RETOKENIZED = 4
"""A reply of n tokens has at most this many times n in the tokenizer of whatever model reads it next (assumed)."""
MOST_SMALL = 64
"""Tokens of a number, an id, a moment."""
_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class PromptSize:
    """Tokens of the first message list of a step; ``most`` None where the run decides it.

    ``text`` is what the author wrote, system and prompt, as far as it is known: what routing judges.
    """

    low: int
    likely: int
    most: int | None
    text: str


@dataclass(frozen=True, slots=True)
class OutputSize:
    """Tokens of the output of a step: likely, and at most (None: the run decides)."""

    likely: int
    most: int | None


def prompt_size(visit: Visit, spec: PlannedPrompt, count: Count, outputs: Mapping[str, OutputSize]) -> PromptSize:
    """The size of ``spec``'s prompt; ``outputs`` are those of the steps before, by path."""
    templates = [spec.prompt, *([spec.system] if spec.system is not None else [])]
    texts = [_text(visit, template) for template in templates]
    overhead = MESSAGE_TOKENS * len(templates) + count_request((), (), spec.reply.output_schema, count)
    overhead += USUAL_TOOL * len(spec.tools)
    low = sum(count(_static(t) if text is None else text) for text, t in zip(texts, templates, strict=True))
    unknown = [template for text, template in zip(texts, templates, strict=True) if text is None]
    likely = low + sum(_reference(visit, path, count, outputs) for template in unknown for path in template.references)
    likely += IMAGE_TOKENS * len(spec.attachments)
    if spec.conversation is not None:
        likely += 2 * _output(visit, spec.conversation, outputs).likely
    most = None if spec.attachments or spec.conversation or spec.tools else _most(visit, spec, outputs)
    shown = [_static(t) if text is None else text for text, t in zip(texts, templates, strict=True)]
    return PromptSize(low + overhead, likely + overhead, most, "\n\n".join(reversed(shown)))


def _most(visit: Visit, spec: PlannedPrompt, outputs: Mapping[str, OutputSize]) -> int | None:
    """A bound on prompt, system prompt and schema together."""
    total = upper_bound([Message("user", ""), Message("system", "")], (), spec.reply.output_schema)
    for template in (spec.prompt, spec.system):
        if template is not None:
            part = most_of(visit, template, outputs)
            if part is None:
                return None
            total += part
    return total


def most_of(visit: Visit, template: Template, outputs: Mapping[str, OutputSize]) -> int | None:
    """A bound on what ``template`` renders to; None where it holds more than text and names, or unbounded names."""
    text = _text(visit, template)
    if text is not None:
        return most_tokens(text)
    if simple_references(template.source, template.form) is None:
        return None
    total = most_tokens(_static(template))
    for path in template.references:
        part = _most_of_reference(visit, path, outputs)
        if part is None:
            return None
        total += part
    return total


def _most_of_reference(visit: Visit, path: Sequence[str], outputs: Mapping[str, OutputSize]) -> int | None:
    root = path[0]
    if root in visit.items:
        return max((most_tokens(as_text(item)) for item in visit.items[root]), default=0)
    if root in ("iteration", "index"):
        return MOST_SMALL
    if root == "steps" and path[2:3] == ("output",):
        return _output(visit, path[1], outputs).most
    if root == visit.item_name and visit.item_source is not None:
        return _output(visit, visit.item_source, outputs).most
    return None


def _output(visit: Visit, step: str, outputs: Mapping[str, OutputSize]) -> OutputSize:
    """The output of a step that ``visit`` can refer to; one that comes later in the file is not known yet."""
    return outputs.get(visit.path_of(step), OutputSize(USUAL_OUTPUT, None))


def _text(visit: Visit, template: Template) -> str | None:
    known = visit.known.value(template)
    return None if known is None else as_text(known.value)


def _static(template: Template) -> str:
    """The words of a template that are there whatever the values are."""
    return template.source if template.form == "literal" else _TAG.sub(" ", template.source)


def _reference(visit: Visit, path: Sequence[str], count: Count, outputs: Mapping[str, OutputSize]) -> int:
    """The likely tokens of one value that is put into a prompt."""
    root = path[0]
    if root in visit.items:
        return _mean_item(visit.items[root], count)
    if root == "steps":
        return _output(visit, path[1], outputs).likely if path[2:3] == ("output",) else MESSAGE_TOKENS
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
