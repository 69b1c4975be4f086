"""Durations are written with their unit; a bare number is refused."""

import pytest

from zdu.durations import format_duration, parse_duration_s


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("1.5s", 1.5),
        ("5min", 300.0),
        ("2h", 7200.0),
        ("2d", 172800.0),
        (" 3 s ", 3.0),
        ("0", 0.0),
        (0, 0.0),
    ],
)
def test_a_written_duration_is_read_in_seconds(text: object, seconds: float) -> None:
    assert parse_duration_s(text) == seconds


@pytest.mark.parametrize("text", [5, 1.5, "5", "five", "5 minutes", "-1s", "", None, True, "1s 2s"])
def test_anything_else_is_refused_with_an_example(text: object) -> None:
    with pytest.raises(ValueError, match="such as 500ms"):
        parse_duration_s(text)


@pytest.mark.parametrize("text", ["500ms", "1.5s", "5min", "2h", "2d", "90s", "1ms"])
def test_what_is_written_is_read_back(text: str) -> None:
    seconds = parse_duration_s(text)
    assert parse_duration_s(format_duration(seconds)) == seconds
