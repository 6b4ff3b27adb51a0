"""``nano-flow doctor``: is this set-up healthy, and if not, what to do."""

from __future__ import annotations

from collections.abc import Mapping

import click

from nano_flow.cli import output
from nano_flow.cli.common import Options, pass_options
from nano_flow.operations.project.doctor import Finding, Health, examine

_LOOKS: Mapping[Health, tuple[str, output.Style]] = {
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
    findings = list(examine(options.place, ask=check))
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


def _line(finding: Finding) -> str:
    word, look = _LOOKS[finding.health]
    text = f"{output.style(f'{word:<4}', look)}  {finding.check:<14}  {output.clean(finding.message)}"
    return f"{text}\n{'':<22}{output.clean(finding.advice)}" if finding.advice else text
