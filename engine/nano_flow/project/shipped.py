"""Checks a workflow under the policies that ship: they are known to be good, so each is read when a check asks."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from nano_flow.bundled import bundled_path, bundled_text
from nano_flow.core.diagnostics import Diagnostic
from nano_flow.core.errors import DocumentError
from nano_flow.core.refs import ModelRef
from nano_flow.documents.load import WorkflowSource, load_workflow
from nano_flow.locate import POLICY_NAMES, PolicyFile, repository_root
from nano_flow.plan.compile import compile_workflow
from nano_flow.plan.draft import CompileContext
from nano_flow.plugins import installed
from nano_flow.project.files import read_document, read_inside, text_inside

if TYPE_CHECKING:
    from nano_flow.documents.routing import RoutingDocument
    from nano_flow.plan.catalogue import Catalogue
    from nano_flow.pricing.prices import Prices
    from nano_flow.project.policies import Policies


def check_under_shipped(path: str) -> list[Diagnostic]:
    """All that is wrong or suspicious in a workflow that no file of its project sends to other models."""
    try:
        source = _source(os.path.abspath(path), path)
    except DocumentError as error:
        return list(error.diagnostics)
    return list(compile_workflow(source, _ShippedContext(Path(path).absolute().parent)).diagnostics)


def _source(path: str, shown: str) -> WorkflowSource:
    return load_workflow(read_document(path, shown), shown)


class _ShippedContext(CompileContext):
    """A context whose policies are read on first use: most workflows name no model, and pay for none of them."""

    def __init__(self, folder: Path) -> None:
        root = str(repository_root(folder) or folder)
        given: dict[str, object] = {
            "read_file": partial(text_inside, root),
            "load_workflow": lambda path, shown: load_workflow(read_inside(root, path), shown),
            "folder": os.getcwd(),
            "root": root,
            "is_priced": lambda ref: _prices().priced(ref, time.time()),
            "retires": _retires,
            "forbidding": _forbidding,
            "is_installed_tool": lambda name: name in installed("tools"),
            "are_shipped": True,
        }
        for name, value in given.items():
            object.__setattr__(self, name, value)

    @property
    def catalogue(self) -> Catalogue:
        """The shipped providers and models."""
        return _catalogue()

    @property
    def routing(self) -> RoutingDocument:
        """The shipped tiers, chains and policies."""
        return _routing()

    @property
    def unpriced_models_pass(self) -> bool:
        """What the shipped price list says of unknown prices."""
        return not _prices().refuse_unpriced


@cache
def _catalogue() -> Catalogue:
    from nano_flow.documents.load import load_providers
    from nano_flow.plan.catalogue_build import build_catalogue

    return build_catalogue(load_providers(bundled_text("providers.yaml"), "providers.yaml").document)


@cache
def _routing() -> RoutingDocument:
    from nano_flow.documents.load import load_routing

    return load_routing(bundled_text("routing.yaml"), "routing.yaml").document


def _retires(model: ModelRef) -> str:
    from nano_flow.project.oversights.retiring import retires

    return retires(_catalogue(), model)


def _forbidding(policy: str, model: ModelRef, tags: Sequence[str]) -> str:
    return _policies().forbidding(policy, model, tags)


@cache
def _policies() -> Policies:
    from nano_flow.project.policies import read_policies

    return read_policies([PolicyFile(name, bundled_path(name), "bundled") for name in POLICY_NAMES])


@cache
def _prices() -> Prices:
    from nano_flow.documents.load import load_pricing
    from nano_flow.pricing.prices import Prices

    document = load_pricing(bundled_text("pricing.yaml"), "pricing.yaml").document
    return Prices.from_document(document, _catalogue())
