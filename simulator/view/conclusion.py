"""The end of a run, printed for people, for programs, and for continuous integration."""

import json
from pathlib import Path

import click
from rich.console import Console

from simulator.ci_output import print_annotations, write_summaries
from simulator.conclude import Conclusion
from simulator.view.output import a_reader_may_go
from simulator.view.summary import PLAIN_WIDTH, print_summary


def print_conclusion(conclusion: Conclusion, *, as_json: bool, summary: Path | None = None) -> None:
    """Print the result, for people or programs, if anybody still reads it; and for continuous integration."""
    write_summaries(conclusion, summary)
    with a_reader_may_go():
        _tell(conclusion, as_json=as_json)
        print_annotations(conclusion, quiet=as_json)


def _tell(conclusion: Conclusion, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(conclusion.result, ensure_ascii=False))
    else:
        console = Console()
        print_summary(conclusion, console if console.is_terminal else Console(width=PLAIN_WIDTH))
