"""What service.yaml says of keeping: the cache in force, no prompts, how long; held by every run and every worker."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from nano_flow import parts
from nano_flow.core.events import PromptSent
from nano_flow.core.money import Money
from nano_flow.operations.place import Place
from nano_flow.operations.service.working import Worker
from nano_flow.ports import Cache
from nano_flow.ports.budgets import Bound, Charge
from nano_flow.ports.store import Mark
from tests.cli.said import Said

FLOW = "nano_flow: 1\nname: small\nsteps:\n  say: {prompt: 'Say hello', cache: true}\n"
DAY = 86_400.0


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("NANO_FLOW_STATE", raising=False)
    monkeypatch.delenv("NANO_FLOW_CACHE", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    (tmp_path / "flow.yaml").write_text(FLOW)
    return tmp_path


def _service(project: Path, text: str) -> None:
    (project / "service.yaml").write_text(f"nano_flow: 1\n{text}\n")


def _prompts(project: Path) -> int:
    with Place(project / ".nano-flow").store.reader() as reader:
        return sum(1 for _ in reader.events_of(reader.find_run("last").run_id, kinds=(PromptSent,)))


def test_prompts_are_not_kept_where_the_project_says_so(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = Said(capsys)
    said("run", "flow.yaml", "--offline")
    assert _prompts(project) == 1
    _service(project, "record: {prompts: false}")
    said("run", "flow.yaml", "--offline")
    assert _prompts(project) == 0
    _service(project, "record: {prompts: true}")
    said("run", "flow.yaml", "--offline", "--no-prompts")
    assert _prompts(project) == 0


@pytest.mark.parametrize(
    ("text", "variable", "expected"),
    [
        ("cache: far://a", "far://b", "far://a"),
        ("cache: ${WHERE:-}", "far://b", "far://b"),
        ("cache: ${WHERE:-far://c}", "", "far://c"),
        ("retention: {runs: 9d}", "", ""),
    ],
)
def test_the_cache_in_force_is_that_of_the_file_before_the_environment(
    project: Path, monkeypatch: pytest.MonkeyPatch, text: str, variable: str, expected: str
) -> None:
    asked = list[str]()
    real: Callable[[Path, str, Callable[[str], None]], Cache] = parts.open_cache

    def opened(state: Path, url: str, tell: Callable[[str], None]) -> Cache:
        asked.append(url)
        return real(state, "", tell)

    monkeypatch.setattr(parts, "open_cache", opened)
    monkeypatch.setenv("NANO_FLOW_CACHE", variable)
    _service(project, text)
    from nano_flow import RunOptions, run

    assert run("flow.yaml", options=RunOptions(offline=True)).status == "succeeded"
    assert asked == [expected]


def _texts(project: Path) -> int:
    with Place(project / ".nano-flow").store.reader() as reader:
        return len(reader.marks("text"))


def _age(project: Path, days: float) -> None:
    """Everything happened so many days earlier; who kept house last, too."""
    import sqlite3

    with sqlite3.connect(project / ".nano-flow" / "state.db") as base:
        base.execute("UPDATE runs SET created_at = created_at - ?", (days * DAY,))
        base.execute("UPDATE marks SET at = at - ?", (days * DAY,))
        base.execute("UPDATE charges SET at = at - ?", (days * DAY,))
    base.close()


def _there(project: Path) -> int:
    with Place(project / ".nano-flow").store.reader() as reader:
        return len(reader.list_runs())


def test_the_end_of_a_run_keeps_house(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = Said(capsys)
    _service(project, "retention: {runs: 9d, texts: 2d}")
    said("run", "flow.yaml", "--offline")
    kept = _texts(project)
    assert kept > 0
    store = Place(project / ".nano-flow").store
    bound, charge = Bound("b", Money(9), 0.0, 9e9), Charge("r", "a", 0, 0, 9e8, "w", "p", (), Money(1))
    assert store.charge(charge, [bound])[0]
    _age(project, 3)
    (project / "other.yaml").write_text("nano_flow: 1\nname: other\nsteps:\n  say: {run: 'true'}\n")
    said("run", "other.yaml")
    assert (_texts(project), _there(project)) == (0, 2)
    with store.reader() as reader:
        assert reader.drawn([bound])[0].held == 0  # no window of a budget reaches back so far
    _age(project, 8)
    said("run", "other.yaml")
    assert _there(project) == 2  # the first one is eleven days old


def test_texts_go_after_thirty_days_where_nothing_is_said(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = Said(capsys)
    said("run", "flow.yaml", "--offline")
    (project / "other.yaml").write_text("nano_flow: 1\nname: other\nsteps:\n  say: {run: 'true'}\n")
    for days, left in ((29, True), (2, False)):
        _age(project, days)
        said("run", "other.yaml")
        assert bool(_texts(project)) is left
    assert _there(project) == 3


def test_a_worker_keeps_house_though_nothing_runs(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import asyncio

    Said(capsys)("run", "flow.yaml", "--offline")
    _age(project, 31)
    work: Awaitable[None] = Worker(Place(project / ".nano-flow"), until_idle=True).work()
    asyncio.run(work)  # type: ignore[arg-type]
    assert _texts(project) == 0
    with Place(project / ".nano-flow").store.reader() as reader:
        kept: dict[str, Mark] = reader.marks("house")
    assert len(kept) == 1


def test_a_text_stays_while_a_newer_one_is_kept_as_its_difference(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "flow.yaml").write_text(
        "nano_flow: 1\nname: many\nsteps:\n  say: {for_each: [a, b, c], as: x, prompt: 'Say {{ x }} to everybody'}\n"
    )
    Said(capsys)("run", "flow.yaml", "--offline")
    store = Place(project / ".nano-flow").store
    with store.reader() as reader:
        kept = reader.marks("text")
    whole = [name for name, mark in kept.items() if mark.value.startswith(":")]
    differing = next(name for name, mark in kept.items() if not mark.value.startswith(":"))
    assert len(whole) == 1 and len(kept) == 3
    at = kept[differing].at
    store.remember(Mark("text", differing, at + DAY, kept[differing].value))
    assert store.forget_marks("text", at + 1) == 1  # neither the newer one, nor what it is a difference to
    with store.reader() as reader:
        assert all("to everybody" in text for text in reader.texts([differing]).values())
        assert len(reader.texts([differing, *whole])) == 2
    assert store.forget_marks("text", at + 2 * DAY) == 2
