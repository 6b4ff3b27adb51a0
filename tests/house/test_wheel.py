"""The wheel works outside the checkout: it holds the schemas and the three default files, and validates."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.house.tree import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """sdist → wheel, built offline with the backend of this environment."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(".*", "node_modules", "__pycache__", "tests", "bench"))
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(source)]
    done = subprocess.run(build, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def outside(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean environment without the checkout: the wheel, and the dependencies of this environment by path."""
    folder = tmp_path_factory.mktemp("outside")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True, timeout=120)
    libraries = Path(
        sysconfig.get_path("purelib", "venv", {"base": str(folder / "venv"), "platbase": str(folder / "venv")})
    )
    install = [sys.executable, "-m", "pip", "--python", str(folder / "venv/bin/python"), "install", "-q"]
    done = subprocess.run(
        [*install, "--no-deps", "--no-index", str(wheel)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    (libraries / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


def run(outside: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of the installed wheel, where nothing of the checkout can be seen."""
    project = outside / "project"
    project.mkdir(exist_ok=True)
    environment = {"PATH": os.environ["PATH"], "HOME": str(outside), "LANG": "C.UTF-8"}
    command = [str(outside / "venv/bin/nano-flow"), *arguments]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, timeout=120)


def test_the_wheel_holds_what_ships(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    shipped = {f"nano_flow/_bundled/{name}.yaml" for name in ("providers", "routing", "pricing")}
    shipped |= {f"nano_flow/_bundled/schemas/{path.name}" for path in (ROOT / "schemas").glob("*.json")}
    assert len(shipped) > 3
    assert shipped <= names
    assert not [name for name in names if not name.startswith(("nano_flow/", "nano_flow-"))]


def test_the_wheel_is_what_runs(outside: Path) -> None:
    script = "import nano_flow; print(nano_flow.__file__)"
    environment = {"PATH": os.environ["PATH"]}
    python = [str(outside / "venv/bin/python"), "-c", script]
    where = subprocess.run(python, cwd=outside, env=environment, capture_output=True, text=True).stdout
    assert where.startswith(str(outside))


def test_a_project_begins_validates_and_runs_outside_the_checkout(outside: Path) -> None:
    for arguments in (
        ["init", "."],
        ["validate"],
        ["validate", "workflow.yaml"],
        ["schema", "print", "workflow"],
        ["run", "workflow.yaml", "--offline"],
    ):
        done = run(outside, *arguments)
        assert (arguments, done.returncode, done.stderr if done.returncode else "") == (arguments, 0, "")


def test_without_files_of_its_own_the_bundled_ones_are_in_force(outside: Path) -> None:
    alone = outside / "project" / "alone"
    alone.mkdir(parents=True)
    (alone / "w.yaml").write_text("nano_flow: 1\nname: w\nsteps:\n  a: {prompt: Hello}\n")
    done = run(outside, "-C", "alone", "run", "w.yaml", "--offline", "--json")
    assert done.returncode == 0, done.stderr
    assert '"status": "succeeded"' in done.stdout
