"""What the doctor looks at: each check gives findings, and each finding says what to do."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from nano_flow.bundled import bundled_path
from nano_flow.core.diagnostics import has_errors
from nano_flow.locate import POLICY_NAMES, PolicyFile
from nano_flow.operations.place import Place
from nano_flow.ports.store import RunFilter

if TYPE_CHECKING:
    from nano_flow.project.providers import ProviderState

OLDEST_PYTHON = (3, 11)
MOST_SAID = 3
"""Models that are named where several retire."""
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


def check_store(place: Place) -> Iterator[Finding]:
    """The store that a run would open can be opened; nothing is said where there is none yet."""
    from nano_flow.core.errors import NanoFlowError

    try:
        store = place.store
        if store.exists():
            with store.reader() as reader:
                reader.list_runs(RunFilter(limit=1))
            yield Finding("store", "good", f'"{store.place}" can be read')
    except NanoFlowError as error:
        yield Finding(
            "store", "bad", str(error), "no run can start here; move it away, or name another: --state-dir DIR"
        )


def check_policy(files: tuple[PolicyFile, ...]) -> Iterator[Finding]:
    """The three policy files in force are valid."""
    from nano_flow.project.checking import check_file

    for file in files:
        errors = [found for found in check_file(file.path) if found.severity == "error"]
        if errors:
            message = f'"{file.path}": {errors[0].message}' + (f" (and {len(errors) - 1} more)" if errors[1:] else "")
            yield Finding(file.name, "bad", message, f'see all of it: nano-flow validate "{file.path}"')
        else:
            yield Finding(file.name, "good", f'"{file.path}" ({file.found}{_bases(file)}) is valid')


def _bases(file: PolicyFile) -> str:
    """What a file adds to."""
    from nano_flow.project.extending import described, shown_of

    return described(file).removeprefix(shown_of(file))


def check_models(files: tuple[PolicyFile, ...]) -> Iterator[Finding]:
    """The models that tiers and chains name first are served for a while yet."""
    from nano_flow.project.oversights.retiring import retiring
    from nano_flow.project.policies import read_policies

    policies = read_policies(files)
    used = {ref for tier in policies.routing.tiers for ref in tier.models}
    used |= {ref for chain in policies.routing.chains.values() for ref in chain}
    ending = [found for found in retiring(policies.catalogue, date.today()) if found.ref in used]
    if ending:
        said = "; ".join(found.said for found in ending[:MOST_SAID])
        more = f"; and {len(ending) - MOST_SAID} more" if len(ending) > MOST_SAID else ""
        advice = "name models that stay first in the tiers of routing.yaml"
        yield Finding("models", "warn", f"{said}{more}", advice)


def check_documents(paths: Sequence[Path]) -> Iterator[Finding]:
    """The documents below ``paths`` are valid, as ``nano-flow validate`` judges them."""
    from nano_flow.project.checking import check_file
    from nano_flow.project.finding import find_documents

    files = find_documents(paths)
    faulty = [file for file in files if has_errors(check_file(file))]
    if faulty:
        message = f"{len(faulty)} of {len(files)} documents here have errors"
        yield Finding("documents", "bad", message, "see them: nano-flow validate")
    else:
        yield Finding("documents", "good", f"{len(files)} documents here, no errors")


def credentials_found(states: Sequence[ProviderState]) -> Iterator[Finding]:
    """For each provider, whether its variables are set, and whether it answered where it was asked."""
    for state in states:
        if state.reachable is False or state.error:
            yield Finding("credentials", "bad", f'"{state.name}": {state.error or "no answer"}', state.advice)
        elif state.credentials == "missing":
            yield Finding("credentials", "off", f'"{state.name}": not set up, it wants {_ways(state)}')
        else:
            answered = ", it answers" if state.reachable and state.latency_s is not None else ""
            yield Finding("credentials", "good", f'"{state.name}": {state.credentials_text}{answered}')
    if not any(state.credentials == "found" for state in states):
        yield Finding("credentials", "warn", "no provider that needs a key has one", "--offline works without any")


def _ways(state: ProviderState) -> str:
    return " or ".join(" with ".join(way) for way in state.ways)
