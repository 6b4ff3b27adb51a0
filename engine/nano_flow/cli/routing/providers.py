"""``nano-flow providers``: which providers and models there are, which keys are found, and who answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nano_flow.cli import output
from nano_flow.cli.common import Options, pass_options

if TYPE_CHECKING:
    from nano_flow.operations.models.health import Health

_EPILOG = """\b
Examples:
  nano-flow providers list
  nano-flow providers check openai ollama
  nano-flow providers models claude
  nano-flow providers health --since 7d --models
"""
_WORKFLOW = click.option(
    "--workflow", type=click.Path(path_type=Path), metavar="FILE", help="Under the files in force for this workflow."
)


@click.group("providers", epilog=_EPILOG)
def command() -> None:
    """List and check providers and models. Keys are named, never shown; only `check` asks anybody."""


@command.command("list")
@_WORKFLOW
@pass_options
def list_providers(options: Options, /, workflow: Path | None) -> int:
    """Show the providers of providers.yaml, and whether the variables with their keys are set."""
    from nano_flow.operations.project.providers import providers_of

    states = providers_of(options.place, workflow)
    if options.json:
        output.document("nano-flow/providers@1", {"providers": [state.as_json() for state in states]})
        return 0
    rows = [(state.name, state.served_by, state.credentials_text, len(state.models)) for state in states]
    output.data(output.table(("provider", "served by", "credentials", "models"), rows, right=("models",)))
    return 0


@command.command("check")
@click.argument("names", nargs=-1)
@click.option("--timeout", default=5.0, show_default=True, metavar="SECONDS", help="How long one may take.")
@_WORKFLOW
@pass_options
def check(options: Options, /, names: tuple[str, ...], timeout: float, workflow: Path | None) -> int:
    """Ask each provider that has a key one cheap question, three at a time. Exit 4 if one of NAMES is not usable."""
    from nano_flow.operations.project.providers import ask_providers

    states = ask_providers(options.place, names, timeout, workflow)
    if options.json:
        output.document("nano-flow/providers@1", {"providers": [state.as_json() for state in states]})
    else:
        rows = [(s.name, s.credentials_text, s.reach_text, s.latency_text, s.advice) for s in states]
        output.data(output.table(("provider", "credentials", "reachable", "latency", "what to do"), rows))
    return 4 if names and not all(state.usable for state in states) else 0


@command.command("models")
@click.argument("name", required=False)
@_WORKFLOW
@pass_options
def models(options: Options, /, name: str | None, workflow: Path | None) -> int:
    """Show the declared models; NAME shows those whose provider/model contains it."""
    from nano_flow.operations.project.providers import models_of

    lines = models_of(options.place, name or "", workflow)
    if options.json:
        output.document("nano-flow/models@1", {"models": [line.as_json() for line in lines]})
        return 0
    rows = [(line.name, line.window_text, line.output_text, line.can_text, line.latency_text) for line in lines]
    header = ("model", "window", "output", "can", "latency")
    output.data(output.table(header, rows, right=("window", "output", "latency")))
    return 0


@command.command("health")
@click.argument("name", required=False)
@click.option("--since", default="1d", show_default=True, metavar="WHEN", help="A duration such as 7d, or a date.")
@click.option("--models", "by_model", is_flag=True, help="One row a model instead of one a provider.")
@pass_options
def health(options: Options, /, name: str | None, since: str, by_model: bool) -> int:
    """Show how providers have answered: errors by class, time to the first token, durations, calls a minute.

    NAME shows those whose name contains it. Figures come from the runs of this project; nobody is asked.
    """
    from nano_flow.operations.models.health import provider_health
    from nano_flow.operations.moments import moment

    rows = provider_health(options.place, moment(since), by_model=by_model, name=name or "")
    if options.json:
        output.document("nano-flow/health@1", {"since": since, "rows": [row.as_json() for row in rows]})
        return 0
    if not rows:
        output.note(f"nothing was asked since {since}")
        return 0
    heading = (
        "model" if by_model else "provider",
        "calls",
        "failed",
        "errors",
        "first token",
        "p50",
        "p95",
        "peak/min",
    )
    lines = [_health_line(row) for row in rows]
    output.data(output.table(heading, lines, right=("calls", "failed", "first token", "p50", "p95", "peak/min")))
    return 0


def _health_line(row: Health) -> tuple[object, ...]:
    from nano_flow.core.text import duration_text
    from nano_flow.views.health import quantile

    def time_of(values: Sequence[float], share: float) -> str:
        found = quantile(values, share)
        return "" if found is None else duration_text(found)

    share = "" if not row.failed or row.failure_share is None else f" ({row.failure_share:.0%})"
    errors = ", ".join(f"{kind} {count}" for kind, count in row.errors.most_common(3))
    cooled = sum(row.cooling_by_hour.values())
    if cooled:
        errors += f"{', ' if errors else ''}cooling {cooled}"
    return (
        output.clean(row.name) + (" ~" if row.simulated else ""),
        row.calls,
        f"{row.failed}{share}",
        output.clean(errors),
        time_of(row.first_token_s, 0.5),
        time_of(row.seconds, 0.5),
        time_of(row.seconds, 0.95),
        max(row.minutes.values(), default=0),
    )
