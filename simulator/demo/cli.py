"""``zdu demo``: a tour of ten minutes in the terminal and in a browser."""

import asyncio
import sys
import webbrowser
from pathlib import Path
from textwrap import fill

import click

from simulator.cli import LARGEST_SEED, raise_descriptor_limit
from simulator.conclude import Conclusion
from simulator.dashboard.audience import Audience
from simulator.database_target import choose_database
from simulator.demo.guide import STDIN, WIDTH, Guide
from simulator.playing import play
from simulator.record.recorder import Recorder
from simulator.record.run_folder import create_run_folder
from simulator.scenario import Scenario, load
from simulator.stage import RunPlan
from simulator.up.cli import HappeningsView
from simulator.view.model import ViewModel
from zdu.clock import Entropy, SystemClock
from zdu.errors import ExitCode, UsageError
from zdu.process import new_event_loop

ACTS = ("valiantys", "no-drain", "kill-mid-upgrade")
EXIT_CODES = {"pass": ExitCode.PASS, "fail": ExitCode.FAIL, "inconclusive": ExitCode.INCONCLUSIVE}


@click.command()
@click.option("--auto", "auto_s", type=click.FloatRange(0, 3600), metavar="SECONDS", help="Go on by itself.")
@click.option("--no-browser", is_flag=True, help="Print the page's address and open no browser.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs"), help="Where run folders go (runs).")
@click.option("--seed", type=click.IntRange(0, LARGEST_SEED), help="Make users choose as in an earlier run.")
def demo(auto_s: float | None, no_browser: bool, out: Path, seed: int | None) -> None:
    """Take a tour: a real upgrade, step by step; the same one done carelessly; and one in which a node is killed.

    Each step is told here and waits for Enter, or for the space bar in the page; users work on meanwhile. Ctrl-C ends
    it at any time and leaves nothing behind. With ?notes before the # of its address the page has a speaker's notes.

    \b
    Exit codes: 0 all ended as they are meant to, 1 one ended otherwise, 2 one proved nothing,
                64 wrong usage, 70 a cluster could not be started, 130 interrupted.

    \b
    Examples:
      zdu demo
      zdu demo --auto 20 --no-browser     for a talk, or for continuous integration
    """
    if auto_s is None and not sys.stdin.isatty():
        raise UsageError(
            "nobody can press Enter here: this is no terminal", hint="zdu demo --auto 10 goes on by itself."
        )
    raise_descriptor_limit()
    guide = Guide(click.echo, auto_s=auto_s, descriptor=STDIN)
    _say(
        "Three acts. First an upgrade as it should be: two nodes of Jira, users at work, from 7.3.0 to 7.3.2. Then "
        "the same with one thing forgotten. Then one in which a node dies: kill -9. Everything is real: processes, "
        "requests, a database, and a verdict."
    )
    acts = [load(name) for name in ACTS]
    ended: list[Conclusion] = []
    for number, scenario in enumerate(acts, start=1):
        if ended:
            _wait(guide, f"Enter: act {number} of {len(acts)}, on a page of its own")
        click.echo(f"\nACT {number}  {scenario.title}\n")
        conclusion = _act(scenario, guide, out, seed, show=not no_browser)
        ended.append(conclusion)
        _say_verdict(conclusion)
    _say_end(ended)
    sys.exit(_exit_code(acts, ended))


def _act(scenario: Scenario, guide: Guide, out: Path, seed: int | None, *, show: bool) -> Conclusion:
    """Play one act step by step; an interrupted one ends the tour."""
    clock, entropy = SystemClock(), Entropy()
    folder = create_run_folder(out, scenario.name, clock)
    seed = entropy.rng.randrange(LARGEST_SEED) if seed is None else seed
    plan = RunPlan(scenario, seed, folder, choose_database(None, folder), f"zdu run {scenario.name} --seed {seed}")
    recorder = Recorder(folder.path, clock)
    audience = Audience(plan, recorder, entropy.token(), steps=True, prompt=guide.before)

    def view() -> HappeningsView:
        if show and not webbrowser.open(audience.page_url):
            click.echo("No browser could be opened; the address is above.")
        return HappeningsView(ViewModel.of(scenario.cluster.node_ids), click.echo)

    conclusion, interrupted = play(plan, recorder, view, audience)
    if interrupted:
        click.echo("\nThe tour is over; nothing of it runs any more.")
        sys.exit(ExitCode.INTERRUPTED)
    return conclusion


def _wait(guide: Guide, what: str) -> None:
    """Wait for Enter between two acts, when no cluster is up."""
    click.echo("")
    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(guide.go_on(what))
    except KeyboardInterrupt:
        click.echo("\nThe tour is over; nothing of it runs any more.")
        sys.exit(ExitCode.INTERRUPTED)


def _say(text: str) -> None:
    click.echo(fill(text, WIDTH))


def _say_verdict(conclusion: Conclusion) -> None:
    verdict = conclusion.verdict
    click.echo("")
    _say(f"{verdict.word.upper()}  {verdict.sentence}")
    for sentence in conclusion.result["failures"][:3]:
        click.echo(fill(sentence, WIDTH, initial_indent="  ", subsequent_indent="  "))
    click.echo(f"The report, which plays the run again: {conclusion.folder.path / 'report.html'}")


def _say_end(ended: list[Conclusion]) -> None:
    click.echo("\nThe first two beside each other, with a drain and without:")
    click.echo(f"  zdu compare {ended[0].folder.path} {ended[1].folder.path} --html compared.html")
    click.echo("On from here:")
    click.echo("  zdu lesson     seven things that break an upgrade, each to be mended by you")
    click.echo("  zdu up         the same cluster, and the upgrade is yours")


def _exit_code(acts: list[Scenario], ended: list[Conclusion]) -> ExitCode:
    """0 if each act ended as its scenario says."""
    found = {
        EXIT_CODES[one.verdict.word]
        for act, one in zip(acts, ended, strict=True)
        if one.verdict.word != act.ends.verdict
    }
    if not found:
        return ExitCode.PASS
    click.echo("\nOne of the acts did not end as it is meant to; its report says why.")
    return ExitCode.INCONCLUSIVE if found == {ExitCode.INCONCLUSIVE} else ExitCode.FAIL
