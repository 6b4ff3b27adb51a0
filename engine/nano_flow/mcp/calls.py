"""One call of a workflow: the run behind it, its progress, its questions, its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError, NoBackChannelError

from nano_flow.core.events import ApprovalAnswered, Event, StepFailed, StepFinished, StepSkipped, StepStarted
from nano_flow.core.messages import Json
from nano_flow.mcp.asked import answer, open_questions
from nano_flow.mcp.offer import Offer, OfferedWorkflow
from nano_flow.mcp.questions import Question, filled_of, form_of
from nano_flow.mcp.results import failed, summary, told
from nano_flow.mcp.running import LiveRun, Runner, RunRequest
from nano_flow.operations.runs.starting import RunReport

_TRIES = 3


@dataclass(frozen=True, slots=True)
class Host:
    """The program on the other end, for the length of one request."""

    context: ServerRequestContext[dict[str, object]]
    name: str

    @classmethod
    def of(cls, context: ServerRequestContext[dict[str, object]]) -> Host:
        """Who calls, by the name that it gives itself."""
        params = context.session.client_params
        return cls(context, params.client_info.name if params is not None else "unknown")

    @property
    def by(self) -> str:
        """Who decided, in the journal."""
        return f"mcp:{self.name}"

    @property
    def shows_forms(self) -> bool:
        """Whether a person there can be asked."""
        capabilities = self.context.session.client_capabilities
        return capabilities is not None and capabilities.elicitation is not None

    @property
    def asks_back(self) -> bool:
        """Whether it takes requests while its own is open; newer hosts are asked by a result instead."""
        return self.shows_forms and self.context.session.can_send_request

    @property
    def cancelled(self) -> bool:
        """Whether the host itself withdrew its request (else: it has gone away)."""
        channel = getattr(self.context.session, "_request_outbound", None)
        wish = getattr(channel, "cancel_requested", None)
        return bool(wish is not None and wish.is_set())

    async def progress(self, done: int, message: str) -> None:
        """Tell how far the run is; nothing where nobody asked for it."""
        await self.context.session.report_progress(done, None, message)

    async def ask(self, message: str, question: Question) -> Mapping[str, Json] | None:
        """What a person filled in; None where they declined or cannot be asked."""
        try:
            given = await self.context.session.elicit_form(message, form_of(question), self.context.request_id)
        except (NoBackChannelError, MCPError):
            return None
        return _content(given) if given.action == "accept" else None


@dataclass(frozen=True, slots=True)
class Call:
    """What every tool is given besides its arguments."""

    offer: Offer
    runner: Runner
    host: Host
    responses: types.InputResponses | None = None
    state: str | None = None


@dataclass(frozen=True, slots=True)
class PersonAtHost:
    """Puts a run's questions to the person who sits at the host."""

    host: Host

    async def ask(
        self, address: str, message: str, options: Sequence[str], input_schema: Mapping[str, Json] | None
    ) -> ApprovalAnswered | None:
        """The decision; None leaves the question open, and the run waits."""
        question = Question(address, message, tuple(options), input_schema)
        shown = message
        for _ in range(_TRIES):
            content = await self.host.ask(shown, question)
            if content is None:
                return None
            try:
                filled = filled_of(question, content)
            except ValueError as error:
                shown = f"{message}\n\nThe answer does not fit: {error}"
                continue
            return ApprovalAnswered(time.time(), address, filled.decision, filled.input, filled.comment, self.host.by)
        return None


async def call_workflow(
    call: Call, workflow: OfferedWorkflow, arguments: Mapping[str, Json]
) -> types.CallToolResult | types.InputRequiredResult:
    """Run a workflow to its end, or to a question that only a later call can answer."""
    request = RunRequest(workflow.path, arguments, call.runner.options())
    report = await finish(call, request)
    return report if not isinstance(report, RunReport) else result_of(report, workflow.output_schema is not None)


