"""Runs: listed, shown, followed, started, cancelled, taken up again, repeated."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response
from pydantic import Field

from nano_flow.core.money import money
from nano_flow.core.shown.event_json import event_json, finite
from nano_flow.operations.moments import moment
from nano_flow.operations.project.workflows import find_workflow, given_by_service
from nano_flow.operations.runs.artifacts import Artifact, artifact, artifacts_of
from nano_flow.operations.runs.changing import cancel_run
from nano_flow.operations.runs.reading import search_runs, step_of, within
from nano_flow.operations.runs.starting import GivenInputs, RunOptions, StartOrder, Wanted
from nano_flow.operations.service.queueing import QueueOrder, queue_again, queue_copy, queue_run
from nano_flow.ports.store import RunFilter
from nano_flow.views.listing import runs_document
from nano_flow.web.api.access import Reader, Runner, TheSite
from nano_flow.web.api.models import (
    Acknowledged,
    ArtifactList,
    Key,
    RerunBody,
    ResumeBody,
    RunDocument,
    RunList,
    RunOptionsBody,
    RunQuery,
    StartBody,
    Started,
    StepTrace,
)
from nano_flow.web.exported import run_as_html
from nano_flow.web.live.stream import EventStream, events

router = APIRouter(prefix="/v1/runs", tags=["runs"])
_STREAM = {200: {"content": {"text/event-stream": {}}, "description": "the events, one after the other"}}
_FILE = {200: {"content": {"application/octet-stream": {}}, "description": "the file, in its own media type"}}
PAGE = "run.html"
Whole = Annotated[int, Field(ge=0, le=2**53)]


@router.get("")
def list_runs(site: TheSite, _: Reader, asked: Annotated[RunQuery, Query()]) -> RunList:
    """Runs, newest first; ``cursor`` is what ``next`` of the page before said."""
    since = moment(asked.since, site.now()) if asked.since else None
    wanted = RunFilter(asked.workflow, asked.status, since, asked.limit + 1, after=asked.cursor)
    listed = search_runs(site.place, wanted, asked.search)
    found = [each.run for each in listed[: asked.limit]]
    places = {each.run.run_id: each.failed_at for each in listed}
    following = found[-1].run_id if len(listed) > asked.limit else None
    return RunList.model_validate({**runs_document(found, places), "next": following})


@router.post("", status_code=202)
def start_run(
    site: TheSite, holder: Runner, body: StartBody, idempotency_key: Annotated[Key | None, Header()] = None
) -> Started:
    """Queue a run. The same ``Idempotency-Key`` starts one run, however often it is sent."""
    entry = find_workflow(site.place, body.workflow)
    inputs = {**given_by_service(site.service(), entry), **body.inputs}
    origin = f"service:{entry.served}" if entry.served else f"api:{holder.name}"
    order = QueueOrder(
        StartOrder(str(entry.path), GivenInputs(data=inputs), options_of(body.options)),
        origin,
        () if idempotency_key is None else (("key", f"{holder.name}/{idempotency_key}"),),
    )
    queued = queue_run(site.place, order)
    return Started(run_id=queued.run_id, created=queued.is_new)


@router.get("/{run}")
def show_run(site: TheSite, _: Reader, run: str) -> RunDocument:
    """``nano-flow/run@1``."""
    document = finite(dict(site.book.document(site.book.run(run).run_id)))
    return RunDocument.model_validate(document)


@router.get("/{run}/events", response_class=Response, responses=_STREAM)  # type: ignore[arg-type]
def follow_run(
    request: Request, site: TheSite, _: Reader, run: str, last_event_id: Annotated[Whole | None, Header()] = None
) -> Response:
    """The events of a run as they come (server-sent events), from the one after ``Last-Event-ID`` on."""
    run_id = site.book.run(run).run_id

    def read(after: int) -> tuple[list[tuple[int, object]], bool]:
        with site.book.reader() as reader:
            assert reader is not None
            at_work = reader.find_run(run_id).status in ("running", "queued")
            return list(reader.events_of(run_id, after)), at_work

    after = -1 if last_event_id is None else last_event_id
    return EventStream(events(site.follower, read, after, request.app.state.over))  # type: ignore[arg-type]


@router.get("/{run}/steps/{address:path}")
def show_step(site: TheSite, _: Reader, run: str, address: str) -> StepTrace:
    """One execution, and what happened in it."""
    run_id = site.book.run(run).run_id
    step = step_of(site.book.document(run_id), address)
    with site.book.reader() as reader:
        found = reader.events_of(run_id) if reader is not None else ()
        told = [finite(dict(event_json(event))) for _seq, event in found if within(event, address)]
    return StepTrace.model_validate({"run_id": run_id, "step": finite(dict(step)), "events": told})


@router.get("/{run}/artifacts")
def list_artifacts(site: TheSite, _: Reader, run: str) -> ArtifactList:
    """What a run leaves behind: its outputs one by one, its report, events, ledger and page."""
    run_id = site.book.run(run).run_id
    made = [*artifacts_of(site.place, run_id), Artifact(PAGE, "text/html")]
    return ArtifactList.model_validate({"run_id": run_id, "artifacts": [one.as_json() for one in made]})


@router.get("/{run}/artifacts/{name:path}", response_class=Response, responses=_FILE)  # type: ignore[arg-type]
def get_artifact(site: TheSite, _: Reader, run: str, name: str) -> Response:
    """One of them; names are those of the list and nothing else."""
    run_id = site.book.run(run).run_id
    if name == PAGE:
        one, data = Artifact(PAGE, "text/html"), run_as_html(site.place, run_id).encode("utf-8", "replace")
    else:
        one, data = artifact(site.place, run_id, name)
    # Not shown in the place of a page of ours, whatever it holds.
    saved = f"attachment; filename*=UTF-8''{quote(f'{run_id}-{one.name}'.replace('/', '-'), safe='')}"
    return Response(data, media_type=one.media_type, headers={"content-disposition": saved})


@router.post("/{run}/cancel", status_code=202)
def cancel(site: TheSite, _: Runner, run: str) -> Acknowledged:
    """Ask the owner of a run to cancel it; close it where it has none."""
    return Acknowledged(run_id=cancel_run(site.place, run).run_id)


@router.post("/{run}/resume", status_code=202)
def resume(site: TheSite, _: Runner, run: str, body: ResumeBody | None = None) -> Acknowledged:
    """Let a worker go on with a run that stopped, or do some of its steps again."""
    wanted = Wanted(tuple(body.addresses), body.failed) if body is not None else Wanted()
    return Acknowledged(run_id=queue_again(site.place, run, wanted))


@router.post("/{run}/rerun", status_code=202)
def rerun(site: TheSite, holder: Runner, run: str, body: RerunBody) -> Started:
    """A new run with the same inputs but those that are given."""
    queued = queue_copy(site.place, run, f"api:{holder.name}", GivenInputs(data=dict(body.inputs)))
    return Started(run_id=queued.run_id)


def options_of(body: RunOptionsBody) -> RunOptions:
    """The options of a run."""
    return RunOptions(
        offline=body.offline,
        provider=body.provider,
        model=body.model,
        budget=None if body.budget is None else money(body.budget),
        max_parallel=body.max_parallel,
        no_cache=body.no_cache,
        no_fallback=body.no_fallback,
    )
