"""A lesson's exercise as a file, and whether an answer changed only what the lesson is about."""

from collections.abc import Iterator, Mapping
from functools import cache
from io import StringIO
from textwrap import fill
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from simulator.lessons.catalogue import Lesson, find_lesson
from simulator.scenario import Scenario, find_scenario
from simulator.scenario.document import parse_document
from simulator.scenario.load import read_scenario

WIDTH = 116
_FREE = {"name", "title", "story", "text", "notes", "ends", "twin"}
"""What people may write as they like: nothing of it changes what is played or judged."""
_ABSENT = "absent"


def exercise_text(lesson: Lesson, *, answered: bool = False) -> str:
    """The file that the lesson begins with; with ``answered`` its twin is one right answer.

    It has the comments of the scenario that it is made from, whose twin it does not have.
    """
    yaml = YAML()
    yaml.width = WIDTH
    yaml.preserve_quotes = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    root: Any = yaml.load(find_scenario(lesson.scenario).read_text(encoding="utf-8").partition("\n")[2])
    for key in ("story", "ends", "twin"):
        root.pop(key, None)
    root["name"] = lesson.file_name.removesuffix(".yaml")
    root["title"] = f"Lesson {lesson.number}: {lesson.title}"
    for path, value in lesson.changes.items():
        _put(root, path.split("."), YAML().load(value), quoted=value.startswith('"'))
    objectives = root["expect"].pop("objectives", ["no request failed", "no session was lost"])
    root["expect"].insert(0, "objectives", [*objectives, *lesson.objectives])
    if answered:
        root["ends"] = {"verdict": "fail"}
        root["twin"] = {
            "title": "Answered",
            "set": {path: YAML().load(value) for path, value in _whole_answer(lesson, root).items()},
            "ends": {"verdict": "pass"},
        }
    written = StringIO()
    yaml.dump(root, written)
    return f"{_head(lesson)}\n\n{written.getvalue()}"


def _whole_answer(lesson: Lesson, root: Any) -> Mapping[str, str]:
    """The answer in words that can only add: a step from which a key is to go is written whole."""
    gone = [path for path, value in lesson.answer.items() if not value]
    found = {path: value for path, value in lesson.answer.items() if value}
    for path in gone:
        step = path.rpartition(".")[0]
        below: Any = root
        for word in step.split("."):
            below = below[int(word) - 1] if word.isdecimal() else below[word]
        kept = {key: value for key, value in below.items() if f"{step}.{key}" not in lesson.answer}
        mine = {key.rpartition(".")[2]: value for key, value in found.items() if key.rpartition(".")[0] == step}
        found = {key: value for key, value in found.items() if key.rpartition(".")[0] != step}
        text = ", ".join(f'{key}: "{value}"' for key, value in {**kept, **mine}.items())
        found[step] = f"{{{text}}}"
    return found


def _put(root: Any, path: list[str], value: Any, *, quoted: bool) -> None:
    for word in path[:-1]:
        root = root[int(word) - 1] if word.isdecimal() else root.setdefault(word, {})
    root[path[-1]] = DoubleQuotedScalarString(value) if quoted else value


def _head(lesson: Lesson) -> str:
    """The task, and what may be changed, as comments."""
    paragraphs = (
        f"Lesson {lesson.number}: {lesson.title}. docs/scenarios.md explains every key.",
        lesson.task,
        f"You may change: {', '.join(lesson.yours)}. Everything else has to stay as it is.",
        f"Play it: zdu run {lesson.file_name}",
        f"Have it checked: zdu lesson {lesson.number} --check",
    )
    told = [fill(text, WIDTH, initial_indent="# ", subsequent_indent="# ") for text in paragraphs]
    return "\n#\n".join([*told[:3], "\n".join(told[3:])])


@cache
def _exercise(number: int) -> Scenario:
    lesson = find_lesson(number)
    return read_scenario(parse_document(exercise_text(lesson), lesson.file_name))


def exercise(lesson: Lesson) -> Scenario:
    """The exercise as it is before anybody has changed it."""
    return _exercise(lesson.number)


def changed(lesson: Lesson, answer: Scenario) -> bool:
    """Whether anything in the answer is different from the exercise that would change what is played."""
    return dict(_values(exercise(lesson).as_played())) != dict(_values(answer.as_played()))


def overstepped(lesson: Lesson, answer: Scenario) -> list[str]:
    """What of the answer is not the learner's to change, a sentence each; empty if it kept to the exercise."""
    before = dict(_values(exercise(lesson).as_played()))
    after = dict(_values(answer.as_played()))
    found = []
    for key in sorted(before.keys() | after.keys(), key=_in_order):
        was, now = before.get(key, _ABSENT), after.get(key, _ABSENT)
        if was != now and not any(key == mine or key.startswith(f"{mine}.") for mine in lesson.yours):
            found.append(f"{key} has to stay as it was, {was}; now it is {now}")
    for limit in lesson.limits:
        value = after.get(limit.key)
        if value is not None and not limit.allows(value):
            found.append(f"{limit.key} cannot be {value} here: {limit.why}")
    return found


def _values(data: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Every value of a scenario with the way to it, what is free to write left out."""
    if isinstance(data, Mapping):
        for key, value in data.items():
            if key not in _FREE or path.endswith(".fault"):  # a fault's name is what it is
                yield from _values(value, f"{path}.{key}" if path else str(key))
    elif isinstance(data, list | tuple):
        for number, value in enumerate(data, start=1):
            yield from _values(value, f"{path}.{number}")
    else:
        yield path, _said(data)


def _said(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def _in_order(key: str) -> list[tuple[int, str]]:
    return [(int(word), "") if word.isdecimal() else (0, word) for word in key.split(".")]
