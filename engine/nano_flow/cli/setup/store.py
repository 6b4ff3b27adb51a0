"""``nano-flow store``: where runs are remembered, whether that is sound, and its move to another database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nano_flow.cli import output
from nano_flow.cli.common import Options, pass_options
from nano_flow.core.messages import Json

if TYPE_CHECKING:
    from nano_flow.ports.whole import StoreFacts

_EPILOG = """\b
Examples:
  nano-flow store info
  nano-flow store check
  nano-flow store migrate .nano-flow postgresql://ann@db.example/runs
The store of all runs is named by store: in service.yaml, else by NANO_FLOW_STORE.
Without either there is one in each state folder.
"""


@click.group("store", invoke_without_command=True, epilog=_EPILOG)
@click.pass_context
def command(context: click.Context) -> int:
    """Show, check and move the store of runs; without a command: info."""
    return 0 if context.invoked_subcommand else int(context.invoke(info_command) or 0)


@command.command("info")
@pass_options
def info_command(options: Options) -> int:
    """Show where the store is, its version, and what it holds."""
    from nano_flow.operations.stores import store_facts

    _show(options, "nano-flow/store@1", store_facts(options.place))
    return 0


@command.command("check")
@pass_options
def check_command(options: Options) -> int:
    """Read everything and say what is damaged or missing. Exit 1 where something is."""
    from nano_flow.operations.stores import check_store

    found = list(check_store(options.place))
    if options.json:
        output.document("nano-flow/store-check@1", {"sound": not found, "faults": list[Json](found)})
    elif found:
        for fault in found:
            output.data(output.clean(fault))
        output.fail(f"{len(found)} {'fault' if len(found) == 1 else 'faults'}; keep a copy before anything is changed")
    else:
        output.data(output.style("the store is sound", "good"))
    return 1 if found else 0


@command.command("migrate")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@pass_options
def migrate_command(options: Options, /, source: str, target: str) -> int:
    """Carry everything that FROM holds over into TO: state folders, their files, or addresses.

    FROM stays as it is. What TO holds already is kept, so a transfer that was interrupted goes on when it is begun
    again. No run may be at work in FROM meanwhile.
    """
    from nano_flow.operations.stores import migrate_store

    facts = migrate_store(source, target)
    _show(options, "nano-flow/store-migrate@1", facts)
    if facts.kind != "sqlite":
        output.note(
            "everything has arrived; from now on: name the address that you gave as store: of service.yaml, "
            "or export NANO_FLOW_STORE with it"
        )
    return 0


def _show(options: Options, schema: str, facts: StoreFacts) -> None:
    if options.json:
        fields: dict[str, Json] = {
            "kind": facts.kind,
            "place": facts.place,
            "version": facts.version,
            "bytes": facts.size,
            "rows": dict(facts.rows),
            "at_work": list(facts.owned),
        }
        output.document(schema, fields)
        return
    lines = [("store", facts.place), ("version", facts.version), ("bytes", f"{facts.size:,}")]
    lines += [(name, f"{many:,}") for name, many in facts.rows.items()]
    lines.append(("at work", ", ".join(facts.owned) or "nobody"))
    output.data("\n".join(f"{name:<9}  {output.clean(value)}" for name, value in lines))
