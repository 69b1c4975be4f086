"""``zdu lesson``: an exercise to be mended, and whether it is."""

import sys
from pathlib import Path
from textwrap import fill

import click

from simulator.cli import LARGEST_SEED, choose_view, raise_descriptor_limit
from simulator.conclude import Conclusion
from simulator.database_target import choose_database
from simulator.lessons.catalogue import LESSONS, Lesson, find_lesson
from simulator.lessons.exercise import changed, exercise_text, overstepped
from simulator.playing import play
from simulator.record.recorder import Recorder
from simulator.record.run_folder import create_run_folder
from simulator.scenario import Scenario, load_scenario
from simulator.stage import RunPlan
from zdu.clock import Entropy, SystemClock
from zdu.errors import ExitCode, UsageError

WIDTH = 100


@click.command()
@click.argument("number", type=int, required=False)
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--check", is_flag=True, help="Play the answer in FILE and say whether it is solved.")
@click.option("--hint", is_flag=True, help="Print a hint.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs"), help="Where run folders go (runs).")
@click.option("--seed", type=click.IntRange(0, LARGEST_SEED), help="Make users choose as in an earlier run.")
@click.option("--plain", is_flag=True, help="Plain lines instead of the live view.")
def lesson(
    number: int | None, file: Path | None, check: bool, hint: bool, out: Path, seed: int | None, plain: bool
) -> None:
    """Learn by mending: lesson NUMBER puts an exercise into FILE (lesson-NUMBER.yaml); without NUMBER, all of them.

    Each chapter of docs/tutorial ends with one. A check plays the answer for real, which takes half a minute, and
    accepts it if nobody noticed. What the exercise is not about has to stay as it is.

    \b
    Exit codes of --check: 0 solved, 1 not solved (an inconclusive run is not), 64 wrong usage or a mistake in FILE,
                           130 interrupted.

    \b
    Examples:
      zdu lesson               all lessons
      zdu lesson 3             the exercise of lesson 3, and its file
      zdu lesson 3 --check     whether it is solved
    """
    if number is None:
        if check or hint:
            raise UsageError("which lesson?", hint="For instance: zdu lesson 1 --check")
        _list()
        return
    chosen = find_lesson(number)
    path = file or Path(chosen.file_name)
    if check:
        sys.exit(_check(chosen, path, out, seed, plain=plain))
    if hint:
        click.echo(fill(chosen.hint, WIDTH))
    else:
        _set_up(chosen, path)


def _list() -> None:
    for one in LESSONS:
        click.echo(f"{one.number}  {one.title}")
    click.echo("\nzdu lesson 1 begins; docs/tutorial has a chapter for each.")


def _set_up(chosen: Lesson, path: Path) -> None:
    click.echo(f"Lesson {chosen.number}: {chosen.title}\n")
    click.echo(fill(chosen.task, WIDTH))
    click.echo(f"\nYou may change   {', '.join(chosen.yours)}")
    try:
        with path.open("x", encoding="utf-8") as exercise:
            exercise.write(exercise_text(chosen))
        click.echo(f"The exercise     {path}")
    except FileExistsError:
        click.echo(f"The exercise     {path}, which is there already and was left as it is")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", hint="Name another FILE.") from error
    named = "" if path == Path(chosen.file_name) else f" {path}"
    click.echo(f"\nSee it fail      zdu run {path}")
    click.echo(f"Have it checked  zdu lesson {chosen.number}{named} --check")


def _check(chosen: Lesson, path: Path, out: Path, seed: int | None, *, plain: bool) -> ExitCode:
    if not path.exists():
        raise UsageError(f"there is no file {path}", hint=f"zdu lesson {chosen.number} writes the exercise.")
    answer = load_scenario(path)
    problems = overstepped(chosen, answer)
    if problems:
        return _not_solved(["this is not the exercise any more", *problems], f"Yours: {', '.join(chosen.yours)}.")
    if not changed(chosen, answer):
        return _not_solved([f"{path} is still as it was"], fill(chosen.hint, WIDTH))
    conclusion, interrupted = _play(chosen, path, answer, out, seed, plain=plain)
    if interrupted:
        click.echo("\nInterrupted: nothing is known of it.")
        return ExitCode.INTERRUPTED
    report = f"The report: {conclusion.folder.path / 'report.html'}"
    if conclusion.verdict.word == "pass":
        click.echo(f"\n{fill(f'SOLVED  {chosen.solved}', WIDTH)}\n{report}")
        return ExitCode.PASS
    reasons = [conclusion.verdict.sentence, *conclusion.verdict.reasons]
    if conclusion.verdict.word == "inconclusive":
        reasons.insert(0, "the run proved nothing, so neither does the answer; play it again on a quieter machine")
    return _not_solved(reasons, f"{fill(chosen.hint, WIDTH)}\n{report}")


def _play(
    chosen: Lesson, path: Path, answer: Scenario, out: Path, seed: int | None, *, plain: bool
) -> tuple[Conclusion, bool]:
    raise_descriptor_limit()
    clock = SystemClock()
    folder = create_run_folder(out, answer.name, clock)
    seed = Entropy().rng.randrange(LARGEST_SEED) if seed is None else seed
    database = choose_database(None, folder)
    command = f"zdu lesson {chosen.number} {path} --check --seed {seed}"
    plan = RunPlan(scenario=answer, seed=seed, folder=folder, database=database, command=command)
    return play(plan, Recorder(folder.path, clock), lambda: choose_view(answer, plain=plain))


def _not_solved(reasons: list[str], advice: str) -> ExitCode:
    click.echo("\nNOT SOLVED")
    for reason in reasons:
        click.echo(fill(reason, WIDTH, initial_indent="  - ", subsequent_indent="    "))
    click.echo(f"\n{advice}")
    return ExitCode.FAIL
