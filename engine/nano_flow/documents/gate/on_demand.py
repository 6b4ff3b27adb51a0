"""Models that are built when a document needs them: ten prompts do not pay for approvals, tools and tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

MODELS = "nano_flow_models"
"""Key of the metadata that tells the schema writer which models stand here: key of the choice → model."""
CHOICE = "nano_flow_choice"
T = TypeVar("T")


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
