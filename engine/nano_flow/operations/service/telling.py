"""Notifications: who is told that a run failed, crashed, asks, or reached a budget; each thing once, by one server."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from nano_flow.core.messages import Json
from nano_flow.core.text import rfc3339
from nano_flow.operations.place import Place
from nano_flow.operations.service.inforce import Service
from nano_flow.ports.store import Mark, RunFilter, StoreReader
from nano_flow.project.around.env_file import of_process
from nano_flow.project.service.reading import expanded

SCHEMA = "nano-flow/notification@1"
_SECONDS = 15.0
_LOOKED_AT = 200
_BACK_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Occasion:
    """Something that people may want to be told."""

    on: str
    run_id: str
    workflow: str
    at: float
    text: str
    address: str = ""

    @property
    def key(self) -> str:
        """The same thing has the same key, whoever sees it."""
        return f"{self.on}|{self.run_id}|{self.address}|{self.at:.3f}"

    def as_json(self) -> dict[str, Json]:
        """As programs get it."""
        return {
            "schema": SCHEMA,
            "on": self.on,
            "run_id": self.run_id,
            "workflow": self.workflow,
            "address": self.address or None,
            "at": rfc3339(self.at),
            "text": self.text,
        }


class Notifier:
    """Looks for what happened since it was first asked on this store."""

    def __init__(self, place: Place, tell: Callable[[str], None]) -> None:
        self._place = place
        self._tell = tell

    def look(self, service: Service, now: float | None = None) -> None:
        """Tell what is new."""
        store, now = self._place.store, time.time() if now is None else now
        since = store.mark(Mark("notify", "since", now)).at
        with store.reader() as reader:
            found = [one for one in occasions(reader, now) if one.at >= since]
            told = reader.marks("told", [one.key for one in found])
        for one in found:
            mine = f"{os.getpid()} {time.monotonic_ns()}"
            if one.key not in told and store.mark(Mark("told", one.key, now, mine)).value == mine:
                self._send(service, one)

    def _send(self, service: Service, occasion: Occasion) -> None:
        for notification in service.notifications:
            if occasion.on not in notification.on:
                continue
            try:
                if notification.command is not None:
                    run_command(notification.command, occasion, self._place)
                else:
                    url = expanded(notification.webhook or "", self._place.environ)
                    if url:
                        post(url, message(occasion, notification.format))
            except (OSError, ValueError, subprocess.SubprocessError) as error:
                # Not the address: it is a secret of its own.
                self._tell(
                    f"warning: nobody could be told of {occasion.on} of {occasion.run_id}: {type(error).__name__}"
                )


def occasions(reader: StoreReader, now: float) -> Iterator[Occasion]:
    """What happened in the last day."""
    since = now - _BACK_SECONDS
    for run in reader.list_runs(RunFilter(status="failed", limit=_LOOKED_AT)):
        if run.finished_at is not None and run.finished_at >= since:
            on = "budget" if run.stop_reason in ("budget", "limit") else "failed"
            text = f"{run.workflow} failed: {run.error or 'no reason given'}"
            yield Occasion(on, run.run_id, run.workflow, run.finished_at, text, run.stop_address or "")
    for run in reader.list_runs(RunFilter(status="paused", limit=_LOOKED_AT)):
        if run.finished_at is None:
            yield Occasion(
                "crashed",
                run.run_id,
                run.workflow,
                run.created_at + run.duration_s,
                f"{run.workflow}: its process died",
                "crash",
            )
        elif run.stop_reason == "budget" and run.finished_at >= since:
            text = f"{run.workflow} reached its budget: {run.error or ''}"
            yield Occasion("budget", run.run_id, run.workflow, run.finished_at, text)
    for question in reader.pending_approvals():
        text = f"{question.workflow} asks: {question.message}"
        yield Occasion("asks", question.run_id, question.workflow, question.asked_at, text, question.address)


def message(occasion: Occasion, form: str) -> Mapping[str, Json]:
    """What is posted. Slack reads ``<``, ``>`` and ``&`` as its own marks, so they are spelt out."""
    if form != "slack":
        return occasion.as_json()
    text = occasion.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {"text": f"{text[:2500]}\nrun {occasion.run_id}"}


def post(url: str, body: Mapping[str, Json]) -> None:
    """Post JSON; no redirect is followed. Raises OSError, ValueError."""
    import httpx

    try:
        answer = httpx.post(url, json=dict(body), timeout=_SECONDS, follow_redirects=False)
    except httpx.HTTPError as error:
        raise OSError(type(error).__name__) from None
    if answer.status_code >= 300:
        raise OSError(f"status {answer.status_code}")


def run_command(command: Sequence[str], occasion: Occasion, place: Place) -> None:
    """Start a program with the message as JSON on its standard input. Raises OSError, SubprocessError."""
    folder = place.current
    subprocess.run(
        list(command),
        input=json.dumps(occasion.as_json()),
        text=True,
        cwd=folder,
        env=dict(of_process(place.environ)),
        timeout=_SECONDS,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
