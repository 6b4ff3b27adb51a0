"""What a step says of its model calls: who may answer, and what the reply must be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Literal

from nano_flow.core.messages import Json

if TYPE_CHECKING:
    from nano_flow.documents.agent import AgentSettings

Fallback = tuple[str, ...] | str | Literal[False] | None
"""Models in the order to try, a chain's name, False for none, None for what the policy says."""


@dataclass(frozen=True, slots=True)
class RouteSpec:
    """Who may answer a call. It is carried whole, from the plan to the decision.

    ``model`` is ``auto``, a tier or ``provider/model``; ``providers`` empty admits all of them. The score is
    ``complexity`` itself, or what routing computes, within the two bounds.
    """

    model: str = "auto"
    policy: str = "default"
    providers: tuple[str, ...] = ()
    complexity: float | None = None
    complexity_at_least: float | None = None
    complexity_at_most: float | None = None
    fallback: Fallback = None
    tags: tuple[str, ...] = ()

    def said(self) -> dict[str, Json]:
        """All that differs from the default as plain data, but for what a decision tells under names of its own."""
        differ = ((f.name, getattr(self, f.name)) for f in fields(self) if f.name not in _TOLD_ELSEWHERE)
        return {
            name: [*value] if isinstance(value, tuple) else value
            for name, value in differ
            if value != getattr(USUAL_ROUTE, name)
        }

    @staticmethod
    def from_said(said: Mapping[str, Json], model: str, policy: str) -> RouteSpec:
        """The spec that ``said()`` told of; what is not there, or of another type, has its default."""
        fallback = said.get("fallback")
        return RouteSpec(
            model=model,
            policy=policy,
            providers=_texts(said.get("providers")),
            complexity=_number(said.get("complexity")),
            complexity_at_least=_number(said.get("complexity_at_least")),
            complexity_at_most=_number(said.get("complexity_at_most")),
            fallback=_texts(fallback) if isinstance(fallback, list) else _chain(fallback),
        )


USUAL_ROUTE = RouteSpec()
"""The route of a step that says nothing of it."""
_TOLD_ELSEWHERE = frozenset({"model", "policy", "tags"})
"""Fields of a route that a decision holds as ``requested``, ``policy`` and among its facts."""


@dataclass(frozen=True, slots=True)
class ReplySpec:
    """What is asked of the reply beside its text. All of it is part of the question (``gateway/sending/fingerprint``).

    ``max_output_tokens`` None takes the model's usual cap.
    """

    output_schema: Mapping[str, Json] | None = None
    params: Mapping[str, Json] = field(default_factory=dict)
    max_output_tokens: int | None = None


USUAL_REPLY = ReplySpec()
"""The reply of a step that says nothing of it."""
_SAID_OF_ROUTE = frozenset({"model", "policy", "provider", "complexity", "fallback"})
"""Keys of a step's document that a route is made of."""


def route_spec(document: AgentSettings) -> RouteSpec:
    """Who may answer, as a step's document says it."""
    if _SAID_OF_ROUTE.isdisjoint(document.model_fields_set):
        return USUAL_ROUTE
    bounds = document.complexity
    exact = bounds if isinstance(bounds, int | float) else None
    return RouteSpec(
        model="auto" if document.model is None or "{{" in document.model else document.model,
        policy=document.policy or "default",
        providers=tuple(document.provider or ()),
        complexity=exact,
        complexity_at_least=None if bounds is None or isinstance(bounds, int | float) else bounds.at_least,
        complexity_at_most=None if bounds is None or isinstance(bounds, int | float) else bounds.at_most,
        fallback=_fallback(document.fallback),
    )


def reply_spec(document: AgentSettings, output_schema: Mapping[str, Json] | None) -> ReplySpec:
    """What the reply must be, as a step's document says it; ``output_schema`` is what its file or text came to."""
    if output_schema is None and document.params is None and document.max_output_tokens is None:
        return USUAL_REPLY
    params = {} if document.params is None else document.params.model_dump(exclude_none=True)
    if isinstance(choice := params.get("tool_choice"), dict):
        params["tool_choice"] = choice["tool"]
    return ReplySpec(output_schema, params, document.max_output_tokens)


def _fallback(value: list[str] | str | Literal[False] | None) -> Fallback:
    if isinstance(value, str):
        # A chain's name cannot hold a slash: with one it is a single model.
        return (value,) if "/" in value else value
    return tuple(value) if isinstance(value, list) else value


def _chain(value: Json) -> Fallback:
    return value if value is False or isinstance(value, str) else None


def _texts(value: Json) -> tuple[str, ...]:
    return tuple(str(entry) for entry in value) if isinstance(value, list) else ()


def _number(value: Json) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
