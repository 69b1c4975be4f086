"""A command of one part of the application with sub-commands of another part.

``zdu node --config FILE`` runs a node and belongs to the node, which knows nothing of the simulator; ``zdu node stop
node1`` commands a cluster that is up and belongs to the simulator. Only the command line knows both.
"""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import click


def import_command(place: str) -> click.Command:
    """The command at ``module:name``."""
    module, attribute = place.split(":")
    command: click.Command = getattr(importlib.import_module(module), attribute)
    return command


class ExtendedCommand(click.Group):
    """``base``, unless the first word is one of ``more``: names with their places and one-line helps."""

    def __init__(self, base: click.Command, more: Mapping[str, tuple[str, str]], heading: str) -> None:
        super().__init__(name=base.name, help=base.help, context_settings=base.context_settings)
        self._base = base
        self._more = more
        listed = "\n".join(f"  {name:9} {text}" for name, (_, text) in more.items())
        base.epilog = f"\b\n{heading}:\n{listed}"
        self.params = base.params

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """The words of ``more``."""
        return list(self._more)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        """Import it."""
        return import_command(self._more[name][0]) if name in self._more else None

    def make_context(
        self, info_name: str | None, args: Sequence[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """A context of the base, or of the group it has become."""
        if not (args and args[0] in self._more):
            return self._base.make_context(info_name, list(args), parent, **extra)
        asked = click.Group(self.name, {args[0]: import_command(self._more[args[0]][0])})
        return asked.make_context(info_name, list(args), parent, **extra)
