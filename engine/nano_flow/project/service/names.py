"""The names that a budget over runs may use: of workflows, tags and providers of the project around a service.yaml."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

from nano_flow.core.errors import DocumentError
from nano_flow.documents.load import checked, load_workflow
from nano_flow.documents.workflow import WorkflowDocument
from nano_flow.locate import policy_files
from nano_flow.project.extending import policy_source
from nano_flow.project.files import read_document
from nano_flow.project.finding import find_documents


class Names:
    """Looks for names only as far as it is asked: the workflows of the service first, then the whole project."""

    def __init__(self, path: Path, files: Sequence[str]) -> None:
        self._path = path
        self._files = [Path(os.path.normpath(path.parent / file)) for file in files]

    def knows_workflow(self, name: str) -> bool:
        """True where a workflow of the service, or else of the project, has this ``name:``."""
        return any(document.name == name for document in self._named) or name in self.workflows()

    def knows_tag(self, tag: str) -> bool:
        """True where routing.yaml declares the tag or a step carries it; capitals do not matter."""
        wanted = tag.casefold()
        return wanted in {one.casefold() for one in self._declared} or wanted in {t.casefold() for t in self.tags()}

    def workflows(self) -> frozenset[str]:
        """The names of all workflows of the project."""
        return frozenset(document.name for document in self._all)

    def tags(self) -> frozenset[str]:
        """The tags that are declared or carried."""
        return frozenset({*self._declared, *(tag for document in self._all for tag in _tags(document.model_dump()))})

    def providers(self) -> frozenset[str]:
        """The providers that are declared."""
        return self._providers

    @cached_property
    def _named(self) -> list[WorkflowDocument]:
        return list(_read(self._files))

    @cached_property
    def _all(self) -> list[WorkflowDocument]:
        return list(_read(find_documents([self._path.parent])))

    @cached_property
    def _providers(self) -> frozenset[str]:
        file = next(f for f in policy_files(self._path.parent, None, Path.cwd()) if f.name == "providers.yaml")
        return frozenset(checked(policy_source(file), "providers").document.providers)

    @cached_property
    def _declared(self) -> frozenset[str]:
        file = next(f for f in policy_files(self._path.parent, None, Path.cwd()) if f.name == "routing.yaml")
        document = checked(policy_source(file), "routing").document
        declared = document.model_dump().get("tags") or ()
        return frozenset(str(tag) for tag in declared)


def _read(files: Sequence[Path]) -> Iterator[WorkflowDocument]:
    """Those of ``files`` that are workflows; what is wrong in the others is said of them, not here."""
    for file in files:
        try:
            yield load_workflow(read_document(str(file)), str(file)).document
        except DocumentError:
            continue


def _tags(data: object) -> Iterator[str]:
    if isinstance(data, dict):
        for key, value in data.items():
            if key == "tags" and isinstance(value, list):
                yield from (tag for tag in value if isinstance(tag, str))
            else:
                yield from _tags(value)
    elif isinstance(data, list):
        for value in data:
            yield from _tags(value)
