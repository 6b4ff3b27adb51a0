"""One test document: its workflow is opened once, each case runs in a fresh workspace."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from nano_flow.app import rehearse
from nano_flow.core.diagnostics import Diagnostic
from nano_flow.core.errors import DocumentError, NanoFlowError, UsageError
from nano_flow.core.events import Event
from nano_flow.core.messages import Json
from nano_flow.core.text import duration_text
from nano_flow.documents.load import TestsSource, load_tests
from nano_flow.documents.tests import CaseDocument, CaseExpectation
from nano_flow.parts import Doubles, Surroundings
from nano_flow.project.files import read_document, read_text, shown_path
from nano_flow.project.opening import Opened, open_workflow
from nano_flow.project.preparing import GivenInputs, RunOptions, prepare_opened
from nano_flow.providers.simulated.script import Script
from nano_flow.testing.doubles import ScriptedModels, ScriptedPerson, ScriptedTools, Watched
from nano_flow.testing.expect import as_amount, differences, shown
from nano_flow.testing.levels import levels_of, place_in, warnings
from nano_flow.testing.names import check_names
from nano_flow.testing.seen import by_path, described
from nano_flow.testing.servers import AbsentServers
from nano_flow.testing.time import LoopClock, run_jumping

_TIMEOUT_S = 3600.0
"""How long a case with real commands may take where it does not say; scripted time costs nothing."""


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What became of one case; ``problems`` is empty where it passed."""

    file: str
    name: str
    line: int
    problems: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    duration_s: float = 0.0


@dataclass(slots=True)
class _EventList:
    events: list[Event] = field(default_factory=list)

    def handle(self, event: Event) -> None:
        """Keep it."""
        self.events.append(event)

    def close(self) -> None:
        """Nothing is held open."""


def run_tests(file: Path, wanted: str = "", config_dir: Path | None = None) -> Iterator[CaseResult]:
    """The cases of one document whose name holds ``wanted``, one after the other. Raises DocumentError."""
    source = load_tests(read_document(str(file), shown_path(str(file))), shown_path(str(file)))
    names = [name for name in source.document.cases if wanted.casefold() in f"{file}::{name}".casefold()]
    if not names:
        return
    try:
        opened = _opened(source, file, config_dir)
    except _InvalidWorkflow as error:
        yield from (_refused_case(source, file, name, error.cause) for name in names)
        return
    for name in names:
        yield _timed(source, opened, file, name)


def _opened(source: TestsSource, file: Path, config_dir: Path | None) -> Opened:
    path = file.parent / source.document.workflow
    if not path.is_file():
        where = source.source.value_range(("workflow",))
        message = f'"{source.document.workflow}" does not exist (the path counts from this file)'
        raise DocumentError([Diagnostic("error", "NF601", message, where, "workflow")])
    try:
        opened = open_workflow(shown_path(str(path)), config_dir)
    except DocumentError as error:
        if any(_refusal(case) is not None for case in source.document.cases.values()):
            raise _InvalidWorkflow(error) from None
        raise
    check_names(source, opened.plan)
    return opened


class _InvalidWorkflow(Exception):
    """The workflow is refused, and there are cases that expect it."""

    def __init__(self, cause: DocumentError) -> None:
        self.cause = cause
        super().__init__(str(cause))


def _refusal(case: CaseDocument) -> object:
    """What a case expects of the refusal of its run; None where it expects a run."""
    return case.expect.refused if case.expect is not None else None


def _refused_case(source: TestsSource, file: Path, name: str, error: NanoFlowError) -> CaseResult:
    """A case whose workflow cannot be compiled."""
    problems = _against_refusal(source.document.cases[name], error)
    return CaseResult(shown_path(str(file)), name, source.source.key_range(("cases", name)).line, tuple(problems))


def _against_refusal(case: CaseDocument, error: NanoFlowError) -> list[str]:
    wanted = _refusal(case)
    if wanted is None:
        return [f"the case could not run: {error}"]
    return [] if wanted is True else list(differences(wanted, str(error), "refused"))


def _timed(source: TestsSource, opened: Opened, file: Path, name: str) -> CaseResult:
    started = time.perf_counter()
    line = source.source.key_range(("cases", name)).line
    case = source.document.cases[name]
    try:
        problems, warnings = _run_case(case, opened, file.parent, real=source.document.commands == "real")
    except NanoFlowError as error:
        problems, warnings = [f"the case could not run: {error}"], []
    except OSError as error:
        problems, warnings = [f"the case could not run: {error}"], []
    took = time.perf_counter() - started
    return CaseResult(shown_path(str(file)), name, line, tuple(problems), tuple(warnings), took)


def _run_case(case: CaseDocument, opened: Opened, folder: Path, *, real: bool) -> tuple[list[str], list[str]]:
    with tempfile.TemporaryDirectory(prefix="nano-flow-test-") as workspace:
        for name, content in (case.files or {}).items():
            path = Path(workspace, name)
            if not path.resolve().is_relative_to(Path(workspace).resolve()):
                raise UsageError(f'files: "{name}" lies outside the workspace')
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_content(content, folder), encoding="utf-8")
        plan = replace(opened.plan, workspace=workspace)
        rehearsal = _Rehearsal(case, replace(opened, plan=plan), folder, real)
        run = asyncio.run if real else run_jumping
        return run(rehearsal.run(Path(workspace)))


