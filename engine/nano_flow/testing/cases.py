"""One test document: its workflow is opened once, each case runs in a fresh workspace."""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path

from nano_flow.app import rehearse
from nano_flow.core.diagnostics import Diagnostic
from nano_flow.core.errors import DocumentError, NanoFlowError, UsageError
from nano_flow.core.events import Event
from nano_flow.core.messages import Json, ToolSpec
from nano_flow.core.text import duration_text
from nano_flow.documents.load import TestsSource, load_tests
from nano_flow.documents.tests import CaseDocument, CaseExpectation
from nano_flow.parts import Doubles, Surroundings
from nano_flow.plan.plan import Plan, PlannedPrompt, PlannedTool
from nano_flow.plan.walk import every_step
from nano_flow.ports import ServerOrder, Tool
from nano_flow.project.files import read_document, read_text, shown_path
from nano_flow.project.opening import Opened, open_workflow
from nano_flow.project.preparing import GivenInputs, RunOptions, prepare_opened
from nano_flow.testing.doubles import AbsentTool, ScriptedModels, ScriptedPerson, ScriptedTools, Watched
from nano_flow.testing.expect import differences
from nano_flow.testing.seen import by_path, described
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
    opened = _opened(source, file, config_dir)
    for name in names:
        yield _timed(source, opened, file, name)


def _opened(source: TestsSource, file: Path, config_dir: Path | None) -> Opened:
    path = file.parent / source.document.workflow
    if not path.is_file():
        where = source.source.value_range(("workflow",))
        message = f'"{source.document.workflow}" does not exist (the path counts from this file)'
        raise DocumentError([Diagnostic("error", "NF601", message, where, "workflow")])
    opened = open_workflow(shown_path(str(path)), config_dir)
    _check_ids(source, opened.plan)
    return opened


def _check_ids(source: TestsSource, plan: Plan) -> None:
    """Names of steps in replies and expectations that the workflow does not have."""
    known = [path for path, _ in every_step(plan.graph)]
    found: list[Diagnostic] = []
    for case, document in source.document.cases.items():
        named: list[tuple[str, ...]] = [("replies", name) for name in document.replies or {}]
        named += [("expect", "steps", name) for name in (document.expect and document.expect.steps) or {}]
        for where in named:
            path = _without_indices(where[-1])
            if path not in known:
                near = get_close_matches(path, known, 1)
                hint = f'did you mean "{near[0]}"?' if near else ""
                place = source.source.key_range(("cases", case, *where))
                found.append(Diagnostic("error", "NF602", f'there is no step "{path}"', place, ".".join(where), hint))
    if found:
        raise DocumentError(found)


def _without_indices(address: str) -> str:
    return re.sub(r"\[\d+\]", "", address)


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
        models = ScriptedModels(dict(self.case.replies or {}), clock, watched, takes=not self.real)
        tools = ScriptedTools(models, clock, watched, self.real)
        given = {name: _input(value, self.folder) for name, value in (self.case.inputs or {}).items()}
        prepared = prepare_opened(self.opened, GivenInputs(data=given), RunOptions(offline=True), now=clock.now())
        where = Surroundings(
            state=workspace,
            sinks=(events,),
            approver=ScriptedPerson(models.script, clock),
            environ=_environ(self.case.env or {}),
            clock=clock,
        )
        doubles = Doubles(models, tools, _Absent(self.opened.plan).start)
        limit = self.case.timeout or (_TIMEOUT_S if self.real else None)
        async with asyncio.timeout(limit) as bound:
            report = await rehearse(prepared, where, doubles)
        if bound.expired():
            return [f'the case took longer than {duration_text(limit or 0.0)}; a longer "timeout" may be given'], []
        expected = self.case.expect or CaseExpectation()
        problems = list(self._compare(expected, report.document, events.events, watched, workspace))
        return problems, [f'nothing asked for the reply of "{place}"' for place in models.script.unused()]

    def _compare(
        self,
        expected: CaseExpectation,
        document: Mapping[str, Json],
        events: list[Event],
        watched: Watched,
        workspace: Path,
    ) -> Iterator[str]:
        yield from _compare_status(expected, document)
        for side in ("outputs", "error"):
            if side in expected.model_fields_set:
                yield from differences(getattr(expected, side), document.get(side), side)
        if expected.simulated_usd is not None:
            cost = document["cost"]
            total = cost["simulated_usd"] if isinstance(cost, dict) else None
            yield from differences(_plain(expected.simulated_usd), total, "simulated_usd")
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


@dataclass(frozen=True, slots=True)
class _Absent:
    """Servers that are not started: the tools that the workflow names exist, and only scripts answer them."""

    plan: Plan

    def start(self, source: ServerOrder) -> _AbsentServer:
        """The stand-in of one server."""
        members: set[str] = set()
        for _, step in every_step(self.plan.graph):
            spec = step.spec
            names = (
                spec.tools if isinstance(spec, PlannedPrompt) else (spec.tool,) if isinstance(spec, PlannedTool) else ()
            )
            members |= {n.partition(".")[2] for n in names if n.startswith(f"{source.name}.")}
        return _AbsentServer(source.name, tuple(sorted(members)))


@dataclass(frozen=True, slots=True)
class _AbsentServer:
    name: str
    members: tuple[str, ...]

    async def tools(self, wanted: Sequence[str] | None = None) -> list[Tool]:
        """A tool for each member that is named, open to any arguments."""
        members = self.members if wanted is None else wanted
        return [AbsentTool(ToolSpec(f"{self.name}.{member}", "", {"type": "object"})) for member in members]

    async def close(self) -> None:
        """Nothing was started."""


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