async def finish(call: Call, request: RunRequest) -> RunReport | types.InputRequiredResult:
    """The end of the run behind a call: a new one, or the one that waits for what ``call`` brings."""
    progress = _Progress(call.host)
    approver = PersonAtHost(call.host) if call.host.asks_back else None
    run_id = call.state
    if run_id is not None:
        _take_answers(call, run_id)
        live = call.runner.resume(run_id, approver, progress.take)
    else:
        live = call.runner.start(request, approver, progress.take)
    report = await _watched(call.host, live, progress)
    if report.end.reason == "approval" and call.host.shows_forms and not call.host.asks_back:
        questions = open_questions(call.offer, report.run_id)
        if questions:
            return types.InputRequiredResult(input_requests=_forms(questions), request_state=report.run_id)
    return report


def result_of(report: RunReport, is_object: bool) -> types.CallToolResult:
    """The run's outputs; where it did not succeed, why, and the next command."""
    document = report.document
    meta = summary(document)
    if document["status"] == "succeeded":
        outputs = document["outputs"]
        return told(outputs if is_object or outputs is not None else None, meta=meta, note=_note(document))
    if document["status"] == "paused":
        stop = document.get("stop")
        reason = stop.get("reason") if isinstance(stop, dict) else None
        hint = f'"nano-flow approvals" lists what it asks, then "nano-flow resume {report.run_id}" goes on'
        message = f"run {report.run_id} waits ({reason}); what is done and paid is kept: {hint}"
        return failed(message, meta=meta)
    return failed(f"run {report.run_id} {document['status']}: {_error(document)}", meta=meta)


def _error(document: Mapping[str, Json]) -> str:
    error = document.get("error")
    if isinstance(error, dict):
        return str(error.get("message") or error)
    return str(error or "no reason was told")


def _note(document: Mapping[str, Json]) -> str:
    cost = document.get("cost")
    paid = cost if isinstance(cost, dict) else {}
    amount = f"${paid.get('usd', '0')}"
    if document.get("simulated"):
        amount = f"~${paid.get('simulated_usd', '0')} simulated"
    return f"run {document['run_id']}: {amount}"


def _content(given: types.ElicitResult) -> dict[str, Json]:
    """The fields of a form as plain data."""
    content = given.content or {}
    return {name: list(value) if isinstance(value, list) else value for name, value in content.items()}


def _forms(questions: Sequence[Question]) -> types.InputRequests:
    return {
        question.address: types.ElicitRequest(
            params=types.ElicitRequestFormParams(message=question.message, requested_schema=form_of(question))
        )
        for question in questions
    }


def _take_answers(call: Call, run_id: str) -> None:
    """Write what a person filled in into the store; a question without an answer stays open."""
    for question in open_questions(call.offer, run_id):
        given = (call.responses or {}).get(question.address)
        if isinstance(given, types.ElicitResult) and given.action == "accept":
            try:
                filled = filled_of(question, _content(given))
            except ValueError:
                continue  # asked again with the next result
            answer(call.offer, run_id, question.address, filled, call.host.by)


async def _watched(host: Host, live: LiveRun, progress: _Progress) -> RunReport:
    """Wait for a run; a host that withdraws its call cancels it, one that goes away leaves it to be resumed."""
    telling = asyncio.get_running_loop().create_task(progress.tell())
    try:
        return await asyncio.shield(live.task)
    except asyncio.CancelledError:
        if host.cancelled:
            live.stop(cancel=True, why=f"cancelled by {host.name}")
        else:
            live.stop(cancel=False, why=f"{host.name} has gone away")
        raise
    finally:
        telling.cancel()


class _Progress:
    """Sentences about steps, in the order in which they happened; what nobody fetched yet is replaced by the latest."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._done = 0
        self._latest = ""
        self._news = asyncio.Event()

    def take(self, event: Event) -> None:
        """Look at an event of the run."""
        if isinstance(event, StepStarted):
            self._latest = f"{event.address} started"
        elif isinstance(event, StepFinished | StepFailed | StepSkipped):
            self._done += 1
            ends = {StepFinished: "succeeded", StepFailed: "failed", StepSkipped: "skipped"}
            self._latest = f"{event.address} {ends[type(event)]}"
        else:
            return
        self._news.set()

    async def tell(self) -> None:
        """Send what is new for as long as the run lives."""
        sent = 0.0
        while True:
            await self._news.wait()
            self._news.clear()
            # Progress has to grow from one notification to the next.
            sent = max(sent + 0.001, float(self._done))
            await self._host.progress(sent, self._latest)  # type: ignore[arg-type]
