"""What is vendored is what npm has, with its licence; nothing else lies there."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from nano_flow.web.statics import FOLDER

VENDOR = FOLDER / "vendor"
PACKAGES = json.loads((VENDOR / "vendored.json").read_text(encoding="utf-8"))


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_every_file_has_its_digest_and_its_licence() -> None:
    files = {name: entry["sha256"] for package in PACKAGES.values() for name, entry in package["files"].items()}
    there = {path.name: digest(path.read_bytes()) for path in VENDOR.iterdir() if path.name != "vendored.json"}
    assert there == files
    for package in PACKAGES.values():
        assert package["licence"] in ("0BSD", "MIT")
        assert any(name.endswith(".LICENSE") for name in package["files"])


@pytest.mark.parametrize("name", PACKAGES)
def test_npm_has_the_same(name: str, tmp_path: Path) -> None:
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed: the vendored files are compared with their digests only")
    package = PACKAGES[name]
    packed = subprocess.run(
        ["npm", "pack", f"{name}@{package['version']}", "--prefer-offline", "--silent"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    if packed.returncode != 0:
        pytest.skip("the registry of npm cannot be reached: the vendored files are compared with their digests only")
    with tarfile.open(next(tmp_path.glob("*.tgz"))) as archive:
        for entry in package["files"].values():
            file = archive.extractfile(f"package/{entry['from']}")
            assert file is not None and digest(file.read()) == entry["sha256"]
