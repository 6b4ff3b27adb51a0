"""The frame around every command: lazy commands, global options on either side of them, nearest names."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import click

from nano_flow.cli.common import give, options_of

EVENT_COMMANDS = frozenset({"run", "resume"})
"""The commands whose ``--json`` may be ``--json=events``."""

_PREFIX = "global_"
"""Keeps the names of these parameters apart from a command's own."""
_EPILOG = (
    "Taken before and after any command: -C DIR, --config-dir DIR, --env-file FILE, --color WHEN, -q, -v, --json, "
    "--no-input, --state-dir DIR, --version (explained by nano-flow --help)."
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the table of commands: where the command lives, and what it is for."""

    module: str
    summary: str


class Frame(click.Group):
    """``nano-flow`` itself; a command's module is imported when the command is used, or its help is asked for."""

    def __init__(self, sections: Mapping[str, Mapping[str, Entry]], *, help: str) -> None:
        super().__init__("nano-flow", params=list(global_options()), help=help, no_args_is_help=True)
        self.sections = sections

    def entries(self) -> dict[str, Entry]:
        """All lines of the table."""
        return {name: entry for section in self.sections.values() for name, entry in section.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.entries())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = self.entries().get(cmd_name)
        if entry is None:
            return None
        command = import_module(entry.module).command
        if not isinstance(command, click.Command):
            raise TypeError(f"{entry.module}.command is not a click command")
        return with_global_options(command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.entries() and not ctx.resilient_parsing:
            raise click.UsageError(_no_such_command(args[0], list(self.entries())), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, section in self.sections.items():
            with formatter.section(title):
                formatter.write_dl([(name, entry.summary) for name, entry in section.items()])


def with_global_options(command: click.Command) -> click.Command:
    """``command``, and the commands inside it, also taking the global options (those that they do not define)."""
    taken = {name for param in command.params for name in (*param.opts, *param.secondary_opts)}
    command.params.extend(option for option in global_options(hidden=True) if not taken.intersection(option.opts))
    if _EPILOG not in (command.epilog or ""):
        command.epilog = "\n\n".join(filter(None, [command.epilog, _EPILOG]))
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            with_global_options(inner)
    return command


def global_options(*, hidden: bool = False) -> tuple[click.Option, ...]:
    """The global options, made anew for each command because click keeps state in them."""

    def option(name: str, *flags: str, **attributes: object) -> click.Option:
        settings = {"expose_value": False, "hidden": hidden, **attributes}
        return click.Option([_PREFIX + name, *flags], **settings)  # type: ignore[arg-type]

    folder = click.Path(file_okay=False, path_type=Path)
    file = click.Path(dir_okay=False, path_type=Path)
    return (
        option("directory", "-C", metavar="DIR", type=folder, is_eager=True, callback=_change_folder,
               help="Work as if started in DIR."),
        option("config_dir", "--config-dir", metavar="DIR", type=folder, callback=_keep,
               help="Look for providers.yaml, routing.yaml and pricing.yaml here first."),
        option("env_file", "--env-file", metavar="FILE", type=file, callback=_read_env_file,
               help="Read variables from FILE; those already set win."),
        option("no_env_file", "--no-env-file", is_flag=True, callback=_keep,
               help="Do not read the .env beside the project."),
        option("color", "--color", type=click.Choice(["auto", "always", "never"]), default="auto", callback=_keep,
               is_eager=True, help="Colour the output (auto: on a terminal, unless NO_COLOR is set)."),
        option("quiet", "-q", "--quiet", is_flag=True, callback=_quiet,
               help="Say only what was asked for, and errors."),
        option("verbose", "-v", "--verbose", count=True, callback=_verbose, help="Say more; -vv says most."),
        option("json", "--json", is_flag=True, callback=_keep, is_eager=True,
               help="Print one JSON document (run, resume: --json=events prints one object per event)."),
        option("events", "--json-events", is_flag=True, hidden=True, callback=_events),
        option("no_input", "--no-input", is_flag=True, callback=_keep, help="Never prompt."),
        option("state_dir", "--state-dir", metavar="DIR", type=folder, callback=_keep,
               help="Keep runs in DIR (else NANO_FLOW_STATE, else .nano-flow in the project's folder)."),
        option("version", "--version", is_flag=True, is_eager=True, callback=_version,
               help="Show the version and exit."),
    )  # fmt: skip


def _given(ctx: click.Context, param: click.Parameter) -> bool:
    source = ctx.get_parameter_source(param.name or "")
    return source is not None and source.name == "COMMANDLINE"


def _keep(ctx: click.Context, param: click.Parameter, value: object) -> object:
    if _given(ctx, param):
        give(ctx, **{str(param.name).removeprefix(_PREFIX): value})
    return value


def _quiet(ctx: click.Context, param: click.Parameter, value: bool) -> bool:
    if value:
        give(ctx, verbosity=-1)
    return value


def _verbose(ctx: click.Context, param: click.Parameter, value: int) -> int:
    if value:
        give(ctx, verbosity=max(0, options_of(ctx).verbosity) + value)
    return value


def _events(ctx: click.Context, param: click.Parameter, value: bool) -> bool:
    if value:
        give(ctx, json=True, events=True)
    return value


def _change_folder(ctx: click.Context, param: click.Parameter, value: Path | None) -> Path | None:
    """Change the folder before other options are read, so that their relative paths mean the new one, as for make."""
    if value is not None:
        give(ctx, started=options_of(ctx).started or Path.cwd())
        try:
            os.chdir(value)
        except OSError as error:
            raise click.BadParameter(f'"{value}" cannot be entered: {error.strerror}', ctx, param) from error
    return value


def _read_env_file(ctx: click.Context, param: click.Parameter, value: Path | None) -> Path | None:
    if value is None:
        return None
    from nano_flow.operations.project.variables import read_env_file

    for name, text in read_env_file(value).items():
        os.environ.setdefault(name, text)
    give(ctx, env_file=value)
    return value


def _version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from nano_flow import __version__

        click.echo(f"nano-flow {__version__}")
        ctx.exit()


def _no_such_command(name: str, known: list[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=1)
    hint = f'did you mean "{near[0]}"?' if near else '"nano-flow --help" lists them'
    return f'there is no command "{name}"; {hint}'
