"""Fails where an installed package runs code at every start of Python by way of a ``.pth`` file."""

from __future__ import annotations

import hashlib
import site
import sys
from pathlib import Path

# A malicious release once came as a .pth file. These two were read, and are pinned by what is in them.
KNOWN = {
    "distutils-precedence.pth": "2638ce9e2500e572a5e0de7faed6661eb569d1b696fcba07b0dd223da5f5d224",
    "a1_coverage.pth": "ef2ed06d19867ec669c09a804060666a9cd5e383af0a9d11aa2de79b77d448e8",
}


def executable_lines(path: Path) -> list[str]:
    """The lines of a ``.pth`` file that Python executes instead of adding them to its path."""
    return [line for line in path.read_text(errors="replace").splitlines() if line.startswith(("import ", "import\t"))]


def findings(folder: Path) -> list[str]:
    """One sentence for each ``.pth`` file in ``folder`` that runs code and is not known."""
    found = []
    for path in sorted(folder.glob("*.pth")):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if executable_lines(path) and KNOWN.get(path.name) != digest:
            found.append(f"{path.name} runs code at every start of Python (sha256 {digest}); read it, then decide")
    return found


if __name__ == "__main__":
    everything = [sentence for folder in site.getsitepackages() for sentence in findings(Path(folder))]
    sys.exit("\n".join(everything) or 0)
