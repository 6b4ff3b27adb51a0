"""Text to typed documents: YAML, then the model; a document that is refused gets located errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from pydantic import ValidationError

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.core.errors import DocumentError
from nano_flow.documents.common import LANGUAGE_VERSIONS, Document
from nano_flow.documents.gate.kinds import Kind, kind_of_document, model_of
from nano_flow.source.collector import collector_paused
from nano_flow.source.source_map import SourceDocument
from nano_flow.source.yaml_nodes import read_yaml

if TYPE_CHECKING:
    from nano_flow.documents.pricing import PricingDocument
    from nano_flow.documents.providers import ProvidersDocument
    from nano_flow.documents.routing import RoutingDocument
    from nano_flow.documents.service import ServiceDocument
    from nano_flow.documents.tests import PolicyTestsDocument, WorkflowTestsDocument
    from nano_flow.documents.workflow import WorkflowDocument

D = TypeVar("D", bound=Document)


@dataclass(frozen=True, slots=True)
class Loaded(Generic[D]):
    """A document as its model, with the text that it was read from and what is suspicious in it."""

    document: D
    source: SourceDocument
    warnings: tuple[Diagnostic, ...] = ()


WorkflowSource: TypeAlias = "Loaded[WorkflowDocument]"
ProvidersSource: TypeAlias = "Loaded[ProvidersDocument]"
RoutingSource: TypeAlias = "Loaded[RoutingDocument]"
PricingSource: TypeAlias = "Loaded[PricingDocument]"
ServiceSource: TypeAlias = "Loaded[ServiceDocument]"
TestsSource: TypeAlias = "Loaded[WorkflowTestsDocument]"
PolicyTestsSource: TypeAlias = "Loaded[PolicyTestsDocument]"


def load_workflow(text: bytes | str, file: str) -> WorkflowSource:
    """A workflow; ``file`` is the name that diagnostics show. Raises DocumentError with all that is wrong."""
    return _load(text, file, "workflow")


def load_providers(text: bytes | str, file: str) -> ProvidersSource:
    """Providers and models. Raises DocumentError."""
    return _load(text, file, "providers")


def load_routing(text: bytes | str, file: str) -> RoutingSource:
    """A routing document. Raises DocumentError."""
    return _load(text, file, "routing")


def load_pricing(text: bytes | str, file: str) -> PricingSource:
    """Prices. Raises DocumentError."""
    return _load(text, file, "pricing")


def load_service(text: bytes | str, file: str) -> ServiceSource:
    """A service. Raises DocumentError."""
    return _load(text, file, "service")


def load_tests(text: bytes | str, file: str) -> TestsSource:
    """Tests of a workflow. Raises DocumentError."""
    return _load(text, file, "test")


def load_policy_tests(text: bytes | str, file: str) -> PolicyTestsSource:
    """Tests of the routing policy. Raises DocumentError."""
    return _load(text, file, "policy_test")


def load_any(text: bytes | str, file: str, kind: Kind | None = None) -> tuple[Kind, Loaded[Any]] | None:
    """A document of the kind that its name and keys say; None where it is none of ours. Raises DocumentError."""
    source = read_yaml(text, file)
    chosen = kind or kind_of_document(file.replace("\\", "/").rpartition("/")[2], source.data)
    return (chosen, checked(source, chosen)) if chosen else None


def checked(source: SourceDocument, kind: Kind) -> Loaded[Any]:
    """A text that was read, as its model. Raises DocumentError."""
    _check_version(source)
    model = model_of(kind)
    with collector_paused():
        try:
            document = model.model_validate(source.data)
        except ValidationError as error:
            from nano_flow.documents.gate.located import located_errors

            raise DocumentError([*source.warnings, *located_errors(source, kind, error)]) from None
    return Loaded(document, source, (*source.warnings, *_slips(source)))


def _load(text: bytes | str, file: str, kind: Kind) -> Loaded[Any]:
    return checked(read_yaml(text, file), kind)


def _check_version(source: SourceDocument) -> None:
    """A document of another version gets one error, not one for each key that this build does not know."""
    if not isinstance(source.data, dict) or "nano_flow" not in source.data:
        return
    version = source.data["nano_flow"]
    if isinstance(version, int) and not isinstance(version, bool) and version in LANGUAGE_VERSIONS:
        return
    from nano_flow.documents.gate.words import found_words

    known = " or ".join(str(number) for number in LANGUAGE_VERSIONS)
    message = f"this build reads version {known} of the language, found {found_words(version)}"
    where = source.value_range(("nano_flow",))
    raise DocumentError([Diagnostic("error", "NF201", message, where, "nano_flow", f"nano_flow: {known}")])


def _slips(source: SourceDocument) -> list[Diagnostic]:
    if "#" not in source.text:
        return []
    from nano_flow.documents.gate.slips import cut_by_comments

    return cut_by_comments(source)
