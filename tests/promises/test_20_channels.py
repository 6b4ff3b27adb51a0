"""Promise 20, channel by channel: a canary goes into a run by every way in, and comes out of none of its ways out."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli.said import start
from tests.promises.test_20_no_secret_anywhere import KEY, PASSWORD, PROVIDERS, TOKEN, WORKFLOW, leaks
from tests.web.shop import Shop

SECRETS = {"SOME_API_KEY": KEY, "GITHUB_TOKEN": TOKEN}


@dataclass
class Leaky:
    """A folder in which the workflow with all canaries ran to its question, and what was printed meanwhile."""

    folder: Path
    printed: Mapping[str, str]

    def say(self, *words: str) -> str:
        """What a command line prints, on both streams."""
        out, err = start(self.folder, *words, env=SECRETS).communicate(timeout=120)
        assert "Traceback" not in err
        return out + err

    def page(self, path: str) -> str:
        """What a browser or a program gets from the server."""
        answer = Shop(self.folder, self.folder / ".nano-flow").client().get(path)
        assert answer.status_code == 200, path
        return answer.text

    def files(self, pattern: str) -> str:
        """All that such files of the state folder hold; databases also row by row."""
        found = []
        for path in (self.folder / ".nano-flow").rglob(pattern):
            if path.is_file():
                found.append(path.read_bytes().decode("utf-8", "replace"))
                if path.suffix == ".db":
                    with sqlite3.connect(path) as db:
                        found += db.iterdump()
        return "\n".join(found)


@pytest.fixture(scope="module")
def leaky(tmp_path_factory: pytest.TempPathFactory) -> Leaky:
    folder = tmp_path_factory.mktemp("leaky")
    (folder / ".git").mkdir()
    (folder / "leaky.yaml").write_text(WORKFLOW)
    (folder / "providers.yaml").write_text(PROVIDERS)
    given = ("run", "leaky.yaml", "-i", f"password={PASSWORD}", "-i", f"header=Bearer {TOKEN}")
    printed = {}
    for name, more in {"text": ("-vv",), "json": ("--json",), "events": ("--json=events",)}.items():
        process = start(folder, *given, *more, env=SECRETS)
        out, err = process.communicate(timeout=120)
        assert process.returncode == 6, err
        printed |= {f"{name} out": out, f"{name} err": err}
    return Leaky(folder, printed)


CHANNELS: dict[str, Callable[[Leaky], str]] = {
    "what a run prints": lambda run: run.printed["text out"],
    "what it says meanwhile": lambda run: run.printed["text err"],
    "its JSON": lambda run: run.printed["json out"] + run.printed["json err"],
    "its events": lambda run: run.printed["events out"] + run.printed["events err"],
    "the store of runs": lambda run: run.files("state.db*"),
    "kept replies": lambda run: run.files("cache.db*"),
    "all other files of the state folder": lambda run: run.files("*"),
    "runs list": lambda run: run.say("runs", "list", "--json"),
    "runs list --search": lambda run: run.say("runs", "list", "--search", "leaky"),
    "runs show": lambda run: run.say("runs", "show", "last", "--full"),
    "runs show --json": lambda run: run.say("runs", "show", "last", "--json"),
    "runs show --step": lambda run: run.say("runs", "show", "last", "--step", "model"),
    "runs logs": lambda run: run.say("runs", "logs", "last"),
    "runs logs --failed": lambda run: run.say("runs", "logs", "last", "--failed"),
    "runs diff": lambda run: run.say("runs", "diff", "last"),
    "runs export": lambda run: run.say("runs", "export", "last"),
    "runs export --format html": lambda run: run.say("runs", "export", "last", "--format", "html"),
    "approvals list": lambda run: run.say("approvals", "list", "--json"),
    "cost": lambda run: run.say("cost", "--by", "step", "--json"),
    "cache show": lambda run: run.say("cache", "show", "--json"),
    "graph --run": lambda run: run.say("graph", "leaky.yaml", "--run", "last"),
    "plan": lambda run: run.say("plan", "leaky.yaml", "-i", f"password={PASSWORD}", "-i", f"header={TOKEN}", "--json"),
    "doctor": lambda run: run.say("doctor", "--json"),
    "providers list": lambda run: run.say("providers", "list"),
    "an error of wrong usage": lambda run: run.say("run", "leaky.yaml", "-i", f"header={KEY}", "-i", "nope=1"),
    "the page of a run": lambda run: run.page("/runs/last"),
    "the page of a step": lambda run: run.page("/runs/last/data"),
    "the questions": lambda run: run.page("/questions"),
    "the API": lambda run: run.page("/api/v1/runs/last"),
    "the API's events": lambda run: run.page("/api/v1/runs/last/events"),
}


def test_there_are_at_least_23_channels() -> None:
    assert len(CHANNELS) >= 23


@pytest.mark.parametrize("channel", CHANNELS)
def test_promise_20_a_canary_comes_out_nowhere(channel: str, leaky: Leaky) -> None:
    text = CHANNELS[channel](leaky)
    assert text.strip() != "", "a channel that says nothing proves nothing"
    assert leaks(text) == []


def test_the_canary_is_seen_where_it_is(leaky: Leaky) -> None:
    shown: Any = json.dumps({"x": KEY, os.sep: PASSWORD}, ensure_ascii=False)
    assert len(leaks(shown)) >= 2
