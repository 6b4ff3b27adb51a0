"""The API: what it answers, that it is what the command line says, and that its document is what it does."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from nano_flow.core.events import Event, RunStarted
from nano_flow.web.live.follow import Follower
from nano_flow.web.live.stream import events
from nano_flow.web.security.gate import cookie_name
from nano_flow.web.security.tokens import Role
from tests.cli.said import Said
from tests.web.shop import PORT, TOKENS, Shop

OPENAPI = Path(__file__).parents[2] / "docs" / "openapi.json"


def test_the_document_has_not_drifted(seen: tuple[Shop, str, str]) -> None:
    document = seen[0].client().get("/api/openapi.json").json()
    text = json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    if os.environ.get("UPDATE_OPENAPI"):
        OPENAPI.write_text(text, encoding="utf-8")
    assert document["openapi"].startswith("3.1")
    assert text == OPENAPI.read_text(encoding="utf-8"), "UPDATE_OPENAPI=1 writes it anew"


def test_documents_are_those_of_the_command_line(
    seen: tuple[Shop, str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    shop, asks, failed = seen
    said = Said(capsys)
    words = ("-C", str(shop.folder), "--state-dir", str(shop.state))
    get = shop.client().get
    for run in (asks, failed):
        assert get(f"/api/v1/runs/{run}").json() == said.json(*words, "runs", "show", run)
    assert get("/api/v1/runs").json() == {**said.json(*words, "runs", "list"), "next": None}
    assert get("/api/v1/costs?by=step").json() == said.json(*words, "cost", "--by", "step")
    assert get("/api/v1/approvals").json() == said.json(*words, "approvals")
    plan = shop.client().post("/api/v1/workflows/plan?workflow=note.yaml", json={"options": {"offline": True}}).json()
    shown = said.json(*words, "plan", str(shop.folder / "note.yaml"), "--offline")
    assert plan["cost_usd"] == shown["cost_usd"] and plan["digest"] == shown["digest"]
    step = get(f"/api/v1/runs/{asks}/steps/outline").json()
    assert step["step"]["model"] and {event["event"] for event in step["events"]} >= {"RouteDecided", "CallFinished"}


def test_lists_are_paged(seen: tuple[Shop, str, str]) -> None:
    shop, asks, failed = seen
    first = shop.client().get("/api/v1/runs?limit=1").json()
    assert [run["run_id"] for run in first["runs"]] == [failed] and first["next"] == failed
    second = shop.client().get(f"/api/v1/runs?limit=1&cursor={first['next']}").json()
    assert [run["run_id"] for run in second["runs"]] == [asks] and second["next"] is None


def test_a_start_with_a_key_happens_once(shop: Shop) -> None:
    client = shop.client(Role.run)
    body = {"workflow": "note.yaml", "inputs": {"tone": "dry"}, "options": {"offline": True, "budget": "0.5"}}
    first = client.post("/api/v1/runs", json=body, headers={"idempotency-key": "k"})
    second = client.post("/api/v1/runs", json=body, headers={"idempotency-key": "k"})
    assert first.status_code == second.status_code == 202
    assert second.json() == {"run_id": first.json()["run_id"], "created": False}
    assert client.post("/api/v1/runs", json=body).json()["created"] is True
    with shop.store.reader() as reader:
        record = reader.run_record(first.json()["run_id"])
    assert record is not None and record.inputs["tone"] == "dry" and record.options["budget"] == "0.5"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"workflow": "note.yaml", "inputs": {"tome": 1}}, 'no input "tome"'),
        ({"workflow": "note.yaml", "input": {}}, "Extra inputs"),
        ({"workflow": "../../etc/passwd"}, "has no workflow"),
        ({"workflow": "note.yaml", "options": {"budget": "lots"}}, "match pattern"),
        ({}, "Field required"),
    ],
)
def test_what_cannot_start_is_refused_in_one_form(shop: Shop, body: dict[str, object], said: str) -> None:
    answer = shop.client(Role.run).post("/api/v1/runs", json=body)
    assert answer.status_code in (404, 422)
    failure = answer.json()
    assert set(failure) == {"code", "message", "at", "hint"} and said.lower() in failure["message"].lower()


def test_roles_and_cookies_bound_what_is_done(seen: tuple[Shop, str, str]) -> None:
    shop, asks, _ = seen
    for role in (None, Role.read, Role.answer):
        answer = shop.client(role).post("/api/v1/runs", json={"workflow": "note.yaml"})
        assert answer.status_code == (401 if role is None else 403)
        assert set(answer.json()) == {"code", "message", "at", "hint"}
    cookie = {"cookie": f"{cookie_name(PORT)}={TOKENS[Role.admin].secret}"}
    client = shop.client(None)
    assert client.get(f"/api/v1/runs/{asks}", headers=cookie).status_code == 200
    refused = client.post(f"/api/v1/runs/{asks}/cancel", headers=cookie)
    assert refused.status_code == 403 and refused.json()["code"] == "bearer"


def test_a_question_is_answered_and_a_run_cancelled(shop: Shop) -> None:
    run = shop.run("note.yaml", "--no-input", code=6)
    client = shop.client(Role.run)
    wrong = client.post(f"/api/v1/runs/{run}/answers/ask", json={"option": "publish", "input": {}})
    assert wrong.status_code == 422 and "title" in wrong.json()["message"]
    body = {"option": "publish", "input": {"title": "T"}}
    assert client.post(f"/api/v1/runs/{run}/answers/ask", json=body).json() == {"run_id": run}
    assert client.post(f"/api/v1/runs/{run}/resume").json() == {"run_id": run}
    assert client.post(f"/api/v1/runs/{run}/cancel").json() == {"run_id": run}
    assert client.post(f"/api/v1/runs/{run}/rerun", json={"inputs": {"tone": "new"}}).json()["created"] is True
    assert client.post("/api/v1/runs/nothing/cancel").status_code == 404


def test_events_follow_from_where_a_reader_was(seen: tuple[Shop, str, str]) -> None:
    shop, asks, _ = seen
    with shop.store.reader() as reader:
        told: list[tuple[int, Event]] = list(reader.events_of(asks))

    def read(after: int) -> tuple[list[tuple[int, Event]], bool]:
        return [(seq, event) for seq, event in told if seq > after], False

    async def heard(after: int) -> list[str]:
        follower, over = Follower(lambda: len(told), seconds=0), asyncio.Event()
        pieces = []
        async with asyncio.timeout(10):
            async for piece in events(follower, read, after, over):
                pieces.append(piece)
                follower.tell()
        await follower.close()
        return pieces

    whole = asyncio.run(heard(-1))
    assert len(whole) == len(told) + 2 and whole[-1].startswith("event: end")
    assert whole[1].startswith(f"id: 0\nevent: {RunStarted.__name__}\ndata: {{")
    assert asyncio.run(heard(told[-2][0]))[1].startswith(f"id: {told[-1][0]}\n")


def test_policy_is_explained_and_tried(seen: tuple[Shop, str, str]) -> None:
    client = seen[0].client()
    assert client.post("/api/v1/policy/explain", json={"prompt": "hello"}).json()["tier"]
    broken = client.post("/api/v1/policy/explain", json={"prompt": "x", "routing": "tiers: 1"})
    assert broken.status_code == 422 and broken.json()["at"].startswith("routing.yaml:1")
    assert "workflows" in client.get("/api/v1/workflows").json()
    schema = client.get("/api/v1/workflows/inputs?workflow=note.yaml").json()
    assert schema["properties"]["tone"] == {"type": "string", "default": "plain"}
    assert client.post("/api/v1/workflows/validate?workflow=note.yaml").json()["diagnostics"] == []
    assert client.get("/api/v1/providers").json()["providers"]
