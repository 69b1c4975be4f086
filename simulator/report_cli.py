"""``zdu report``: the verdict, the result and the report of a run again, from its record alone."""

import sys
from pathlib import Path

import click

from simulator.ci_output import check_summary, summary_option
from simulator.conclude import conclude
from simulator.record.finding import find_run
from simulator.view.conclusion import print_conclusion


@click.command(short_help="Judge a recorded run again and rewrite its report.")
@click.argument("run", default="latest", metavar="[RUN]")
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs"), help="Where run folders are (runs).")
@summary_option
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON and nothing else.")
def report(run: str, out: Path, summary: Path | None, as_json: bool) -> None:
    """Judge RUN again, from its record alone, and write result.json, junit.xml and report.html anew.

    RUN is a run's folder, a scenario (its newest run), or latest (the newest of all; the default). A run that broke
    off is judged by what it left.

    \b
    Exit codes: those of the verdict, 0 pass, 1 fail, 2 inconclusive; 64 if there is no such run or its record
                cannot be read.

    \b
    Examples:
      zdu report
      zdu report valiantys
      zdu report runs/valiantys/20261123T101500.123
    """
    check_summary(summary)
    conclusion = conclude(find_run(run, out))
    print_conclusion(conclusion, as_json=as_json, summary=summary)
    sys.exit(conclusion.exit_code)
