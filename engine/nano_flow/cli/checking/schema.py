"""``nano-flow schema``: the JSON Schemas of the documents, for editors."""

from __future__ import annotations

from pathlib import Path

import click

from nano_flow.cli import output
from nano_flow.cli.common import Options, options_of, pass_options

NAMES = ("workflow", "providers", "routing", "pricing", "service", "test")
DIFFERENT = 1
_EPILOG = """\b
Examples:
  nano-flow schema print workflow > workflow.schema.json
  nano-flow schema write .nano-flow/schemas
  nano-flow schema --check

\b
In a workflow, for editors that use yaml-language-server:
  # yaml-language-server: $schema=../schemas/workflow.schema.json
"""


@click.group("schema", epilog=_EPILOG, invoke_without_command=True)
@click.option("--check", "folder", is_flag=False, flag_value="schemas", metavar="[DIR]", help="Compare DIR (schemas).")
@click.pass_context
def command(context: click.Context, folder: str | None) -> int | None:
    """Print, write and check the editor schemas."""
    if folder is not None:
        return _check(Path(folder), options_of(context))
    if context.invoked_subcommand is None:
        output.data(context.get_help())
    return None


@command.command("print")
@click.argument("name", type=click.Choice(NAMES), default="workflow")
@pass_options
def print_schema(options: Options, /, name: str) -> None:
    """Print the schema NAME (default: workflow)."""
    from nano_flow.operations.project.schemas import schema_text

    output.data(schema_text(name).rstrip("\n"))


@command.command("write")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path("schemas"))
@pass_options
def write_schemas(options: Options, /, folder: Path) -> None:
    """Write all schemas into FOLDER (default: schemas)."""
    from nano_flow.core.errors import UsageError
    from nano_flow.operations.project.schemas import write

    try:
        changed = write(folder)
    except OSError as error:
        raise UsageError(f'"{folder}" cannot be written: {error.strerror}') from None
    if options.json:
        output.document("nano-flow/schemas@1", {"folder": str(folder), "written": [path.name for path in changed]})
        return
    for path in changed:
        output.data(str(path))
    if not changed:
        output.note(f'the schemas in "{folder}" are up to date')


def _check(folder: Path, options: Options) -> int:
    from nano_flow.operations.project.schemas import drifted

    different = drifted(folder)
    if options.json:
        output.document("nano-flow/schemas@1", {"folder": str(folder), "different": list(different)})
    if not different:
        output.note(f'the schemas in "{folder}" are up to date')
        return 0
    for name in different:
        output.fail(f'"{folder / name}" differs from the documents; "nano-flow schema write {folder}" writes it')
    return DIFFERENT
