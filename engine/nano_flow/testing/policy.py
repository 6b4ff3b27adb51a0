"""Policy tests: the requests of ``routing.test.yaml`` and what is expected of their decisions."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from nano_flow.core.diagnostics import Diagnostic, SourceRange
from nano_flow.core.errors import DocumentError, NanoFlowError
from nano_flow.core.messages import Json
from nano_flow.documents.gate.kinds import kind_of_document
from nano_flow.documents.load import PolicyTestsSource, load_policy_tests
from nano_flow.documents.tests import PolicyCaseDocument, PolicyExpectation
from nano_flow.locate import PolicyFile, policy_files
from nano_flow.project.checking import missing_document
from nano_flow.project.files import read_document, shown_path
from nano_flow.project.policies import Policies, read_policies
from nano_flow.review.asking import Question, ask, check_tags, request_of, world_of
from nano_flow.routing.request import RouteDecision
from nano_flow.source.yaml_nodes import read_yaml
from nano_flow.testing.expect import differences

SUFFIXES = ("routing.test.yaml", "routing.test.yml")


@dataclass(frozen=True, slots=True)
class PolicyCase:
    """One case, where it stands, and what is expected."""

    file: str
    line: int
    name: str
    document: PolicyCaseDocument

    def question(self) -> Question:
        """The request of the case."""
        case = self.document
        return Question(
            prompt=case.prompt,
            tags=tuple(case.tags or ()),
            tools=len(case.tools or ()),
            policy=case.policy or "default",
            facts=case.facts or {},
        )

    def decide(self, policies: Policies) -> RouteDecision:
        """What ``policies`` decide, with the credentials of every provider. ValueError for an unknown fact, policy."""
        named, known = self.document.policy or "default", {"default", *policies.routing.policies}
        if named not in known:
            raise ValueError(f'there is no policy "{named}"; policies are: {", ".join(sorted(known))}')
        check_tags(tuple(self.document.tags or ()), policies)
        return ask(request_of(self.question()), policies, world_of(policies, time.time()))


@dataclass(frozen=True, slots=True)
class PolicyCaseResult:
    """What became of a case; ``problems`` is empty where it passed."""

    case: PolicyCase
    problems: tuple[str, ...]
    duration_s: float = 0.0


@dataclass(frozen=True, slots=True)
class PolicyTests:
    """One document of policy tests."""

    path: Path
    source: PolicyTestsSource

    def cases(self) -> list[PolicyCase]:
        """In the order of the file."""
        shown = shown_path(str(self.path))
        return [
            PolicyCase(shown, self.source.source.key_range(("cases", name)).line, name, case)
            for name, case in self.source.document.cases.items()
        ]

    def policies(self, config_dir: Path | None = None) -> Policies:
        """The policies that the cases are about: the routing document that they name, else the one in force."""
        files = policy_files(self.path.absolute().parent, config_dir, Path.cwd())
        named = self.source.document.routing
        if named:
            if missing := missing_document(self.source, self.path, "routing"):
                raise DocumentError(missing)
            own = PolicyFile("routing.yaml", self.path.parent / named, "project")
            files = tuple(own if file.name == "routing.yaml" else file for file in files)
        return read_policies(files)


def read_policy_tests(path: Path) -> PolicyTests:
    """One document. Raises DocumentError, also for a document of another kind."""
    shown = shown_path(str(path))
    if not is_policy_test(path):
        message, hint = "this holds no policy tests: these have `cases` with a `prompt` each", ""
        if path.name.endswith((".test.yaml", ".test.yml")):
            hint = f"nano-flow test {shown} runs tests of workflows"
        raise DocumentError([Diagnostic("error", "NF200", message, SourceRange(shown, 1, 1, 1, 1), "", hint)])
    return PolicyTests(path, load_policy_tests(read_document(str(path), shown), shown))


def run_policy_tests(path: Path, wanted: str = "", config_dir: Path | None = None) -> Iterator[PolicyCaseResult]:
    """The cases of one document whose ``file::name`` holds ``wanted``. Raises DocumentError."""
    tests = read_policy_tests(path)
    policies = tests.policies(config_dir)
    for case in tests.cases():
        if wanted.casefold() in f"{path}::{case.name}".casefold():
            started = time.perf_counter()
            problems = judge(case, policies)
            yield PolicyCaseResult(case, problems, time.perf_counter() - started)


def judge(case: PolicyCase, policies: Policies) -> tuple[str, ...]:
    """What is not as expected, one sentence each."""
    try:
        decision = case.decide(policies)
    except (ValueError, NanoFlowError) as error:
        return (f"the case could not be decided: {error}",)
    return tuple(_problems(case.document.expect, seen(decision)))


def seen(decision: RouteDecision) -> dict[str, Json]:
    """A decision as expectations see it."""
    model = decision.model
    return {
        "tier": decision.tier,
        "model": str(model) if model else None,
        "provider": model.provider if model else None,
        "score": None if decision.score is None else round(decision.score, 2),
        "candidates": [str(ref) for ref in decision.candidates],
        "refused": {str(refusal.model): refusal.reason for refusal in decision.refused},
    }


def _problems(expected: PolicyExpectation, actual: Mapping[str, Json]) -> Iterator[str]:
    wanted = expected.model_dump(exclude_unset=True)
    refused = wanted.pop("refused", None)
    for name, value in wanted.items():
        held = {k: v for k, v in value.items() if v is not None} if isinstance(value, dict) else value
        yield from differences(held, actual[name], name)
    if isinstance(refused, list):
        # Simulated models are refused as a matter of course, so the list says who must be among them.
        refused = {"contains": refused}
    if refused is not None:
        yield from differences(refused, actual["refused"], "refused")


def is_policy_test(path: Path) -> bool:
    """Whether a test document is about the routing policy, by its name or by what it holds; raises DocumentError."""
    if path.name in SUFFIXES:
        return True
    data = read_yaml(read_document(str(path), shown_path(str(path))), shown_path(str(path))).data
    return kind_of_document(path.name, data) == "policy_test"


def tests_below(folder: Path) -> list[Path]:
    """The documents of policy tests in ``folder`` and below, hidden folders left out."""
    found = [path for path in sorted(folder.rglob("*.test.y*ml")) if path.name in SUFFIXES]
    return [path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
