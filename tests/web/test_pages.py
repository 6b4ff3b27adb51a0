"""What the pages say, and that their figures are those of the command line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from nano_flow.web.pages.now import grouped
from nano_flow.web.rendering import figures
from nano_flow.web.rendering.conversation import asked
from nano_flow.web.security.tokens import Role, form_token
from tests.cli.said import Said
from tests.web.shop import TOKENS, Shop, opened


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    return Said(capsys)


def plain(text: str) -> str:
    """A page without its marks."""
    from html import unescape

    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


def test_a_project_without_runs_says_how_to_make_one(tmp_path: Path) -> None:
    shop = opened(tmp_path)
    assert "nano-flow init hello" in plain(shop.client().get("/").text)
    assert "No run is like that" in shop.client().get("/runs").text
    assert "Nobody is asked anything" in shop.client().get("/questions").text
    assert "Nothing was spent" in shop.client().get("/cost").text
    assert shop.client().get("/runs/last").status_code == 404
    assert shop.client(None).get("/readyz").status_code == 200
    assert not shop.state.exists()


def test_now_shows_what_waits_failed_and_cost(seen: tuple[Shop, str, str]) -> None:
    shop, asks, failed = seen
    text = plain(shop.client().get("/").text)
    assert "Waits for you Publish <b>2</b> notes?" in text
    assert "1 × broken" in text and f"nano-flow resume {failed}" in text
    assert "Nothing runs." in text and asks in text


def test_figures_are_those_of_runs_show_and_cost(seen: tuple[Shop, str, str], said: Said) -> None:
    shop, asks, _ = seen
    words = ("-C", str(shop.folder), "--state-dir", str(shop.state))
    shown = said.json(*words, "runs", "show", asks)
    page = plain(shop.client().get(f"/runs/{asks}").text)
    assert f"~${shown['cost']['simulated_usd']} simulated" in page
    for step in shown["steps"]:
        assert step["address"] in page
        if step["model"]:
            assert f"~${step['cost_usd']}" in page
    spent = said.json(*words, "cost", "--by", "model")
    page = plain(shop.client().get("/cost?by=model&since=").text)
    assert f"~${spent['total']['simulated_usd']} simulated" in page and f"{spent['total']['calls']} calls" in page
    assert shop.client().get("/cost?by=model&since=&format=csv").text == said(*words, "cost", "--by", "model", "--csv")


def test_a_run_shows_its_failure_first_and_what_to_type(seen: tuple[Shop, str, str]) -> None:
    shop, _, failed = seen
    page = plain(shop.client().get(f"/runs/{failed}").text)
    assert page.index("exit code 3") < page.index("Graph") < page.index("Steps")
    assert f"nano-flow resume {failed}" in page and "upstream_failed" in page
    assert "Cancel" not in page and "Run again" not in page  # who only reads is offered nothing else
    assert "Run again" in shop.client(Role.run).get(f"/runs/{failed}").text


def test_the_graph_has_its_states_and_figures(seen: tuple[Shop, str, str]) -> None:
    shop, asks, failed = seen
    page = shop.client().get(f"/runs/{asks}").text
    assert 'class="node waiting" data-path="ask"' in page
    assert re.search(r'class="node succeeded" data-path="write">.*?2 of 2 · sim/\w+ · \$0\.0', page, re.DOTALL)
    assert 'class="node failed" data-path="fail"' in shop.client().get(f"/runs/{failed}").text


def test_a_step_shows_the_reply_and_why_this_model(seen: tuple[Shop, str, str]) -> None:
    shop, asks, _ = seen
    page = plain(shop.client().get(f"/runs/{asks}/outline").text)
    assert (
        "Conversation Turn 1 user Outline alpha, beta sim/" in page
        and "Why this model" in page
        and "routing.yaml:" in page
    )
    assert "offline: only simulated models answer" in page
    group = plain(shop.client().get(f"/runs/{asks}/write").text)
    assert "Inside" in group and "write[1]" in group
    missing = shop.client().get(f"/runs/{asks}/outlin")
    assert missing.status_code == 404 and "did you mean" in missing.text


def test_a_step_shows_what_was_asked(seen: tuple[Shop, str, str]) -> None:
    shop, asks, _ = seen
    text = plain(shop.client().get(f"/runs/{asks}/outline").text)
    assert "user Outline alpha, beta" in text


def test_a_prompt_stands_as_it_was_written_beside_what_was_sent(seen: tuple[Shop, str, str]) -> None:
    shop, asks, failed = seen
    text = plain(shop.client().get(f"/runs/{asks}/write[0]").text)
    assert "prompt, as it was written Write of {{ topic }} by {{ steps.outline.output }}" in text
    assert "user Write of alpha by" in text
    assert "as it was written" not in shop.client().get(f"/runs/{failed}/fail").text


def test_a_turn_shows_only_the_messages_that_are_new_in_it() -> None:
    first = {"role": "user", "content": "go"}
    second = {"role": "tool", "content": "x"}
    told = [
        {"what": "asked", "turn": 0, "messages": [first]},
        {"what": "answered", "turn": 0},
        {"what": "asked", "turn": 1, "messages": [first, second]},
    ]
    assert asked(told) == {0: [first], 1: [second]}


def test_runs_are_filtered_and_searched(seen: tuple[Shop, str, str]) -> None:
    shop, asks, failed = seen
    for query, found in (
        ("", {asks, failed}),
        ("?status=failed", {failed}),
        ("?workflow=note", {asks}),
        ("?search=EXIT+code", {failed}),
        ("?since=1h", {asks, failed}),
        ("?since=2999-01-01", set()),
        ("?limit=1", {failed}),
    ):
        page = shop.client().get(f"/runs{query}").text
        assert {run for run in (asks, failed) if f"/runs/{run}" in page} == found, query


def test_a_question_is_answered_by_its_form(shop: Shop) -> None:
    run = shop.run("note.yaml", "--no-input", code=6)
    client, action = shop.client(Role.answer), f"/runs/{run}/answer/ask"
    page = client.get("/questions").text
    token = form_token(TOKENS[Role.answer].secret, action)
    assert f'action="{action}"' in page and token in page and 'name="input.title"' in page
    wrong = client.post(action, data={"form_token": token, "option": "publish", "input.stars": "nine"})
    assert wrong.status_code == 422 and "wants a number" in wrong.text
    over = client.post(action, data={"form_token": token, "option": "publish", "input.title": "T", "input.stars": "9"})
    assert over.status_code == 422 and 'value="9"' in over.text
    none = client.post(action, data={"form_token": token, "option": "perhaps", "input.title": "T"})
    assert none.status_code == 422 and "is no option" in none.text
    data = {"form_token": token, "option": "publish", "input.title": "One", "input.stars": "5", "comment": "fine"}
    assert client.post(action, data=data).headers["location"] == f"/runs/{run}"
    with shop.store.reader() as reader:
        answer = reader.approval_answers(run)["ask"]
    assert (answer.decision, answer.by, answer.comment) == ("publish", "web:answer", "fine")
    assert answer.input == {"title": "One", "stars": 5}
    again = client.post(action, data=data)
    assert again.status_code == 422 and "answered already" in again.text


def test_pages_are_small(seen: tuple[Shop, str, str]) -> None:
    client = seen[0].client()
    size = 0
    for path in ("/", "/static/nano-flow.css", "/static/live.js", "/static/vendor/htmx.min.js", "/static/icon.svg"):
        with client.stream("GET", path) as answer:
            assert answer.headers["content-encoding"] == "gzip"
            size += sum(len(piece) for piece in answer.iter_raw())
    assert size < 120_000
    assert client.get("/static/live.js", headers={"if-none-match": answer.headers["etag"]}).status_code == 200
    digest = client.get("/static/live.js").headers["etag"]
    assert client.get("/static/live.js", headers={"if-none-match": digest}).status_code == 304


def test_failures_are_grouped_by_cause_not_by_figures(seen: tuple[Shop, str, str]) -> None:
    shop, _, failed = seen
    with shop.store.reader() as reader:
        run = reader.find_run(failed)
    from dataclasses import replace

    runs = [replace(run, error=f"took {number} s") for number in range(3)] + [replace(run, error="other")]
    assert [(group.count, group.cause) for group in grouped(runs)] == [(3, "took 0 s"), (1, "other")]


@pytest.mark.parametrize(
    ("amount", "shown"),
    [(0, "$0"), (1, "<$0.0001"), (12_300_000, "$0.0123"), ("12.5", "$12.50"), (None, "unknown"), ("?", "?")],
)
def test_money_for_headlines(amount: object, shown: str) -> None:
    assert figures.short_dollars(amount) == shown


def test_figures_in_words() -> None:
    assert [figures.ago(0, passed) for passed in (5, 90, 7200, 200_000)] == ["5 s", "2 min", "2 h", "2 d"]
    assert figures.seconds(None) == "" and figures.count(1234) == "1,234" and figures.count(None) == ""
    assert figures.pretty({"a": 1}) == json.dumps({"a": 1}, indent=2) and figures.dollars(None) == "unknown"
    assert figures.file_name("/a/b/routing.yaml:19") == "routing.yaml:19" == figures.file_name("routing.yaml:19")
