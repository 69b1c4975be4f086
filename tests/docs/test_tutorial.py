"""The tutorial is held to the product: its runs end as it says, its exercises are those of the lessons."""

import re
from pathlib import Path

import pytest

from simulator.lessons.catalogue import LESSONS, Lesson
from simulator.scenario import load
from tools.tutorial import CHAPTERS, SEEN, TASK, task_section

FILES = {int(path.name[0]): path for path in CHAPTERS.glob("[0-9]-*.md")}
MOST_BYTES = 100 * 1024
every_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: f"chapter {lesson.number}")


def text_of(lesson: Lesson) -> str:
    return FILES[lesson.number].read_text(encoding="utf-8")


def test_there_is_a_chapter_for_each_lesson() -> None:
    assert sorted(FILES) == [lesson.number for lesson in LESSONS]
    listed = (CHAPTERS / "README.md").read_text(encoding="utf-8")
    for lesson in LESSONS:
        assert f"[{lesson.number}. {lesson.title}]({FILES[lesson.number].name})" in listed


@every_lesson
def test_a_chapter_has_the_exercise_in_the_lessons_own_words(lesson: Lesson) -> None:
    (task,) = TASK.findall(text_of(lesson))
    assert task == task_section(lesson)


@every_lesson
def test_a_chapter_breaks_it_and_then_mends_it_and_shows_both(lesson: Lesson) -> None:
    text = text_of(lesson)
    assert text.startswith(f"# {lesson.number}. {lesson.title}\n")
    runs = list(SEEN.finditer(text))
    shown = lesson.chapter or lesson.scenario
    assert [(run[2], bool(run[3])) for run in runs] == [(shown, False), (shown, True)]
    for run in runs:
        ends = load(run[2], twin=bool(run[3])).ends
        assert f"```text\n{ends.verdict.upper()}  " in run[0]
        for check in ends.because:
            assert f"FAILED   {check}" in run[0]


@every_lesson
def test_a_chapters_picture_is_there_and_small(lesson: Lesson) -> None:
    (image,) = re.findall(r"\]\((img/[^)]+)\)", text_of(lesson))
    picture = Path(CHAPTERS / image)
    assert picture.stat().st_size < MOST_BYTES
    assert "READY_TO_RUN_TASKS" in picture.read_text(encoding="utf-8")
