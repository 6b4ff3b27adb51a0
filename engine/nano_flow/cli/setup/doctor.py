"""``nano-flow doctor``: is this set-up healthy, and if not, what to do."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nano_flow.cli import output
from nano_flow.cli.common import Options, pass_options
from nano_flow.cli.setup import checks
from nano_flow.cli.setup.checks import Finding
from nano_flow.locate import PolicyFile

if TYPE_CHECKING:
    from nano_flow.project.providers import ProviderState

_LOOKS: Mapping[checks.Health, tuple[str, output.Style]] = {
    "good": ("ok", "good"),
    "off": ("-", "dim"),
    "warn": ("note", "warn"),
    "bad": ("bad", "bad"),
}


@click.command("doctor")
@click.option("--check", is_flag=True, help="Also ask each provider whose key is found whether it answers.")
@pass_options
def command(options: Options, check: bool) -> int:
    """Look at Python, the installation, the store, the documents and the credentials; name what to do.

    Sends nothing unless --check is given. Exits with 1 where something is bad.

    \b
    Examples:
      nano-flow doctor
      nano-flow doctor --check --json
    """
    findings = list(examine(options, ask=check))
    healthy = all(finding.health != "bad" for finding in findings)
    if options.json:
        fields = [
            {"check": f.check, "health": f.health, "message": f.message, "advice": f.advice or None} for f in findings
        ]
        output.document("nano-flow/doctor@1", {"healthy": healthy, "findings": fields})
    else:
        for finding in findings:
            output.data(_line(finding))
    return 0 if healthy else 1


def examine(options: Options, *, ask: bool) -> Iterator[Finding]:
    """Everything that can be said here; providers are asked only where ``ask`` says so."""
    yield checks.check_python()
    yield checks.check_package()
    yield checks.check_litellm()
    yield checks.check_shell()
    yield checks.check_state(options.state)
    files = options.policy()
    policy = list(checks.check_policy(files))
    yield from policy
    yield from checks.check_documents([Path()])
    if all(finding.health == "good" for finding in policy):
        yield from checks.credentials_found(_states(files, ask=ask))


def _states(files: tuple[PolicyFile, ...], *, ask: bool) -> list[ProviderState]:
    from nano_flow.project.policies import read_policies
    from nano_flow.project.providers import check_providers, provider_states

    catalogue = read_policies(files).catalogue
    if not ask:
        return provider_states(catalogue, os.environ)
    import asyncio

    return asyncio.run(check_providers(catalogue, os.environ))


def _line(finding: Finding) -> str:
    word, look = _LOOKS[finding.health]
    text = f"{output.style(f'{word:<4}', look)}  {finding.check:<14}  {output.clean(finding.message)}"
    return f"{text}\n{'':<22}{output.clean(finding.advice)}" if finding.advice else text
