"""What is installed: locked with hashes, no address of a registry, no hostile version, no code at Python's start."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.house.tree import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = (ROOT / "requirements.lock").read_text()
_PINNED = re.compile(r"^([A-Za-z0-9_.-]+)==(\S+)(.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)


def locked() -> dict[str, tuple[str, str]]:
    """Normalised name → version, and what follows it up to the next package."""
    return {name.lower().replace("_", "-"): (version, rest) for name, version, rest in _PINNED.findall(LOCK)}


def test_every_package_of_the_lock_has_hashes_and_none_an_address() -> None:
    assert len(locked()) > 40
    assert [name for name, (_, rest) in locked().items() if "--hash=sha256:" not in rest] == []
    assert "://" not in LOCK
    assert [line for line in LOCK.splitlines() if re.match(r"-|--", line)] == []


EXTRAS = PROJECT["optional-dependencies"]
ASKED = sorted(
    {*PROJECT["dependencies"], *(text for extra, texts in EXTRAS.items() if extra != "all" for text in texts)}
)


@pytest.mark.parametrize("text", ASKED)
def test_the_lock_satisfies_what_the_project_asks_for(text: str) -> None:
    wanted = Requirement(text)
    version, _ = locked()[wanted.name.lower().replace("_", "-")]
    assert wanted.specifier.contains(version)


@pytest.mark.parametrize(
    ("version", "admitted"),
    [
        ("1.82.7", False),
        ("1.82.8", False),
        ("1.105.3", True),
        ("1.106.2", False),
        ("1.108.10", False),
        ("1.109.1", True),
    ],
)
def test_hostile_and_broken_versions_of_litellm_are_refused(version: str, admitted: bool) -> None:
    wanted = next(r for r in map(Requirement, PROJECT["dependencies"]) if r.name == "litellm")
    assert wanted.specifier.contains(version) is admitted


def test_a_startup_file_that_runs_code_is_found(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("startup_files", ROOT / ".ci" / "startup_files.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "plain.pth").write_text("/some/folder\n# a comment\n")
    (tmp_path / "worse.pth").write_text("import os; os.system('true')\n")
    (tmp_path / "a1_coverage.pth").write_text("import os\n")
    found = module.findings(tmp_path)
    assert [sentence.split()[0] for sentence in found] == ["a1_coverage.pth", "worse.pth"]


def test_all_means_every_extra_for_users() -> None:
    (everything,) = map(Requirement, EXTRAS["all"])
    assert everything.extras == set(EXTRAS) - {"all", "dev"}
