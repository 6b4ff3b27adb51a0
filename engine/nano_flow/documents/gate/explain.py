"""One error of the schema gate in words, with the place that it is about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from nano_flow.documents.gate import words
from nano_flow.source.reading.text_checks import escaped
from nano_flow.source.source_map import Path


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong at ``path``: with its value, with its key, or with what is missing in it."""

    code: str
    message: str
    path: Path
    on: Literal["value", "key", "start"] = "value"
    hint: str = ""


def explain(error: Any, prefix: Path = ()) -> Iterator[Finding]:
    """The findings of one ``jsonschema.ValidationError``; an unknown key is one finding each."""
    path: Path = (*prefix, *error.path)
    handler = _HANDLERS.get(str(error.validator))
    if "propertyNames" in list(error.relative_schema_path)[-2:]:
        yield from _bad_key(error, path)
    elif handler is None:
        yield Finding("NF208", str(error.message), path)
    else:
        yield from handler(error, path)


def _unknown_keys(error: Any, path: Path) -> Iterator[Finding]:
    known = error.schema.get("properties", {})
    for key in error.instance:
        if key not in known:
            hint = words.nearest(key, known)
            yield Finding("NF203", f'unknown key "{words.shortened(key)}"{_within(path)}', (*path, key), "key", hint)


def _missing_key(error: Any, path: Path) -> Iterator[Finding]:
    for key in error.validator_value:
        if key not in error.instance and f"'{key}'" in error.message:
            hint = 'begin the file with "nano_flow: 1"' if key == "nano_flow" else ""
            yield Finding("NF202", f'the key "{key}" is missing{_within(path)}', path, "start", hint)


def _wrong_type(error: Any, path: Path) -> Iterator[Finding]:
    expected = words.type_words(error.validator_value)
    if "pattern" in error.schema:
        expected = words.pattern_words(error.schema["pattern"])
    yield _unexpected("NF204", expected, error.instance, path)


def _unexpected(code: str, expected: str, value: Any, path: Path) -> Finding:
    hint = words.look_alike_hint(expected, value)
    if not hint and words.DURATION in expected and isinstance(value, int | float) and not isinstance(value, bool):
        hint = f"write {value}s for seconds" if value >= 0 else ""
    return Finding(code, f"expected {expected}, found {words.found_words(value)}", path, hint=hint)


def _pattern(error: Any, path: Path) -> Iterator[Finding]:
    yield _unexpected("NF205", words.pattern_words(str(error.validator_value)), error.instance, path)


def _bad_key(error: Any, path: Path) -> Iterator[Finding]:
    key = str(error.instance)
    expected = words.pattern_words(str(error.validator_value))
    suggestion = key.lower().replace("-", "_").replace(" ", "_")
    hint = f'for instance "{suggestion}"' if suggestion != key and suggestion.isidentifier() else ""
    message = f'"{words.shortened(key)}" is no name for this: expected {expected}'
    yield Finding("NF206", message, (*path, key), "key", hint)


def _one_of(error: Any, path: Path) -> Iterator[Finding]:
    value = error.validator_value
    if isinstance(error.instance, bool | int | float | str):
        near = words.nearest(str(error.instance), [str(entry) for entry in value])
    else:
        near = ""
    expected = words.any_of(f'"{entry}"' if isinstance(entry, str) else str(entry).lower() for entry in value)
    finding = _unexpected("NF207", expected, error.instance, path)
    yield Finding(finding.code, finding.message, path, hint=near or finding.hint)


def _constant(error: Any, path: Path) -> Iterator[Finding]:
    expected = error.validator_value
    shown = f'"{expected}"' if isinstance(expected, str) else str(expected).lower()
    yield _unexpected("NF207", shown, error.instance, path)


