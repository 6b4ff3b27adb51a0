"""Pages that go deeper: steps done again, several runs side by side, budgets and where they end, what providers did."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape

import pytest

from nano_flow.core.money import Money
from nano_flow.operations.money.outlook import outlooks, stacked
from nano_flow.operations.service.inforce import service_of
from nano_flow.operations.service.queueing import AGAIN
from nano_flow.ports.budgets import Bound, Drawn
from nano_flow.ports.store import DayRow
from nano_flow.web.pages.policy import patch_of
from nano_flow.web.security.tokens import Role
from tests.web.shop import TOKENS, Shop
from tests.web.test_actions import press, status, work

COUNTED = """nano_flow: 1
name: counted
steps:
  one: {run: [sh, -c, "echo x >> one.txt; wc -l < one.txt"]}
  two: {needs: [one], run: [sh, -c, "echo x >> two.txt; wc -l < two.txt"]}
outputs: {one: "{{ steps.one.output.stdout }}", two: "{{ steps.two.output.stdout }}"}
"""


def plain(text: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


def outputs(shop: Shop, run: str) -> dict[str, str]:
    found = shop.client().get(f"/api/v1/runs/{run}").json()["outputs"]
    return {name: str(value).strip() for name, value in found.items()}


def test_a_step_is_done_again_from_its_page(shop: Shop) -> None:
    (shop.folder / "counted.yaml").write_text(COUNTED)
    run = shop.run("counted.yaml")
    assert outputs(shop, run) == {"one": "1", "two": "1"}
    page = plain(shop.client(Role.run).get(f"/runs/{run}/two").text)
    assert f"nano-flow resume {run} --from 'two'" in page and "Run again from here" in page
    assert "Run again from here" not in shop.client(Role.answer).get(f"/runs/{run}/two").text
    press(shop, f"/runs/{run}/resume", **{"from": "two"})
    assert status(shop, run) == "queued"
    work(shop)
    assert outputs(shop, run) == {"one": "1", "two": "2"}
    with shop.store.reader() as reader:
        assert not reader.marks(AGAIN, (run,))[run].value  # it is not done once more by whoever comes next
    answer = shop.client(Role.run).post(f"/api/v1/runs/{run}/resume", json={"addresses": ["one"]})
    assert answer.status_code == 202
    work(shop)
    assert outputs(shop, run) == {"one": "2", "two": "3"}


def test_what_does_not_exist_is_not_done_again(shop: Shop) -> None:
    (shop.folder / "counted.yaml").write_text(COUNTED)
    run = shop.run("counted.yaml")
    client = shop.client(Role.run)
    answer = client.post(f"/api/v1/runs/{run}/resume", json={"addresses": ["tow"]})
    assert answer.status_code == 422 and 'did you mean "two"' in answer.json()["message"]
    assert client.post(f"/api/v1/runs/{run}/resume").status_code == 422
    assert status(shop, run) == "succeeded"


def test_resuming_says_what_is_paid_again(shop: Shop) -> None:
    run = shop.run("broken.yaml", code=1)
    page = plain(shop.client(Role.run).get(f"/runs/{run}").text)
    assert "fail" in page.partition("Resume: ")[2][:200] and "Resume all that failed" in page
    press(shop, f"/runs/{run}/resume", failed="true")
    work(shop)
    assert status(shop, run) == "failed"


def test_three_runs_stand_side_by_side(shop: Shop) -> None:
    (shop.folder / "say.yaml").write_text(
        "nano_flow: 1\nname: say\ninputs: {x: {type: string}}\nsteps: {a: {set: {v: '{{ inputs.x }}'}}}\n"
        "outputs: {x: '{{ inputs.x }}'}\n"
    )
    long = "the quick brown fox jumps over the lazy dog and goes on to the end of the line"
    first, same, other = (shop.run("say.yaml", "-i", f"x={x}") for x in (long, long, long.replace("lazy", "sleepy")))
    page = shop.client().get(f"/compare?run={first}&run={same}&run={other}").text
    assert "as the first" in page and "<del>lazy</del>" in page and "<ins>sleepy</ins>" in page
    assert f"nano-flow runs diff {first} {other}" in plain(page)
    assert "produced the same" in shop.client().get(f"/compare?a={first}&b={same}").text
    assert f'name="run" value="{other}"' in shop.client().get("/runs").text
    assert shop.client().get("/compare?run=nosuch&run=last").status_code == 404


NOW = 1_780_315_200.0  # 2026-06-01 12:00 UTC


def test_budgets_say_where_they_end_at_this_pace(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    (shop.folder / "service.yaml").write_text(
        "nano_flow: 1\nbudgets:\n  - {usd: 20, per: day}\n  - {usd: 1, per: day}\n"
    )
    shop.run("note.yaml", "--no-input", code=6)
    service = service_of(shop.place)

    class Reader:
        def __init__(self, settled: int, held: int) -> None:
            self.settled, self.held = Money(settled), Money(held)

        def drawn(self, bounds: list[Bound]) -> list[Drawn]:
            return [Drawn(bound, self.settled, self.held) for bound in bounds]

    def told(settled: int, held: int, now: float) -> list[dict[str, object]]:
        return [dict(one.as_json()) for one in outlooks(Reader(settled, held), service, now)]  # type: ignore[arg-type]

    wide, narrow = told(900_000_000, 0, NOW)
    assert (wide["by_end_usd"], wide["empty_at"]) == ("1.8", None)
    assert narrow["by_end_usd"] == "1.8" and str(narrow["empty_at"]).startswith("2026-06-01T13:20")
    early, _ = told(900_000_000, 0, NOW - 11 * 3600)
    assert early["by_end_usd"] is None  # an hour of a day says nothing
    page = plain(shop.client().get("/cost").text)
    assert "the budget of 20 USD a day" in page and "nothing spent" in page
    api = shop.client().get("/api/v1/budgets").json()
    assert [one["limit_usd"] for one in api["budgets"]] == ["20", "1"]


def test_days_are_stacked_without_gaps_and_the_small_ones_together() -> None:
    rows = [
        DayRow("2026-05-30", "a", Money(5), Money(0)),
        DayRow("2026-05-30", "b", Money(1), Money(9)),
        DayRow("2026-06-01", "c", Money(2), Money(0)),
    ]
    found = stacked(rows, NOW, 1, simulated=False)
    assert found is not None and found.days[-3:] == ["2026-05-30", "2026-05-31", "2026-06-01"] and len(found.days) == 7
    assert found.series == [("a", [0, 0, 0, 0, 5, 0, 0]), ("2 more", [0, 0, 0, 0, 1, 0, 2])]
    pretended = stacked(rows, NOW, 3, simulated=True)
    assert pretended is not None and pretended.series == [("b", [0, 0, 0, 0, 9, 0, 0])]
    assert stacked([replace(rows[0], cost=Money(0))], NOW, 3, simulated=False) is None


def test_the_chart_is_made_of_the_ledger(seen: tuple[Shop, str, str]) -> None:
    shop, _, _ = seen
    for by in ("model", "workflow", "step", "provider"):
        page = shop.client().get(f"/cost?stack={by}").text
        data = json.loads(unescape(re.findall(r"data-chart='([^']*)'", page)[0]))
        total = sum(sum(values) for _, values in data["series"])
        with shop.store.reader() as reader:
            assert total == sum(row.simulated_cost for row in reader.spend("day")), by
    assert shop.client().get("/cost?stack=nothing").status_code == 404


def test_providers_are_shown_as_the_command_line_counts_them(seen: tuple[Shop, str, str]) -> None:
    shop, _, _ = seen
    page = plain(shop.client().get("/providers").text)
    assert "providers without a key" in page and "nano-flow providers health" in page
    (sim,) = shop.client().get("/api/v1/providers/health").json()["rows"]
    assert f"needs none {sim['calls']} " in page.partition("sim ")[2][:120]
    health = shop.client().get("/api/v1/providers/health?models=true").json()
    assert health["schema"] == "nano-flow/health@1" and {row["name"] for row in health["rows"]} >= {"sim/medium"}


def test_what_is_about_to_change_stands_first(shop: Shop) -> None:
    (shop.folder / "providers.yaml").write_text(
        "nano_flow: 1\nextends: shipped\nproviders:\n  openai:\n    models:\n"
        "      gpt-5-mini: {retires: '2026-06-20', limits: {rpm: 60, in_flight: 4}}\n"
    )
    page = plain(shop.client(site=shop.site(now=lambda: NOW)).get("/providers").text)
    assert "openai/gpt-5-mini retires on 2026-06-20, in 19 days" in page
    assert "60 calls a minute, 4 at a time" in page


def test_an_edited_policy_becomes_a_patch(seen: tuple[Shop, str, str]) -> None:
    patch = patch_of("routing.yaml", "a: 1\nb: 2\n", "a: 1\r\nb: 3")
    assert patch.splitlines() == [
        "--- a/routing.yaml",
        "+++ b/routing.yaml",
        "@@ -1,2 +1,2 @@",
        " a: 1",
        "-b: 2",
        "+b: 3",
    ]
    shop, _, _ = seen
    from nano_flow.operations.policy.trying import routing_text
    from nano_flow.web.security.tokens import form_token

    text = routing_text(shop.place).replace("nano_flow: 1", "nano_flow: 1\n# tried", 1)
    token = form_token(TOKENS[Role.read].secret, "/policy/try")
    answer = shop.client().post("/policy/try", data={"form_token": token, "prompt": "hello", "text": text})
    assert "As a patch" in answer.text and "+# tried" in answer.text
    same = {"form_token": token, "prompt": "hello", "text": routing_text(shop.place)}
    assert "As a patch" not in shop.client().post("/policy/try", data=same).text
