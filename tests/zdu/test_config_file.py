from pathlib import Path
from typing import Annotated

import pytest
from pydantic import BaseModel, ConfigDict, Field

from zdu.config_file import load_config, parse_config
from zdu.durations import Duration
from zdu.errors import ExitCode, UsageError


class Door(BaseModel):
    model_config = ConfigDict(extra="forbid")
    colour: str
    width_mm: Annotated[int, Field(ge=100)] = 800


class House(BaseModel):
    model_config = ConfigDict(extra="forbid")
    doors: Annotated[tuple[Door, ...], Field(min_length=1)]
    front: Door | None = None
    warm_up: Duration = 1.0


def mistakes(text: str) -> list[str]:
    with pytest.raises(UsageError) as raised:
        parse_config(text, "house.yaml", House)
    assert raised.value.exit_code == ExitCode.USAGE
    return raised.value.message.splitlines()


def test_a_right_file_is_read() -> None:
    house = parse_config("doors: [{colour: red}]\nwarm_up: 500ms\n", "house.yaml", House)
    assert (house.doors[0].colour, house.doors[0].width_mm, house.warm_up) == ("red", 800, 0.5)


def test_every_mistake_is_told_with_its_place_in_the_order_of_the_file() -> None:
    text = "warm_up: 5\ndoors:\n  - colour: red\n    width_mm: 9\n  - widht_mm: 100\nfront: {colour: 1, size: 2}\n"
    assert [line.partition(" ")[0] for line in mistakes(text)] == [
        "house.yaml:1:1:",
        "house.yaml:4:5:",
        "house.yaml:5:5:",
        "house.yaml:5:5:",
        "house.yaml:6:9:",
        "house.yaml:6:20:",
    ]


def test_an_unknown_setting_is_told_with_the_nearest_known_one() -> None:
    assert mistakes("doors: [{colour: red, widht_mm: 100}]") == [
        "house.yaml:1:23: doors.0.widht_mm: there is no such setting; did you mean 'width_mm'?"
    ]
    assert mistakes("doors: [{colour: red}]\nzzz: 1") == [
        "house.yaml:2:1: zzz: there is no such setting; known here: doors, front, warm_up"
    ]


def test_what_is_missing_is_told_where_it_should_be() -> None:
    assert mistakes("warm_up: 1s") == ["house.yaml:1:1: doors: this setting is required"]


def test_items_that_are_wrong_are_not_called_too_few() -> None:
    assert mistakes("doors: [{colour: 1}]") == ["house.yaml:1:10: doors.0.colour: Input should be a valid string"]
    assert "at least 1 item" in mistakes("doors: []")[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("doors: [", "house.yaml:1:9: not valid YAML: "),
        ("a: 1\na: 2\n", "house.yaml:2:1: not valid YAML: found duplicate key"),
        ("- 1", "house.yaml:1:1: expected settings"),
        ("", "house.yaml:1:1: expected settings"),
        ("a: \x00", "house.yaml: not valid YAML: "),
    ],
)
def test_what_is_no_settings_file_at_all_is_told(text: str, message: str) -> None:
    assert mistakes(text)[0].startswith(message)


def test_a_file_that_cannot_be_read_is_named_with_the_cause(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file or directory"):
        load_config(tmp_path / "none.yaml", House)
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="not a text file in UTF-8"):
        load_config(binary, House, hint="try another")


def test_a_variable_of_the_environment_is_put_in_its_place() -> None:
    text = "doors:\n  - colour: ${COLOUR}-ish\n    width_mm: ${WIDTH}\n  - colour: $${COLOUR}\n"

    house = parse_config(text, "house.yaml", House, environment={"COLOUR": "red", "WIDTH": "900"})

    assert [(door.colour, door.width_mm) for door in house.doors] == [("red-ish", 900), ("${COLOUR}", 800)]


def test_a_variable_that_there_is_not_is_told_with_its_place() -> None:
    with pytest.raises(UsageError) as raised:
        parse_config("doors:\n  - colour: ${COLOUR} and ${MORE}\n", "house.yaml", House, environment={"MORE": "x"})

    assert raised.value.message == "house.yaml:2:13: there is no environment variable COLOUR"


def test_a_value_from_the_environment_is_judged_like_any_other(tmp_path: Path) -> None:
    file = tmp_path / "house.yaml"
    file.write_text("doors: [{colour: red, width_mm: '${WIDTH}'}]\n")

    with pytest.raises(UsageError, match="greater than or equal to 100"):
        load_config(file, House, environment={"WIDTH": "9"})
