"""Arguments that would be read as options: a value begins with ``-`` only where the workflow's author allowed it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from nano_flow.core.errors import StepError
from nano_flow.core.messages import Json
from nano_flow.plan.kinds.run import PlannedRun
from nano_flow.plan.plan import PlannedInput
from nano_flow.plan.programs.interpreters import code_by_value
from nano_flow.plan.programs.settings import assigned_by_value
from nano_flow.plan.programs.wrappers import operands_from, program_name, programs
from nano_flow.source.expressions import Template

_HARMLESS = frozenset({"boolean", "null"})
"""Types whose text never begins with a dash. That of a list does not either, but a template may take an item of it."""
_TAG = re.compile(r"\{[{%#]")
_NUMBER = re.compile(r"--?[0-9]+\Z")
_DASHED_PATTERN = re.compile(r"(?:\^|\\A)(?:\(\?:|\()*(?:\\?-|\[\\?-)")


def refuse_options(spec: PlannedRun, rendered: Sequence[str], schemas: Mapping[str, Json], kind: str) -> None:
    """StepError (of the class ``kind``) where a value makes an argument begin with ``-`` and nobody allowed that.

    ``schemas`` has the schemas of ``inputs``, and of ``args`` in a declared tool: what they list is allowed.
    What stands behind a written ``--`` is an operand.
    """
    if spec.script is not None:
        return
    _refuse_code(spec, rendered, kind)
    operands = operands_from([template.source for template in spec.argv])
    for position, (template, text) in enumerate(zip(spec.argv[:operands], rendered, strict=False)):
        if position in spec.may_be_option or not _is_option_by_value(template, text):
            continue
        if not template.references or all(_admits(_schema_at(schemas, path)) for path in template.references):
            continue
        raise StepError(kind, _message(template, text))


def refuse_options_by_input(spec: PlannedRun, stdin: str | None, kind: str) -> None:
    """StepError where a word of ``stdin`` that a value brought would become an option by ``xargs``."""
    words = [template.source for template in spec.argv]
    if not stdin or spec.stdin is None or spec.stdin.form == "literal" or spec.script is not None:
        return
    names = [program_name(words[position]) for position in programs(words) if position < len(words)]
    if "xargs" not in names or operands_from(words) < len(words) or words[-1] == "--":
        return
    for word in stdin.replace("\0", "\n").split():
        if word.lstrip("'\"\\").startswith("-") and word not in spec.stdin.source:
            raise StepError(
                kind,
                f'"xargs" would hand "{word[:80]}" of the input to "{names[-1]}", which could read it as an option; '
                f'end the words of the command with "--"',
            )


def _refuse_code(spec: PlannedRun, rendered: Sequence[str], kind: str) -> None:
    """StepError where values make this command one that reads a value as code, or as a setting of its own."""
    words = [template.source for template in spec.argv]
    if list(rendered) == words:
        return
    script = code_by_value(words, rendered)
    if script is not None:
        raise StepError(
            kind,
            f'the command has become "{script.program}" by a value, and "{words[script.position]}" would be read as '
            f"code; write the program into the document, and hand values over by `env`",
        )
    position = assigned_by_value(words, rendered)
    if position is not None:
        raise StepError(
            kind,
            f'the argument "{rendered[position][:80]}" would be read as a setting of the program; '
            f'write the name: `NAME={{{{ … }}}}`, or another form of the argument: `"./{words[position]}"`',
        )


def inputs_schema(inputs: Mapping[str, PlannedInput]) -> Json:
    """The schema of a workflow's inputs as one object's."""
    return {"properties": {name: dict(known.schema) for name, known in inputs.items()}}


def _is_option_by_value(template: Template, text: str) -> bool:
    """Whether ``text`` is an option because of a value, not of what was written before it."""
    if template.form == "literal" or not text.startswith("-"):
        return False
    tag = _TAG.search(template.source)
    written = template.source[: tag.start()] if tag is not None else template.source
    if written.strip("-"):
        return False  # "--path={{ x }}": the option was written, the value belongs to it
    # "-{{ lines }}" is meant for numbers; any other value would choose the option.
    return not (written and _NUMBER.match(text))


def _message(template: Template, text: str) -> str:
    shown = text if len(text) <= 80 else f"{text[:79]}…"
    written = template.source if len(template.source) <= 60 and "\n" not in template.source else "{{ … }}"
    return (
        f'the argument "{shown}" begins with "-", so it could be read as an option; '
        f'write "--" before it where it is a value: `["--", "{written}"]`, '
        f'or `{{arg: "{written}", dash: allow}}` where an option is meant'
    )


def _schema_at(schemas: Mapping[str, Json], path: Sequence[str]) -> Json:
    found: Json = {"properties": dict(schemas)}
    for part in path:
        properties = found.get("properties") if isinstance(found, dict) else None
        found = properties.get(part) if isinstance(properties, dict) else None
    return found


def _admits(schema: Json) -> bool:
    """Whether a schema says that a dash in front is meant: it lists the values, or begins with the dash itself."""
    if not isinstance(schema, dict):
        return False
    pattern = schema.get("pattern")
    if "enum" in schema or "const" in schema:
        return True
    if isinstance(pattern, str) and _DASHED_PATTERN.match(pattern):
        return True
    types = set(_types(schema.get("type")))
    if types == {"array"}:
        return _admits(schema.get("items"))
    bounded = "minimum" in schema or "exclusiveMinimum" in schema
    return bool(types) and types <= (_HARMLESS | {"integer", "number"} if bounded else _HARMLESS)


def _types(written: Json) -> Iterator[str]:
    if isinstance(written, str):
        yield written
    elif isinstance(written, list):
        yield from (kind for kind in written if isinstance(kind, str))
