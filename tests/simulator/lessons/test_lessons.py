"""The lessons: what their files say, and that a check cannot be talked into accepting something else."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from simulator.lessons.catalogue import LESSONS, Lesson
from simulator.lessons.cli import lesson as command
from simulator.lessons.exercise import changed, exercise, exercise_text, overstepped
from simulator.scenario import Scenario, load
from simulator.scenario.document import parse_document
from simulator.scenario.load import load_scenario, read_scenario
from simulator.scenario.overrides import apply_overrides
from zdu.errors import ZduError

every_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: f"lesson {lesson.number}")


def answered(lesson: Lesson, *overrides: str) -> Scenario:
    return read_scenario(apply_overrides(parse_document(exercise_text(lesson), "answer"), overrides))


def run(folder: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> Result:
    monkeypatch.chdir(folder)
    return CliRunner().invoke(command, words)


@every_lesson
def test_an_exercise_is_the_broken_scenario_without_the_answer(lesson: Lesson) -> None:
    text = exercise_text(lesson)
    found = exercise(lesson)
    assert found.twin is None
    assert found.ends.because == ()
    assert f"zdu lesson {lesson.number} --check" in text
    assert all(len(line) <= 120 for line in text.splitlines())
    assert load(lesson.scenario).ends.verdict == "fail"


@every_lesson
def test_an_untouched_exercise_is_no_answer(lesson: Lesson) -> None:
    assert not changed(lesson, exercise(lesson))


@every_lesson
def test_a_right_answer_keeps_to_what_the_exercise_is_about(lesson: Lesson, tmp_path: Path) -> None:
    file = tmp_path / lesson.file_name
    file.write_text(exercise_text(lesson, answered=True))
    answer = load_scenario(file, twin=True)
    assert overstepped(lesson, answer) == []
    assert changed(lesson, answer)


CHEATS = (
    "load.users=0",
    "load.probe_rate=0",
    "load.think_time.max=30s",
    "cluster.start_duration=0s",
    "cluster.time_scale=1",
    "expect.objectives=[requests lost <= 100%]",
    "expect.min_requests_per_version_while_mixed=0",
    "timeline.1.observe.for=100ms",
    "balancer.rise=40",
)


@every_lesson
def test_a_lesson_holds_everything_else_fixed(lesson: Lesson) -> None:
    said = overstepped(lesson, answered(lesson, *CHEATS))
    for cheat in CHEATS:
        key = cheat.partition("=")[0]
        assert any(line.startswith(key) and "has to stay as it was" in line for line in said), key


@every_lesson
def test_an_answer_without_an_upgrade_is_none(lesson: Lesson) -> None:
    answer = answered(lesson, "timeline=[{observe: {for: 5s}}]")
    assert any("timeline" in said for said in overstepped(lesson, answer))


@pytest.mark.parametrize(
    ("number", "setting"),
    [
        (1, "sessions=shared"),
        (2, "balancer.fall=1"),
        (4, "timeline.3.roll={to: '7.3.2', nodes: all, drain: none, pause_after: 1s}"),
    ],
)
def test_a_value_that_would_miss_the_point_is_refused_with_a_reason(number: int, setting: str) -> None:
    lesson = LESSONS[number - 1]
    (said,) = overstepped(lesson, answered(lesson, setting))
    assert "cannot be" in said


def test_titles_and_comments_may_be_written_as_one_likes() -> None:
    answer = answered(LESSONS[0], "title=Mine", "timeline.1.title=Mine", "balancer.stickiness=insert")
    assert overstepped(LESSONS[0], answer) == []


def test_lessons_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = run(tmp_path, monkeypatch)
    assert listed.exit_code == 0
    assert [line.partition("  ")[2] for line in listed.output.splitlines()[: len(LESSONS)]] == [
        lesson.title for lesson in LESSONS
    ]


def test_a_lesson_writes_its_file_and_never_over_one_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(tmp_path, monkeypatch, "3")
    assert "lesson-3.yaml" in first.output
    file = tmp_path / "lesson-3.yaml"
    file.write_text(file.read_text() + "# mine\n")

    second = run(tmp_path, monkeypatch, "3")

    assert "left as it is" in second.output
    assert file.read_text().endswith("# mine\n")


def test_an_untouched_file_is_not_played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(tmp_path, monkeypatch, "3")
    checked = run(tmp_path, monkeypatch, "3", "--check")
    assert checked.exit_code == 1
    assert "NOT SOLVED" in checked.output
    assert "still as it was" in checked.output
    assert not (tmp_path / "runs").exists()


def test_a_cheat_is_not_played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(tmp_path, monkeypatch, "3", "mine.yaml")
    file = tmp_path / "mine.yaml"
    file.write_text(file.read_text().replace("users: 16", "users: 0"))
    checked = run(tmp_path, monkeypatch, "3", "mine.yaml", "--check")
    assert checked.exit_code == 1
    assert "load.users has to stay as it was, 16; now it is 0" in checked.output
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["8"], "there is no lesson 8"),
        (["--check"], "which lesson?"),
        (["2", "--check"], "there is no file lesson-2.yaml"),
        (["2", "nowhere/mine.yaml"], "cannot be written"),
    ],
)
def test_wrong_usage_says_what_to_do(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = run(tmp_path, monkeypatch, *words).exception
    assert isinstance(error, ZduError | click.ClickException)
    assert said in str(error)
    assert isinstance(error, ZduError)
    assert error.exit_code == 64
