"""The example package of docs/extension, built and installed as a user would, and everything in it run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from nano_flow.contracts.cache import CacheContract
from nano_flow.contracts.chooser import ChooserContract
from nano_flow.contracts.sink import SinkContract
from nano_flow.contracts.store import StoreContract
from nano_flow.contracts.tool import ToolContract
from nano_flow.ports import Cache, EventSink, Tool
from nano_flow.ports.store import Store
from nano_flow.routing.request import Chooser
from tests.house.tree import ROOT

SOURCE = ROOT / "docs" / "extension"
sys.path.append(str(SOURCE))

from nano_flow_extension.cache import FolderCache  # noqa: E402
from nano_flow_extension.chooser import steady  # noqa: E402
from nano_flow_extension.sink import Tally  # noqa: E402
from nano_flow_extension.store import folder_store  # noqa: E402
from nano_flow_extension.tool import WordCount  # noqa: E402

FLOW = """nano_flow: 1
name: extended
steps:
  count: {tool: word_count, with: {text: "one two three"}}
  ask: {prompt: "Name {{ steps.count.output.words }} things", cache: true}
outputs: {count: "{{ steps.count.output.words }}", said: "{{ steps.ask.output }}"}
"""
PROVIDERS = """nano_flow: 1
providers:
  echo: {adapter: echo, models: {small: {context_window: 8000}, large: {context_window: 8000}}}
"""
ROUTING = """nano_flow: 1
tiers: {only: {models: [echo/small, echo/large]}}
policies: {default: {choose: steady}}
"""
PRICING = """nano_flow: 1
currency: USD
per_tokens: 1000000
unknown: warn
models: {}
"""


class TestTool(ToolContract):
    good = {"text": "a b"}  # noqa: RUF012

    def tool(self, folder: Path) -> Tool:
        return WordCount(str(folder), {})


class TestSink(SinkContract):
    def sink(self, folder: Path) -> EventSink:
        return Tally(folder / "tally.json")


class TestCache(CacheContract):
    def cache(self, folder: Path) -> Cache:
        return FolderCache(f"folder://{folder}")


class TestChooser(ChooserContract):
    def chooser(self) -> Chooser:
        return steady


class TestStore(StoreContract):
    def store(self, folder: Path) -> Store:
        return folder_store(f"folder://{folder}")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages with the example in it."""
    folder = tmp_path_factory.mktemp("installed")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "wheel")]
    done = subprocess.run(build, cwd=SOURCE, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    (wheel,) = (folder / "wheel").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "packages")
    return folder / "packages"


def run(project: Path, packages: Path | None, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([*([] if packages is None else [str(packages)]), *sys.path[1:]])
    environ = {**os.environ, "PYTHONPATH": path.replace(str(SOURCE), ""), **env}
    command = [sys.executable, "-m", "nano_flow", *words]
    return subprocess.run(command, cwd=project, env=environ, capture_output=True, text=True, timeout=120)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    texts = {"w.yaml": FLOW, "providers.yaml": PROVIDERS, "routing.yaml": ROUTING, "pricing.yaml": PRICING}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_run_uses_all_that_the_package_adds(project: Path, installed: Path) -> None:
    env = {
        "NANO_FLOW_SINKS": "tally",
        "TALLY_FILE": str(project / "tally.json"),
        "NANO_FLOW_CACHE": f"folder://{project / 'replies'}",
        "NANO_FLOW_STORE": f"folder://{project / 'runs'}",
    }
    first, second = (run(project, installed, "run", "w.yaml", "--json", **env) for _ in range(2))
    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout)["outputs"] == {"count": 3, "said": "Name 3 things"}
    assert json.loads(second.stdout)["steps"][1]["cached"] is True
    assert json.loads((project / "tally.json").read_text())["CacheHit"] == 1
    assert (project / "runs" / "state.db").exists() and len(list((project / "replies").iterdir())) == 1


@pytest.mark.parametrize(
    ("words", "env", "said"),
    [
        (("validate", "w.yaml"), {}, 'there is no tool "word_count"'),
        (("validate", "routing.yaml"), {}, 'there is no way to choose "steady"'),
        (("runs",), {"NANO_FLOW_STORE": "folder:///x"}, 'no store of the kind "folder"'),
    ],
)
def test_without_the_package_its_names_are_unknown(
    project: Path, words: tuple[str, ...], env: dict[str, str], said: str
) -> None:
    if "w.yaml" in words:
        (project / "routing.yaml").write_text(ROUTING.replace("steady", "first"))
    done = run(project, None, *words, **env)
    assert done.returncode != 0 and said in done.stdout + done.stderr
