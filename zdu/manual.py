"""``zdu help``: what ``--help`` says, of a command and of all below it, through a pager as ``man`` does."""

from collections.abc import Iterator, Sequence

import click

from zdu.cli import COMMANDS, zdu
from zdu.errors import UsageError

WIDTH = 100


@click.command("help")
@click.argument("words", metavar="[COMMAND]...", nargs=-1)
def manual(words: Sequence[str]) -> None:
    """Read about zdu, or about COMMAND and all that belongs to it, page by page.

    \b
    Examples:
      zdu help
      zdu help run
      zdu help lb state
    """
    click.echo_via_pager("\n".join(pages(words)) + "\n")


def pages(words: Sequence[str]) -> Iterator[str]:
    """The help of the command that ``words`` name, then of all below it. Raises UsageError if there is none."""
    context = click.Context(zdu, info_name="zdu", max_content_width=WIDTH, terminal_width=WIDTH)
    command: click.Command = zdu
    for word in words:
        below = command.get_command(context, word) if isinstance(command, click.Group) else None
        if below is None:
            known = ", ".join(command.list_commands(context)) if isinstance(command, click.Group) else "none"
            raise UsageError(f"{context.command_path} has no command {word!r}", hint=f"Its commands: {known}.")
        command, context = below, _below(context, below, word)
    yield from _pages(command, context)


def _pages(command: click.Command, context: click.Context) -> Iterator[str]:
    yield f"{_title(context.command_path)}\n\n{command.get_help(context)}\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            # The top only names its commands: all of them in full would be a book.
            below = None if command is zdu else command.get_command(context, name)
            if below is not None:
                yield from _pages(below, _below(context, below, name))
    if command is zdu:
        yield f"zdu help COMMAND tells all about one of them: {', '.join(COMMANDS)}."


def _below(parent: click.Context, command: click.Command, name: str) -> click.Context:
    return click.Context(
        command,
        info_name=name,
        parent=parent,
        max_content_width=WIDTH,
        terminal_width=WIDTH,
        help_option_names=["--help"],
    )


def _title(path: str) -> str:
    return click.style(path.upper(), bold=True)
