"""What every document is made of: strict models that are built on demand, names, durations, tokens, dollars."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, core_schema

from nano_flow.core.text import seconds_of
from nano_flow.source.scalars import ExactFloat

LANGUAGE_VERSIONS = (1,)


class Document(BaseModel):
    """A mapping of a document: unknown keys are refused, ``true`` is no number and ``"1"`` is none either."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


T = TypeVar("T")


class _NotNull:
    """Lets a key be absent, but not empty: ``timeout:`` without a value is a slip, not a choice."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = handler(source)
        inner: CoreSchema = schema["schema"] if schema["type"] == "nullable" else schema
        return inner


MODELS = "nano_flow_models"
"""Key of the metadata that tells the schema writer which models stand here: key of the choice → model."""
CHOICE = "nano_flow_choice"


class _Exactly:
    """Python's ``True == 1``: without this Pydantic takes ``true`` for 1, and 0 for ``false``."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema: Any = handler(source)
        types = {type(expected) for expected in schema["expected"]}

        def check(value: Any) -> Any:
            if type(value) not in types:
                raise ValueError("expected " + " or ".join(str(expected) for expected in get_args(source)))
            return value

        return core_schema.no_info_before_validator_function(check, schema)


class _FirstOnly:
    """A list that is wrong is refused at its first wrong item: the schema gate finds the others."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema: Any = handler(source)
        return {**schema, "fail_fast": True}


class Later:
    """``Annotated[Model, Later()]``: the model of this place is built with the first value that comes."""

    def __get_pydantic_core_schema__(self, model: type[BaseModel], handler: GetCoreSchemaHandler) -> CoreSchema:
        validate: Callable[[Any], BaseModel] = model.model_validate
        return core_schema.no_info_plain_validator_function(validate, metadata={MODELS: {"": model}})


class OneOf:
    """``Annotated[A | B, OneOf(kind_of_thing, ("a", "b"))]``: the key that a mapping holds tells its model."""

    def __init__(self, choose: Callable[[Any], str | None], keys: tuple[str, ...]) -> None:
        self._choose = choose
        self._keys = keys

    def __get_pydantic_core_schema__(self, union: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        models: Mapping[str, type[BaseModel]] = dict(zip(self._keys, get_args(union), strict=True))
        choose = self._choose
        expected = ", ".join(self._keys)

        def validate(value: Any) -> BaseModel:
            key = choose(value)
            if key is None:
                raise ValueError(f"expected a mapping with one of these keys: {expected}")
            return models[key].model_validate(value)

        name = choose.__name__.removeprefix("kind_of_").title()
        return core_schema.no_info_plain_validator_function(validate, metadata={MODELS: models, CHOICE: name})


def key_in(value: Any, keys: tuple[str, ...]) -> str | None:
    """The first of ``keys`` that the mapping ``value`` holds."""
    if isinstance(value, dict):
        for key in keys:
            if key in value:
                return key
    return None


LanguageVersion = Annotated[Literal[1], _Exactly()]
No = Annotated[Literal[False], _Exactly()]
"""``false``, beside other things that a key may hold."""
Items = Annotated[list[T], _FirstOnly()]
"""``Items[X]``: a list of X."""
Maybe = Annotated[T | None, _NotNull()]
"""``Maybe[X]``: X where the key is given, else None; ``null`` itself is refused."""
Part = Annotated[T, Later()]
"""``Part[Model]``: a mapping inside a document whose model is built when it is needed."""

DURATION_PATTERN = r"^(?:[0-9]{1,9}(?:\.[0-9]{1,6})?(?:ms|s|m|h|d)){1,5}$"
TIMEOUT_PATTERN = DURATION_PATTERN.replace("^", "^(?=[^1-9]*[1-9])", 1)
TOKENS_PATTERN = r"^[0-9]{1,9}(?:\.[0-9]{1,3})?[kM]$"
MAX_TOKENS = 1_000_000_000_000
MAX_USD = 1_000_000_000
_DURATION = re.compile(DURATION_PATTERN.replace("$", r"\Z"))
_TOKENS = re.compile(TOKENS_PATTERN.replace("$", r"\Z"))


def duration_seconds(value: object) -> float:
    """Seconds of ``500ms``, ``30s``, ``5m``, ``1h30m``, ``2d``; ValueError for anything else."""
    if not isinstance(value, str) or _DURATION.match(value) is None:
        raise ValueError("expected a duration such as 30s, 5m or 1h30m")
    return seconds_of(value)


def timeout_seconds(value: object) -> float:
    """The same; ValueError for 0 s as well, with which whatever is bounded could only fail."""
    seconds = duration_seconds(value)
    if not seconds:
        raise ValueError("expected a duration above 0 s, such as 30s, or no such key")
    return seconds


def token_count(value: object) -> int:
    """A count of tokens: a whole number, ``200k`` or ``1M``; ValueError for anything else."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_TOKENS:
        return value
    if isinstance(value, str) and _TOKENS.match(value) is not None:
        return int(Decimal(value[:-1]) * (1_000 if value[-1] == "k" else 1_000_000))
    raise ValueError("expected a whole number, 200k or 1M")


