"""Makes the store of a release, with its ``nano-flow``: ``python -m tests.stores.make NANO_FLOW RELEASE``."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.stores import HERE, write


def make(nano_flow: str, release: str) -> None:
    """Run the workflow of ``release`` until it waits for a person, and keep what it stored."""
    kept = HERE / release
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in ("flow.yaml", "note.txt"):
            shutil.copy(kept / file, folder / file)
        command = [nano_flow, "--state-dir", "state", "run", "flow.yaml", "--offline", "--no-input"]
        ended = subprocess.run(command, cwd=folder, check=False, timeout=120)
        assert ended.returncode == 6, f"the run did not pause: exit {ended.returncode}"
        for store in ("state", "cache"):
            write(folder / "state" / f"{store}.db", kept / f"{store}.sql", folder)


if __name__ == "__main__":
    make(*sys.argv[1:])
