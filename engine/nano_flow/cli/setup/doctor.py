"""``nano-flow doctor``: is this set-up healthy, and if not, what to do."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

import click

from nano_flow.cli import output
from nano_flow.cli.common import Options, pass_options
from nano_flow.cli.setup import checks
from nano_flow.cli.setup.checks import Finding
from nano_flow.core.errors import DocumentError

_LOOKS: Mapping[checks.Health, tuple[str, output.Style]] = {
    "good": ("ok", "good"),
    "off": ("-", "dim"),
    "warn": ("note", "warn"),
    "bad": ("bad", "bad"),
}


@click.command("doctor")
@pass_options
def command(options: Options) -> int:
    """Look at Python, the installation, the store, the policy files and the credentials; name what to do.

    Sends nothing. Exits with 1 where something is bad.

    \b
    Examples:
      nano-flow doctor
      nano-flow doctor --json
    """
    findings = list(examine(options))
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


def examine(options: Options) -> Iterator[Finding]:
    """Everything that can be said without asking anybody."""
    yield checks.check_python()
    yield checks.check_package()
    yield checks.check_litellm()
    yield checks.check_shell()
    yield checks.check_state(options.state)
    files = options.policy()
    policy = list(checks.check_policy(files))
    yield from policy
    providers = next(file for file in files if file.name == "providers.yaml")
    if all(finding.health == "good" for finding in policy if finding.check == providers.name):
        yield from checks.check_credentials(_credentials(providers.path.read_bytes(), str(providers.path)), os.environ)


def _credentials(text: bytes, file: str) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Provider → the sets of variables of which one suffices."""
    from nano_flow.documents.load import load_providers
    from nano_flow.plan.catalogue_build import build_catalogue

    try:
        catalogue = build_catalogue(load_providers(text, file).document)
    except DocumentError:
        return {}
    return {name: card.credentials for name, card in catalogue.providers.items()}


def _line(finding: Finding) -> str:
    word, look = _LOOKS[finding.health]
    text = f"{output.style(f'{word:<4}', look)}  {finding.check:<14}  {output.clean(finding.message)}"
    return f"{text}\n{'':<22}{output.clean(finding.advice)}" if finding.advice else text
