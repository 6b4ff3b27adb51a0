"""From the path of a workflow to its plan, with everything that the plan was made from."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.core.errors import DocumentError
from nano_flow.documents.load import WorkflowSource, load_workflow
from nano_flow.locate import policy_files, repository_root
from nano_flow.plan.compile import CompileResult, compile_workflow
from nano_flow.plan.draft import CompileContext
from nano_flow.plan.plan import Plan
from nano_flow.plan.walk import every_step
from nano_flow.plugins import installed
from nano_flow.project.files import read_document, read_inside, text_inside
from nano_flow.project.oversights.retiring import retires
from nano_flow.project.policies import Policies, read_policies


@dataclass(frozen=True, slots=True)
class Opened:
    """A workflow that may run. ``texts`` are the workflow and all files that it names, as they were read."""

    plan: Plan
    policies: Policies
    texts: Mapping[str, str]
    warnings: tuple[Diagnostic, ...]


def open_workflow(path: str, config_dir: Path | None = None, texts: Mapping[str, str] | None = None) -> Opened:
    """Read, check and plan a workflow. Raises DocumentError with all that is wrong; starts and sends nothing.

    ``texts`` (path or policy name → text) take the place of files: a run goes on with the documents it began with.
    """
    opener = Opener(config_dir, texts or {})
    result, policies = opener.compile(path)
    if result.plan is None:
        raise DocumentError(result.diagnostics)
    return Opened(result.plan, policies, opener.read, (*policies.warnings, *result.diagnostics))


def check_workflow(path: str, config_dir: Path | None = None) -> tuple[Diagnostic, ...]:
    """All that is wrong or suspicious in a workflow and the policies that it would run under."""
    try:
        result, _ = Opener(config_dir, {}).compile(path)
    except DocumentError as error:
        return error.diagnostics
    return result.diagnostics


class Opener:
    """Reads files once and remembers what it read."""

    def __init__(self, config_dir: Path | None, texts: Mapping[str, str], policies: Policies | None = None) -> None:
        self._config_dir = config_dir
        self._texts = texts
        self._policies = policies
        self._root = ""
        self.read: dict[str, str] = {}

    def compile(self, path: str) -> tuple[CompileResult, Policies]:
        """Plan the workflow at ``path``. Raises DocumentError where it, or a policy, cannot even be read."""
        absolute = os.path.abspath(path)
        folder = Path(absolute).parent
        self._root = str(repository_root(folder) or folder)
        source = self._read(absolute, path, read_document)
        policies = self._policies
        if policies is None:
            files = policy_files(folder, self._config_dir, Path.cwd())
            policies = read_policies(files, {n: t for n, t in self._texts.items() if "/" not in n})
        context = CompileContext(
            catalogue=policies.catalogue,
            read_file=self._text,
            load_workflow=self._load,
            folder=os.getcwd(),
            root=self._root,
            routing=policies.routing_document,
            is_priced=lambda ref: policies.prices.priced(ref, time.time()),
            retires=partial(retires, policies.catalogue),
            unpriced_models_pass=policies.unpriced_pass,
            forbidding=policies.forbidding,
            is_installed_tool=lambda name: name in installed("tools"),
        )
        return compile_workflow(source, context), policies

    def _load(self, path: str, shown: str) -> WorkflowSource:
        """Another workflow that this one names."""
        return self._read(path, shown, lambda p, _: read_inside(self._root, p))

    def _read(self, path: str, shown: str, read: Callable[[str, str], bytes]) -> WorkflowSource:
        known = self._texts.get(path)
        data = known.encode("utf-8") if known is not None else read(path, shown)
        source = load_workflow(data, shown)
        self.read[path] = source.source.text
        return source

    def _text(self, path: str) -> str:
        known = self._texts.get(path)
        text = known if known is not None else text_inside(self._root, path)
        self.read[path] = text
        return text


def step_digests(plan: Plan) -> dict[str, str]:
    """Address without indices → digest of the step's definition, or the digests of all steps that share the address.

    The cases of a switch have its address, and steps of the same id inside two cases share theirs.
    """
    found: dict[str, str] = {}
    for path, step in every_step(plan.graph):
        found[path] = f"{found[path]} {step.digest}" if path in found else step.digest
    return found


def step_kinds(plan: Plan) -> dict[str, str]:
    """Address without indices → kind of step."""
    found: dict[str, str] = {}
    for path, step in every_step(plan.graph):
        found.setdefault(path, step.kind)
    return found
