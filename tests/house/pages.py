"""Code blocks of the README and of docs/, and how each kind is tried.

``sh``       runs under ``bash -euo pipefail`` in a scratch project, without keys and without a network
``console``  lines after ``$`` run; what stands below is compared with what was printed, figures aside
``yaml``     a whole document (``nano_flow: 1``), or one without the head, is validated
``python``   runs in the scratch project
A comment ``<!-- not run: reason -->`` on the line above leaves a block out; other languages are not tried.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.house.tree import ROOT

TRIED = ("sh", "console", "yaml", "python")
# A duration is one figure with its unit: a busy machine takes 1.2s where the page says 555ms.
_FIGURES = re.compile(r"\b[0-9a-f]{6,}\b|\b\d[\d.,]*(?:ms|s)\b|\d[\d.,:]*|[─-▟]+")
_LEFT_OUT = re.compile(r"<!-- not run: \S.* -->$")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block of a page."""

    page: str
    line: int
    language: str
    text: str
    left_out: bool

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """The blocks of a page that are in a language that is tried."""
    name = page.relative_to(ROOT).as_posix()
    found: list[Block] = []
    lines = page.read_text(encoding="utf-8").splitlines()
    opened: int | None = None
    for number, line in enumerate(lines):
        if not line.startswith("```"):
            continue
        if opened is None:
            opened = number
            continue
        above = lines[opened - 1] if opened else ""
        text = "\n".join(lines[opened + 1 : number]) + "\n"
        found.append(Block(name, opened + 1, lines[opened][3:].strip(), text, bool(_LEFT_OUT.search(above))))
        opened = None
    return [block for block in found if block.language in TRIED]


class Project:
    """A scratch folder that looks like a checkout to who reads the docs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT / "workflows", folder / "workflows")
        for name in ("providers.yaml", "routing.yaml", "pricing.yaml"):
            shutil.copy(ROOT / name, folder / name)

    def run(self, arguments: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a command here, offline by habit: no variable of ours reaches it but the path."""
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        environment = {"PATH": path, "HOME": str(self.folder), "LANG": "C.UTF-8"}
        return subprocess.run(
            arguments,
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            stdin=subprocess.DEVNULL,
        )

    def shell(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run a script as the docs say."""
        return self.run(["bash", "-euo", "pipefail", "-c", script])


def without_figures(text: str) -> list[str]:
    """Lines with numbers, ids and runs of blanks evened out: what stays the same between two runs."""
    return [" ".join(_FIGURES.sub("#", line).split()) for line in text.splitlines() if line.strip()]


def failures_of(found: list[Block], project: Project) -> dict[str, str]:
    """The blocks of a page that do not work, each with what went wrong.

    Documents are validated by one command, since each command takes a moment to start; one by one where it complains.
    """
    files = [_written(block, project) for block in found if block.language == "yaml"]
    sound = bool(files) and project.run(["nano-flow", "validate", *files]).returncode == 0
    tried = [block for block in found if not (sound and block.language == "yaml")]
    return {str(block): problem for block in tried if (problem := try_block(block, project))}


def try_block(block: Block, project: Project) -> str:
    """Try one block; the empty string, or what went wrong."""
    if block.language == "console":
        return _try_console(block, project)
    if block.language == "yaml":
        return _try_yaml(block, project)
    done = project.shell(block.text) if block.language == "sh" else project.run([sys.executable, "-c", block.text])
    return "" if done.returncode == 0 else f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"


def _written(block: Block, project: Project) -> str:
    head = "" if "nano_flow:" in block.text else "nano_flow: 1\nname: fragment\n"
    file = project.folder / f"block_{block.line}.yaml"
    file.write_text(head + block.text, encoding="utf-8")
    return file.name


def _try_yaml(block: Block, project: Project) -> str:
    done = project.run(["nano-flow", "validate", _written(block, project)])
    return "" if done.returncode == 0 else f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"


def _try_console(block: Block, project: Project) -> str:
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        done = project.shell(command + " 2>&1" if "|" not in command else command)
        printed = without_figures(done.stdout)
        missing = [line for line in without_figures(expected) if line != "…" and line not in printed]
        if missing:
            return f"$ {command}\nnot printed any more:\n" + "\n".join(missing) + f"\nbut:\n{done.stdout}{done.stderr}"
    return ""