def _out_of_range(error: Any, path: Path) -> Iterator[Finding]:
    bound = {
        "minimum": "at least",
        "maximum": "at most",
        "exclusiveMinimum": "more than",
        "exclusiveMaximum": "less than",
    }[str(error.validator)]
    found = words.found_words(error.instance)
    yield Finding("NF208", f"expected {bound} {error.validator_value}, found {found}", path)


def _too_few_or_many(error: Any, path: Path) -> Iterator[Finding]:
    kind, bound = str(error.validator), error.validator_value
    size = len(error.instance)
    what = {"Length": "characters", "Items": "items", "Properties": "entries"}[kind[3:]]
    if size == 0:
        yield Finding("NF209", "this must not be empty", path)
    else:
        side = "at least" if kind.startswith("min") else "at most"
        yield Finding("NF209", f"expected {side} {bound} {what}, found {size}", path)


def _kinds(error: Any, path: Path) -> Iterator[Finding]:
    keys = [branch["required"][0] for branch in error.validator_value]
    if not isinstance(error.instance, dict):
        return
    found = [key for key in error.instance if key in keys]
    name = str(error.schema.get("title", "mapping")).lower()
    if len(found) > 1:
        listed = " and ".join(f'"{key}"' for key in found)
        yield Finding("NF210", f"a {name} has one of these keys, found {listed}", (*path, found[1]), "key")
        return
    for key in error.instance:
        hint = words.nearest(str(key), keys)
        if hint:
            yield Finding("NF203", f'unknown key "{words.shortened(key)}"{_within(path)}', (*path, key), "key", hint)
            return
    yield Finding("NF210", f"a {name} needs one of these keys: {', '.join(keys)}", path, "start")


def _alternatives(error: Any, path: Path) -> Iterator[Finding]:
    """Of several forms, the errors of the one that the value seems to mean; else all forms named."""
    by_branch: dict[int, list[Any]] = {}
    for inner in error.context or ():
        by_branch.setdefault(int(inner.schema_path[0]), []).append(inner)
    meant = [errors for errors in by_branch.values() if not any(_is_other_form(inner) for inner in errors)]
    if len(meant) == 1 and not any(inner.validator == "pattern" and not inner.path for inner in meant[0]):
        for inner in meant[0]:
            yield from explain(inner, path)
        return
    forms = list(dict.fromkeys(form for schema in error.validator_value for form in _form_words(schema)))
    if words.TOKENS in forms:
        forms.remove("a whole number")
    yield _unexpected("NF204", words.any_of(forms), error.instance, path)


def _is_other_form(error: Any) -> bool:
    """True where the value is of another type than this form altogether."""
    return not error.path and error.validator in ("type", "const")


def _form_words(schema: Any) -> list[str]:
    if "const" in schema:
        return [str(schema["const"]).lower()]
    if "enum" in schema:
        return [f'"{entry}"' for entry in schema["enum"]]
    if "pattern" in schema:
        return [words.pattern_words(schema["pattern"])]
    return [words.type_words(schema.get("type", "object"))]


def _within(path: Path) -> str:
    return f' in "{address(path)}"' if path else ""


def address(path: Path) -> str:
    """``("steps", "a", "verify", 0)`` → ``steps.a.verify[0]``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{escaped(part)}" if text else escaped(part)
    return text


_HANDLERS: dict[str, Callable[[Any, Path], Iterator[Finding]]] = {
    "additionalProperties": _unknown_keys,
    "required": _missing_key,
    "type": _wrong_type,
    "pattern": _pattern,
    "enum": _one_of,
    "const": _constant,
    "minimum": _out_of_range,
    "maximum": _out_of_range,
    "exclusiveMinimum": _out_of_range,
    "exclusiveMaximum": _out_of_range,
    "minLength": _too_few_or_many,
    "maxLength": _too_few_or_many,
    "minItems": _too_few_or_many,
    "maxItems": _too_few_or_many,
    "minProperties": _too_few_or_many,
    "maxProperties": _too_few_or_many,
    "oneOf": _kinds,
    "anyOf": _alternatives,
}
