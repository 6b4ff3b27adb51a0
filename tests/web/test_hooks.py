"""Webhooks: GitHub's and Slack's own signatures, once for each delivery, and nothing without them."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient

from tests.web.shop import Shop, opened

SECRET = "It's a Secret to Everybody"
SERVICE = """nano_flow: 1
workflows:
  tickets:
    file: note.yaml
    inputs: {topics: [fixed]}
    webhook: {path: tickets, secret: HOOK, signature: github, inputs: {tone: "{{ body.issue.tone }}"}}
  chat:
    file: note.yaml
    webhook: {path: chat, secret: HOOK, signature: slack, inputs: {tone: "{{ body.text }}"}}
  busy:
    file: note.yaml
    webhook: {path: busy, secret: HOOK}
    concurrency: {group: g, at_most: 1, otherwise: skip}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = opened(tmp_path)
    (tmp_path / "service.yaml").write_text(SERVICE)
    return made


@pytest.fixture
def client(shop: Shop) -> TestClient:
    site = shop.site()
    place = replace(site.place, environ={**site.place.environ, "HOOK": SECRET})
    return shop.client(None, replace(site, place=place))


def github(body: bytes, delivery: str = "d1", secret: str = SECRET) -> dict[str, str]:
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"x-hub-signature-256": f"sha256={signature}", "x-github-delivery": delivery}


def slack(body: bytes, at: float) -> dict[str, str]:
    signed = b"v0:%d:%s" % (int(at), body)
    signature = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    return {"x-slack-signature": f"v0={signature}", "x-slack-request-timestamp": str(int(at))}


def test_the_signature_is_the_one_of_githubs_documentation() -> None:
    expected = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert github(b"Hello, World!")["x-hub-signature-256"] == expected


def test_a_signed_delivery_starts_a_run_once(shop: Shop, client: TestClient) -> None:
    body = json.dumps({"issue": {"tone": "calm"}}).encode()
    answer = client.post("/hooks/tickets", content=body, headers=github(body))
    assert answer.status_code == 202, answer.text
    run = answer.json()["run_id"]
    with shop.store.reader() as reader:
        record = reader.run_record(run)
    assert record is not None and record.inputs == {"topics": ["fixed"], "tone": "calm"}
    again = client.post("/hooks/tickets", content=body, headers=github(body))
    assert (again.status_code, again.json()) == (200, {"run_id": run, "created": False})
    # The id of a delivery is not signed: who has seen one cannot send it again under another id.
    forged = client.post("/hooks/tickets", content=body, headers=github(body, "d2"))
    assert forged.json() == {"run_id": run, "created": False}
    other = b'{"issue": {"tone": "loud"}}'
    assert client.post("/hooks/tickets", content=other, headers=github(other)).json()["created"] is False
    assert client.post("/hooks/tickets", content=other, headers=github(other, "d3")).json()["created"] is False


def test_without_the_right_signature_nothing_starts(shop: Shop, client: TestClient) -> None:
    body = b'{"issue": {"tone": "x"}}'
    for headers in ({}, github(body, secret="other"), github(body + b" "), {"x-hub-signature-256": "sha256="}):
        answer = client.post("/hooks/tickets", content=body, headers=headers)
        assert answer.status_code == 401 and SECRET not in answer.text
    assert client.post("/hooks/nowhere", content=body, headers=github(body)).status_code == 404
    assert client.get("/hooks/tickets").status_code == 405
    assert shop.client(None).post("/hooks/tickets", content=body, headers=github(body)).status_code == 422
    assert not shop.store.exists()


def test_slack_signs_its_time(client: TestClient) -> None:
    now = time.time()
    body = urlencode({"text": "warm", "command": "/note"}).encode()
    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert client.post("/hooks/chat", content=body, headers={**kind, **slack(body, now - 301)}).status_code == 401
    answer = client.post("/hooks/chat", content=body, headers={**kind, **slack(body, now)})
    assert answer.status_code == 202, answer.text
    challenge = b'{"type": "url_verification", "challenge": "abc"}'
    assert client.post("/hooks/chat", content=challenge, headers=slack(challenge, now)).json() == {"challenge": "abc"}


def test_a_request_that_lacks_what_the_inputs_want_is_told_so(client: TestClient) -> None:
    for body in (b"{}", b"[1]", b"nonsense"):
        answer = client.post("/hooks/tickets", content=body, headers=github(body))
        assert answer.status_code == 422


def test_a_full_group_refuses(client: TestClient) -> None:
    first, second = b'{"n": 1}', b'{"n": 2}'
    assert client.post("/hooks/busy", content=first, headers=github(first, "a")).status_code == 202
    answer = client.post("/hooks/busy", content=second, headers=github(second, "b"))
    assert answer.status_code == 422 and "no room" in answer.text