@dataclass(slots=True)
class _Rehearsal:
    case: CaseDocument
    opened: Opened
    folder: Path
    real: bool

    async def run(self, workspace: Path) -> tuple[list[str], list[str]]:
        """Run the case and compare; what differs, and what deserves a warning."""
        clock, watched, events = LoopClock(), Watched(), _EventList()
        levels = levels_of(self.opened.plan)
        script = Script(self.case.replies or {}, lambda path, indices: place_in(indices, levels.get(path, ())))
        models = ScriptedModels(script, clock, watched, real=self.real)
        tools = ScriptedTools(models, clock, watched, self.real, self.case.tools or {})
        given = {name: _input(value, self.folder) for name, value in (self.case.inputs or {}).items()}
        try:
            prepared = prepare_opened(self.opened, GivenInputs(data=given), RunOptions(offline=True), now=clock.now())
        except NanoFlowError as error:
            return _against_refusal(self.case, error), []
        where = Surroundings(
            state=workspace,
            sinks=(events,),
            approver=ScriptedPerson(models.script, clock),
            environ=_environ(self.case.env or {}),
            clock=clock,
        )
        doubles = Doubles(models, tools, AbsentServers(self.opened.plan, tuple(self.case.tools or ())).start)
        limit = self.case.timeout or (_TIMEOUT_S if self.real else None)
        async with asyncio.timeout(limit) as bound:
            report = await rehearse(prepared, where, doubles)
        if bound.expired():
            return [f'the case took longer than {duration_text(limit or 0.0)}; a longer "timeout" may be given'], []
        expected = self.case.expect or CaseExpectation()
        problems = list(self._compare(expected, report.document, events.events, watched, workspace))
        unused = [f'nothing asked for the reply of "{place}"' for place in models.script.unused()]
        unused += [f'nothing called the tool "{name}"' for name in tools.unused_tools()]
        return problems, [*warnings(self.case.replies or {}, levels), *unused]

    def _compare(
        self,
        expected: CaseExpectation,
        document: Mapping[str, Json],
        events: list[Event],
        watched: Watched,
        workspace: Path,
    ) -> Iterator[str]:
        if _refusal(self.case) is not None:
            yield f"refused: expected {shown(_refusal(self.case))}, but the run began"
        yield from _compare_status(expected, document)
        for side in ("outputs", "error"):
            if side in expected.model_fields_set:
                yield from differences(getattr(expected, side), document.get(side), side)
        if expected.simulated_usd is not None:
            cost = document["cost"]
            total = cost["simulated_usd"] if isinstance(cost, dict) else None
            yield from differences(as_amount(_plain(expected.simulated_usd)), total, "simulated_usd")
        if expected.max_in_flight is not None:
            yield from differences(_plain(expected.max_in_flight), watched.most_in_flight, "max_in_flight")
        yield from self._compare_steps(expected, document, events, watched)
        for name, content in (expected.files or {}).items():
            yield from differences(content, _file(workspace, name), f"files.{name}")

    def _compare_steps(
        self, expected: CaseExpectation, document: Mapping[str, Json], events: list[Event], watched: Watched
    ) -> Iterator[str]:
        seen = by_path(events)
        rows = [row for row in _list(document["steps"]) if isinstance(row, dict)]
        for path, sides in (expected.steps or {}).items():
            actual = described(path, seen, rows, watched.prompts)
            for side in sorted(sides.model_fields_set):
                wanted = _plain(getattr(sides, side))
                if side == "cost":
                    wanted = as_amount(wanted)
                if side == "prompts" and isinstance(wanted, dict):
                    wanted = {str(key): value for key, value in wanted.items()}
                yield from differences(wanted, actual[side], f"steps.{path}.{side}")


def _compare_status(expected: CaseExpectation, document: Mapping[str, Json]) -> Iterator[str]:
    """A run that fails although no expectation says so is a problem in itself."""
    status = document["status"]
    if "status" not in expected.model_fields_set:
        if status == "failed":
            yield f"status: the run failed, which no expectation says: {document.get('error')}"
        return
    problems = list(differences(expected.status, status, "status"))
    if problems and document.get("error"):
        problems.append(f"the run's error: {document['error']}")
    yield from problems


def _plain(value: object) -> object:
    from pydantic import BaseModel

    return value.model_dump(exclude_unset=True, by_alias=True) if isinstance(value, BaseModel) else value


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _content(text: str, folder: Path) -> str:
    return read_text(str(folder / text[1:])) if text.startswith("@") else text


def _input(value: Json, folder: Path) -> Json:
    return _content(value, folder) if isinstance(value, str) else value


def _file(workspace: Path, name: str) -> str | None:
    try:
        return (workspace / name).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def _environ(given: Mapping[str, str]) -> dict[str, str]:
    """What a rehearsed workflow sees: enough to start commands, and what the case says; no keys."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR", "TERM") if name in os.environ}
    return {**kept, **given}
