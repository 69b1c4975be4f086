"""What a shell is told when somebody presses Tab where a scenario is expected."""

import click
from click.shell_completion import CompletionItem

from simulator.scenario.library import shipped_scenarios


def complete_scenario(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The shipped scenarios that begin so; otherwise the shell is to look for files."""
    named = [CompletionItem(name) for name in shipped_scenarios() if name.startswith(incomplete)]
    return named or [CompletionItem(incomplete, type="file")]
