"""``zdu compare``: two runs side by side, in the terminal and as a page."""

import json
from dataclasses import asdict
from pathlib import Path

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from simulator.conclude import judge_run
from simulator.record.finding import find_run
from simulator.report import compare_records, render_comparison
from simulator.report.comparison import Comparison
from simulator.view.output import a_reader_may_go
from simulator.view.summary import PLAIN_WIDTH
from zdu.errors import UsageError


@click.command(short_help="Put two recorded runs side by side.")
@click.argument("first", metavar="RUN")
@click.argument("second", metavar="RUN")
@click.option(
    "--html", "page", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write a page, too."
)
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs"), help="Where run folders are (runs).")
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON and nothing else.")
def compare(first: str, second: str, page: Path | None, out: Path, as_json: bool) -> None:
    """Compare two RUNs: what differs in their set-up, and what in verdict, losses, outages, latency and moves.

    A RUN is a run's folder, a scenario (its newest run), or latest. Both are judged anew from their records; nothing
    in their folders is changed. The page shows both on one time axis.

    \b
    Examples:
      zdu compare latest runs/valiantys/20261123T101500.123
      zdu compare valiantys cancel-and-roll-back --html compared.html
    """
    runs = [judge_run(find_run(named, out)) for named in (first, second)]
    records, results = [run.record for run in runs], [run.result for run in runs]
    comparison = compare_records(records, results)
    if page:
        try:
            page.write_text(render_comparison(records, results), encoding="utf-8")
        except OSError as error:
            raise UsageError(
                f"the page cannot be written to {page}: {error.strerror}", hint="Name another file with --html FILE."
            ) from error
    with a_reader_may_go():
        if as_json:
            click.echo(json.dumps(asdict(comparison), ensure_ascii=False))
            return
        console = Console()
        console = console if console.is_terminal else Console(width=PLAIN_WIDTH)
        for letter, record in zip("AB", records, strict=True):
            console.print(f"{letter}  {record.folder.path}", soft_wrap=True, highlight=False)
        _print(comparison, console)
        if page:
            console.print(f"Page  {page}", soft_wrap=True, highlight=False)


def _print(comparison: Comparison, console: Console) -> None:
    console.print()
    console.print(comparison.judgement)
    if comparison.differences:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for column in ("what differs in the set-up", "A", "B"):
            table.add_column(column)
        for difference in comparison.differences:
            table.add_row(Text(difference.place), Text(difference.first), Text(difference.second))
        console.print(table)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("figure")
    for column in ("A", "B", "from A to B"):
        table.add_column(column, justify="right")
    for row in comparison.rows:
        first, second = (
            Text(f"{text} ✓" if row.better == which else text, style="green" if row.better == which else "")
            for which, text in (("first", row.first), ("second", row.second))
        )
        table.add_row(row.name, first, second, row.change)
    console.print(table)
