"""``nano-flow completion SHELL``: the script that completes commands, options and files."""

from __future__ import annotations

import click

from nano_flow.cli import output


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script of SHELL.

    \b
    Examples:
      eval "$(nano-flow completion bash)"
      nano-flow completion zsh > ~/.zfunc/_nano-flow
      nano-flow completion fish > ~/.config/fish/completions/nano-flow.fish
    """
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f'there is no completion for "{shell}"')
    root = click.get_current_context().find_root().command
    output.data(found(root, {}, "nano-flow", "_NANO_FLOW_COMPLETE").source())
