"""What the doctor looks at: each check gives findings, and each finding says what to do."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nano_flow.bundled import bundled_path
from nano_flow.core.errors import DocumentError
from nano_flow.locate import POLICY_NAMES, PolicyFile

OLDEST_PYTHON = (3, 11)
Health = Literal["good", "off", "warn", "bad"]
_BROKEN_LITELLM = ((1, 106, 0), (1, 108, 10))
_HOSTILE_LITELLM = ((1, 82, 7), (1, 82, 8))


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; ``advice`` is empty where nothing needs doing."""

    check: str
    health: Health
    message: str
    advice: str = ""


def check_python() -> Finding:
    """The interpreter is one that nano-flow is tested on."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < OLDEST_PYTHON:
        return Finding("python", "bad", f"Python {version}", "install Python 3.11 or newer")
    return Finding("python", "good", f"Python {version}")


def check_package() -> Finding:
    """The files that ship are where they belong."""
    missing = [name for name in (*POLICY_NAMES, "schemas") if not bundled_path(name).exists()]
    if missing:
        advice = "install it again: pip install --force-reinstall nano-flow"
        return Finding("package", "bad", f"the installation lacks {', '.join(missing)}", advice)
    from nano_flow import __version__

    return Finding("package", "good", f"nano-flow {__version__} is complete")


def check_litellm() -> Finding:
    """The version of LiteLLM is neither hostile nor broken; it is not imported for that."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        found = version("litellm")
    except PackageNotFoundError:
        return Finding("litellm", "warn", "LiteLLM is not installed", "only simulated models work: pip install litellm")
    number = tuple(int(part) for part in found.split(".")[:3] if part.isdigit())
    if number in _HOSTILE_LITELLM:
        advice = "remove it, change every key that this machine has seen, then install another version"
        return Finding("litellm", "bad", f"LiteLLM {found} was a malicious release", advice)
    if _BROKEN_LITELLM[0] <= number <= _BROKEN_LITELLM[1]:
        advice = "calls with tools fail on it: pip install 'litellm<1.106' or newer than 1.108.10"
        return Finding("litellm", "bad", f"LiteLLM {found} is broken", advice)
    return Finding("litellm", "good", f"LiteLLM {found}")


def check_shell() -> Finding:
    """A shell for ``run`` steps that are scripts."""
    if shutil.which("bash"):
        return Finding("shell", "good", "scripts run under bash")
    if shutil.which("sh"):
        return Finding("shell", "warn", "there is no bash", 'scripts run under "sh", without pipefail; install bash')
    return Finding("shell", "bad", "there is no shell", "install bash, or write commands as lists")


def check_state(folder: Path) -> Finding:
    """Runs can be remembered in ``folder``; it is not made for the question."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        advice = "make it writable, or name another: --state-dir DIR"
        return Finding("state", "bad", f'"{folder}" cannot be written: {error.strerror}', advice)
    if not folder.exists():
        return Finding("state", "good", f'"{folder}" can be made when the first run starts')
    return Finding("state", "good", f'"{folder}" is writable')


def check_policy(files: tuple[PolicyFile, ...]) -> Iterator[Finding]:
    """The three policy files in force are valid."""
    from nano_flow.documents import load

    loaders = {
        "providers.yaml": load.load_providers,
        "routing.yaml": load.load_routing,
        "pricing.yaml": load.load_pricing,
    }
    for file in files:
        try:
            loaders[file.name](file.path.read_bytes(), str(file.path))
        except DocumentError as error:
            count = len(error.diagnostics)
            message = f'"{file.path}" has {count} {"problem" if count == 1 else "problems"}'
            yield Finding(file.name, "bad", message, f'see them: nano-flow validate "{file.path}"')
        except OSError as error:
            yield Finding(file.name, "bad", f'"{file.path}" cannot be read: {error.strerror}', "make it readable")
        else:
            yield Finding(file.name, "good", f'"{file.path}" ({file.found}) is valid')


def check_credentials(
    providers: Mapping[str, tuple[tuple[str, ...], ...]], environment: Mapping[str, str]
) -> Iterator[Finding]:
    """For each provider, which of its sets of variables is there; values are never looked at."""
    usable = 0
    for name, ways in providers.items():
        if not ways:
            yield Finding("credentials", "good", f'"{name}" needs none')
            continue
        found = next((way for way in ways if all(environment.get(variable) for variable in way)), None)
        if found:
            usable += 1
            yield Finding("credentials", "good", f'"{name}": found {", ".join(found)}')
        else:
            wanted = " or ".join(" and ".join(way) for way in ways)
            yield Finding("credentials", "off", f'"{name}": not set up, it wants {wanted}')
    if not usable:
        yield Finding("credentials", "warn", "no provider that needs a key has one", "--offline works without any")
