"""Workspaces with everything in them that a file tool must not fall for."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from nano_flow.tools.files.workspace import Workspace

SECRET = "sk-CANARY"


@pytest.fixture
def hostile(tmp_path: Path) -> Workspace:
    """``ws`` beside ``out/secret.txt``, with links, pipes and protected names in it."""
    root, out = tmp_path / "ws", tmp_path / "out"
    for folder in (root / "sub", root / ".git" / "hooks", root / ".nano-flow", out):
        folder.mkdir(parents=True)
    (out / "secret.txt").write_text(SECRET)
    (root / "a.txt").write_text("one\ntwo\nthree\n")
    (root / "workflow.yaml").write_text("nano_flow: 1\n")
    (root / "linkdir").symlink_to(out)
    (root / "inner").symlink_to("sub")
    (root / "dangling").symlink_to(out / "new.txt")
    (root / "loopa").symlink_to("loopb")
    (root / "loopb").symlink_to("loopa")
    os.link(out / "secret.txt", root / "hard")
    os.mkfifo(root / "fifo")
    listener = socket.socket(socket.AF_UNIX)
    os_here = os.getcwd()
    os.chdir(root)
    try:
        listener.bind("sock")
    finally:
        os.chdir(os_here)
        listener.close()
    return Workspace(str(root), [str(root / "workflow.yaml"), str(root / "state")])