def dollars(value: object) -> Decimal:
    """US dollars, exact, from a number as it was written; ValueError for text, booleans and negatives."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError("expected an amount of US dollars, a number such as 0.50")
    amount = Decimal(value.text if isinstance(value, ExactFloat) else str(value))
    if not 0 <= amount <= MAX_USD:
        raise ValueError(f"expected an amount of US dollars from 0 to {MAX_USD}")
    return amount


def _written(value: object) -> object:
    """A scalar as it was written, for places that take text: ``[sleep, 1]`` means ``[sleep, "1"]``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, ExactFloat):
        return value.text
    return str(value) if isinstance(value, int | float) else value


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


_TOKENS_SCHEMA = {
    "anyOf": [{"type": "integer", "minimum": 0, "maximum": MAX_TOKENS}, {"type": "string", "pattern": TOKENS_PATTERN}],
    "description": "A whole number; 200k and 1M are allowed.",
}
_DURATION_SCHEMA = {
    "type": "string",
    "pattern": DURATION_PATTERN,
    "description": "A duration: 500ms, 30s, 5m, 1h30m, 2d.",
}
_TIMEOUT_SCHEMA = {
    "type": "string",
    "pattern": TIMEOUT_PATTERN,
    "description": "A duration above 0 s: 500ms, 30s, 5m, 1h30m, 2d.",
}
_USD_SCHEMA = {"type": "number", "minimum": 0, "maximum": MAX_USD, "description": "US dollars."}

Duration = Annotated[float, PlainValidator(duration_seconds), WithJsonSchema(_DURATION_SCHEMA)]
"""Seconds."""
Timeout = Annotated[float, PlainValidator(timeout_seconds), WithJsonSchema(_TIMEOUT_SCHEMA)]
"""Seconds, more than none."""
TokenCount = Annotated[int, PlainValidator(token_count), WithJsonSchema(_TOKENS_SCHEMA)]
UsdAmount = Annotated[Decimal, PlainValidator(dollars), WithJsonSchema(_USD_SCHEMA)]

Day = Annotated[str, Field(pattern=r"^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])$")]
StepId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
"""Of tiers, policies, chains, providers, tools."""
Title = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9._ -]{0,98}[A-Za-z0-9])?$")]
"""Of a workflow: it stands in paths, logs and terminal titles."""
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")]
"""Of inputs, variables of the environment, names that expressions use."""
Variable = Annotated[str, StringConstraints(pattern=r"^[a-z][A-Za-z0-9_]{0,63}$")]
"""A name that ``as`` introduces."""
Label = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
"""Of workers: what they can do, or where they stand."""
Text = Annotated[str, StringConstraints(min_length=1)]
TemplateText = Text
"""Text that may hold ``{{ }}`` and ``{% %}``."""
Expression = Text
"""A bare expression, or ``{{ expression }}``."""
Argument = Annotated[str, BeforeValidator(_written), WithJsonSchema({"type": ["string", "number", "boolean"]})]
"""Text that becomes an argument or a variable of a process; a number or boolean is taken as it was written."""
_WORDS_SCHEMA = {
    "anyOf": [{"type": "array", "items": {"type": "string", "minLength": 1}}, {"type": "string", "minLength": 1}]
}
Words = Annotated[Items[Text], BeforeValidator(_listed), WithJsonSchema(_WORDS_SCHEMA)]
"""A list of texts, or one text."""
PlainData = Any
"""Whatever YAML can hold; checked elsewhere, or data by nature."""
JsonSchema = dict[str, Any]
"""A JSON Schema, or ``{file: schema.json}``."""
Share = Annotated[float, Field(gt=0, le=1)]
Points = Annotated[float, Field(ge=-100, le=100)]
Score = Annotated[float, Field(ge=0, le=10)]


class FileReference(Document):
    """A text that stands in a file of its own."""

    file: Text
    """Path, relative to this document."""


class SharedReference(Document):
    """A text that stands under `shared` of this file."""

    use: Name
    """Its name there."""


SOURCE_KEYS = ("file", "use")


def kind_of_source(value: Any) -> str | None:
    """The key that tells where a text stands."""
    return key_in(value, SOURCE_KEYS)


Elsewhere = Annotated[FileReference | SharedReference, OneOf(kind_of_source, SOURCE_KEYS)]
"""``{file: …}`` or ``{use: …}``."""


class RowsFile(Document):
    """A list that stands in a file."""

    file: TemplateText
    """A .csv, .jsonl, .json or .txt file, relative to `workspace`; read when the step starts."""
