"""``nano-flow init``: a project that runs at once, without keys."""

from __future__ import annotations

from pathlib import Path

import click

from nano_flow.cli import output
from nano_flow.cli.common import Options, pass_options
from nano_flow.operations.project.beginning import project_files, write_project


@click.command("init")
@click.argument("directory", metavar="[DIR]", default=".", type=click.Path(file_okay=False, path_type=Path))
@click.option("--provider", metavar="NAME", help="Only models of this provider are asked: openai, anthropic, ollama …")
@click.option(
    "--from",
    "config",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Carry over LiteLLM's config.yaml (models, fallbacks, limits, prices) or the servers of a host's .mcp.json.",
)
@pass_options
def command(options: Options, directory: Path, provider: str | None, config: Path | None) -> None:
    """Start a project in DIR: a workflow, the policy files, tests of both and the editor's schemas.

    Nothing that exists is overwritten.

    \b
    Examples:
      nano-flow init hello
      nano-flow init && nano-flow run workflow.yaml --offline
      nano-flow init --provider anthropic
      nano-flow init team --from litellm_config.yaml
      nano-flow init agents --from .mcp.json
    """
    written = write_project(directory, project_files(provider, config), config)
    if options.json:
        output.document("nano-flow/init@1", {"folder": str(directory), "files": written})
        return
    for name in written:
        output.note(f"{output.style('wrote', 'good', stream='stderr')} {output.clean(directory / name)}")
    if ".gitignore" not in written:
        output.note(f'"{directory / ".gitignore"}" was there already; it should hold the line ".nano-flow/"')
    output.note(f"next: nano-flow run {output.clean(directory / 'workflow.yaml')} --offline")
