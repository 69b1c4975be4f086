"""``zdu completion``: the lines that teach a shell to complete zdu's commands, options and scenarios."""

import click
from click.shell_completion import get_completion_class

from zdu.cli import zdu

SHELLS = ("bash", "zsh", "fish")
PROGRAM = "zdu"
VARIABLE = "_ZDU_COMPLETE"
"""What the shell sets when it asks; click derives the name from the program's."""


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print what makes SHELL complete zdu's commands, options and scenarios.

    \b
    For this shell, and for all later ones:
      bash  eval "$(zdu completion bash)"           zdu completion bash >> ~/.bashrc
      zsh   eval "$(zdu completion zsh)"            zdu completion zsh >> ~/.zshrc
      fish  zdu completion fish | source            zdu completion fish > ~/.config/fish/completions/zdu.fish

    bash must be 4.4 or newer.
    """
    kind = get_completion_class(shell)
    if kind is None:  # pragma: no cover - click knows all three
        raise click.UsageError(f"click knows no completion for {shell}")
    click.echo(kind(zdu, {}, PROGRAM, VARIABLE).source())
