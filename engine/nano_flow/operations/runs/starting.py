"""Runs are started and resumed here, with whoever looks on, may be asked, and may stop them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TextIO

from nano_flow.adapters import console_sink, json_lines_sink
from nano_flow.app import ResumeOrder, RunReport, resume_workflow, run_workflow
from nano_flow.library import FILE_TOOLS, agent_document
from nano_flow.operations.place import Place
from nano_flow.parts import Surroundings
from nano_flow.ports import Approver, EventSink
from nano_flow.project.around.env_file import Variables
from nano_flow.project.preparing import GivenInputs, RunOptions, read_inputs_file
from nano_flow.project.resuming.again import Wanted
from nano_flow.runtime.limits import Control, Stop
from nano_flow.runtime.takeover import Takeover
from nano_flow.steps.patience import Patience
from nano_flow.tools.processes.tree import ProcessTree

__all__ = [
    "FILE_TOOLS",
    "Company",
    "Control",
    "GivenInputs",
    "ProcessTree",
    "ResumeOrder",
    "RunOptions",
    "RunReport",
    "StartOrder",
    "Stop",
    "Takeover",
    "Wanted",
    "agent_document",
    "lines_for_people",
    "lines_of_json",
    "read_inputs_file",
    "resume_run",
    "start_run",
]


@dataclass(frozen=True, slots=True)
class StartOrder:
    """Which workflow runs, on what. ``texts`` (absolute path → text) take the place of files."""

    file: str
    given: GivenInputs = field(default_factory=GivenInputs)
    options: RunOptions = field(default_factory=RunOptions)
    texts: Mapping[str, str] | None = None
    metrics_port: int | None = None
    """Where Prometheus may look at the run, on loopback; 0 takes any port."""


@dataclass(frozen=True, slots=True)
class Company:
    """Who is there while a run happens: who looks on, who may be asked, who may stop it, what it has started.

    ``stream`` is true where somebody wants to read replies while they are written.
    """

    sinks: tuple[EventSink, ...] = ()
    approver: Approver | None = None
    on_control: Callable[[Control], None] | None = None
    tree: ProcessTree = field(default_factory=ProcessTree)
    stream: bool = False
    takeover: Takeover | None = None
    """Begin nothing new: the run is only to be cancelled."""
    wait: bool = False
    """Stay, however long an answer or a time takes."""


async def start_run(place: Place, order: StartOrder, company: Company) -> RunReport:
    """Run a workflow from its start to its end, or until it pauses.

    Raises DocumentError and UsageError before anything is sent, StoreError where it cannot be remembered.
    """
    where = replace(_surroundings(place, company), metrics_port=order.metrics_port)
    return await run_workflow(order.file, order.given, order.options, where, place.config_dir, texts=order.texts)


async def resume_run(place: Place, order: ResumeOrder, company: Company) -> RunReport:
    """Go on with a recorded run. Raises UsageError where it is over, owned by somebody else, or has changed."""
    return await resume_workflow(order, _surroundings(place, company), place.config_dir)


def lines_for_people(stream: TextIO, *, verbosity: int, live: bool) -> EventSink:
    """Tells a run's progress as lines on a terminal, or in a log."""
    return console_sink(stream, time.time, verbosity=verbosity, live=live)


def lines_of_json(stream: TextIO | None = None) -> EventSink:
    """Writes one JSON object for every event."""
    return json_lines_sink(stream or sys.stdout)


def _surroundings(place: Place, company: Company) -> Surroundings:
    return Surroundings(
        place.state,
        company.sinks,
        company.approver,
        company.on_control,
        environ=place.environ if isinstance(place.environ, Variables) else dict(place.environ),
        address=place.address,
        tree=company.tree,
        stream=company.stream,
        takeover=company.takeover,
        patience=Patience(endless=company.wait),
    )
