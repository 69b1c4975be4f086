"""``zdu calibrate``: what is printed, and what the documentation has of it."""

import asyncio
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from simulator.calibration.calibrate import Bench
from simulator.calibration.cases import CASES, CLEAN, Case, Finding
from simulator.load.control_target import CONTROL
from simulator.record.run_folder import create_run_folder
from simulator.supervisor import Child, Supervisor
from zdu.clock import SystemClock
from zdu.errors import ExitCode, UsageError
from zdu.process import new_event_loop

BEGIN, END = "<!-- calibration: begin -->", "<!-- calibration: end -->"
CLEAN_RUNS = 100
FAST_CLEAN_RUNS = 3


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    planted: str
    runs: int
    found: int
    said: str

    @property
    def ok(self) -> bool:
        """Whether the instruments were right each time."""
        return self.runs == self.found


@click.command()
@click.option(
    "--clean-runs", type=click.IntRange(0, 10_000), default=CLEAN_RUNS, help="Runs without any fault (100)."
)
@click.option("--fast", is_flag=True, help="A few clean runs only: for a quick look, and for CI.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=1, help="Users choose by it, and it grows by run.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the table.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs"), help="Where its folder goes (runs).")
@click.option("--write", type=click.Path(path_type=Path, dir_okay=False), help="Put the table into this page.")
def calibrate(clean_runs: int, fast: bool, seed: int, as_json: bool, out: Path, write: Path | None) -> int:
    """Test the instruments first: plant faults of known size, and see that each is found and named.

    The users, probes, auditor and verdict of a run look at a small application of ours that loses a write, doubles
    one, forgets a session, shows one user another's page, breaks off or slows down, when it is told to. Without a
    fault they must find nothing.

    \b
    Exit codes: 0 everything was found and nothing else, 1 the instruments missed something or saw what was not there.
    """
    page = write.read_text(encoding="utf-8") if write and write.is_file() else ""
    if write and not (page.count(BEGIN) == page.count(END) == 1):
        raise UsageError(f"{write} does not have {BEGIN} and {END}", hint="docs/calibration.md has them.")
    runs = min(clean_runs, FAST_CLEAN_RUNS) if fast else clean_runs
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        folder = create_run_folder(out, "calibration", SystemClock())
        rows = runner.run(_calibrate(runs, seed, folder.path, quiet=as_json))
    if as_json:
        click.echo(json.dumps({"ok": all(row.ok for row in rows), "rows": [asdict(row) for row in rows]}))
    else:
        click.echo(_table(rows))
    if write:
        before, rest = page.split(BEGIN)
        write.write_text(f"{before}{BEGIN}\n{_table(rows)}\n{END}{rest.split(END)[1]}", encoding="utf-8")
    return ExitCode.PASS if all(row.ok for row in rows) else ExitCode.FAIL


async def _calibrate(clean_runs: int, seed: int, folder: Path, *, quiet: bool) -> list[Row]:
    async with asyncio.TaskGroup() as watchers:
        supervisor = Supervisor(watchers, lambda _child: None)
        try:
            bench = await _set_up(supervisor, folder)
            rows = [await _measure(bench, case, seed, quiet=quiet) for case in CASES]
            if clean_runs:
                rows.append(await _measure_clean(bench, clean_runs, seed, quiet=quiet))
        finally:
            await supervisor.stop_all(within_s=5.0)
    return rows


async def _set_up(supervisor: Supervisor, folder: Path) -> Bench:
    database = folder / "calibration.sqlite3"

    async def start(process: str, *arguments: str) -> Child:
        return await supervisor.start(process, [*arguments, "--exit-with-parent"], folder / f"{process}.log")

    target = await start("calibration-target", "calibration-target", "--database", str(database))
    control = await start(CONTROL, "control-target")
    return Bench(target.ready["url"], control.ready["url"], database, folder, SystemClock())


async def _measure(bench: Bench, case: Case, seed: int, *, quiet: bool) -> Row:
    finding = await bench.run(case, seed)
    _progress(finding, case.wanted, quiet=quiet)
    return Row(case.wanted, 1, int(finding.found), finding.said)


async def _measure_clean(bench: Bench, runs: int, seed: int, *, quiet: bool) -> Row:
    findings = [await bench.run(CLEAN, seed + number) for number in range(runs)]
    wrong = [finding.said for finding in findings if not finding.found]
    said = "; ".join(wrong[:3]) or "no outage, no failure, no broken promise in any of them"
    row = Row("nothing: clean runs", runs, runs - len(wrong), said)
    _progress(Finding(row.ok, said), f"nothing, in {runs} runs", quiet=quiet)
    return row


def _progress(finding: Finding, wanted: str, *, quiet: bool) -> None:
    if not quiet:
        click.echo(f"{'found ' if finding.found else 'MISSED'}  {wanted}", err=True)


def _table(rows: list[Row]) -> str:
    lines = ["| planted | right | what the instruments said |", "|---|---|---|"]
    for row in rows:
        right = f"{row.found} of {row.runs}" + ("" if row.ok else ", **wrong**")
        said = row.said.replace("|", "\\|")
        lines.append(f"| {row.planted} | {right} | {said} |")
    return "\n".join(lines)
