"""The kinds of document: how each is recognised and which model reads it; models are built when they are needed."""

from __future__ import annotations

from typing import Any, Literal

from nano_flow.documents.common import Document

Kind = Literal["workflow", "providers", "routing", "pricing", "service", "test", "policy_test"]
KINDS: tuple[Kind, ...] = ("workflow", "providers", "routing", "pricing", "service", "test", "policy_test")
_FILE_NAMES: dict[str, Kind] = {
    "providers": "providers",
    "routing": "routing",
    "pricing": "pricing",
    "service": "service",
}
_KEYS: tuple[tuple[str, Kind], ...] = (
    ("cases", "policy_test"),
    ("providers", "providers"),
    ("tiers", "routing"),
    ("policies", "routing"),
    ("steps", "workflow"),
    ("models", "pricing"),
    ("workflows", "service"),
    ("budgets", "service"),
)
_SUFFIXES = (".yaml", ".yml")


def kind_of_document(file_name: str, data: Any) -> Kind | None:
    """What a document is, by the name of its file, else by its keys; None where it is none of ours."""
    keys = data if isinstance(data, dict) else {}
    stem = _stem(file_name)
    if stem.endswith(".test"):
        if stem == "routing.test" or (
            "workflow" not in keys and ("routing" in keys or _has_prompts(keys.get("cases")))
        ):
            return "policy_test"
        return "test"
    if stem in _FILE_NAMES:
        return _FILE_NAMES[stem]
    if "cases" in keys and "workflow" in keys:
        return "test"
    ours = "nano_flow" in keys or not isinstance(data, dict)  # a list or a text can only be a workflow gone wrong
    return next((kind for key, kind in _KEYS if key in keys), "workflow" if ours else None)


def _has_prompts(cases: Any) -> bool:
    """Whether cases are of a policy: they say a prompt, where those of a workflow say inputs and replies."""
    return isinstance(cases, dict) and any(isinstance(case, dict) and "prompt" in case for case in cases.values())


def is_known_name(file_name: str) -> bool:
    """True for the names that only our documents have: providers.yaml, routing.yaml …, *.test.yaml."""
    stem = _stem(file_name)
    return stem in _FILE_NAMES or stem.endswith(".test")


def _stem(file_name: str) -> str:
    return next((file_name[: -len(suffix)] for suffix in _SUFFIXES if file_name.endswith(suffix)), file_name)


def model_of(kind: Kind) -> type[Document]:
    """The Pydantic model of a kind; only its own module is imported."""
    if kind == "workflow":
        from nano_flow.documents.workflow import WorkflowDocument

        return WorkflowDocument
    if kind == "providers":
        from nano_flow.documents.providers import ProvidersDocument

        return ProvidersDocument
    if kind == "routing":
        from nano_flow.documents.routing import RoutingDocument

        return RoutingDocument
    if kind == "pricing":
        from nano_flow.documents.pricing import PricingDocument

        return PricingDocument
    if kind == "service":
        from nano_flow.documents.service import ServiceDocument

        return ServiceDocument
    from nano_flow.documents.tests import PolicyTestsDocument, WorkflowTestsDocument

    return WorkflowTestsDocument if kind == "test" else PolicyTestsDocument
