"""Durations as people write them: ``500ms``, ``1.5s``, ``5min``, ``2d``. A bare number is refused, except 0."""

import re
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

UNITS_S: dict[str, float] = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}

_WRITTEN = re.compile(r"(?P<number>\d+(\.\d+)?)\s*(?P<unit>[a-z]+)")


def parse_duration_s(text: object) -> float:
    """Seconds of a written duration. Raises ValueError with a sentence that says what is expected."""
    expected = "a duration with its unit, such as 500ms, 1.5s, 5min, 2h or 2d"
    if isinstance(text, str):
        match = _WRITTEN.fullmatch(text.strip())
        if match and match["unit"] in UNITS_S:
            return float(match["number"]) * UNITS_S[match["unit"]]
        if text.strip() == "0":
            return 0.0
    elif text == 0 and not isinstance(text, bool):
        return 0.0
    raise ValueError(f"expected {expected}, not {text!r}")


def format_duration(seconds: float) -> str:
    """The shortest exact way to write ``seconds``: 0.5 is ``500ms``, 300 is ``5min``."""
    for unit in ("d", "h", "min", "s"):
        count = seconds / UNITS_S[unit]
        if count >= 1 and abs(count - round(count)) < 1e-9:
            return f"{round(count)}{unit}"
    if seconds and abs(seconds * 1000 - round(seconds * 1000)) < 1e-6:
        return f"{round(seconds * 1000)}ms" if seconds < 1 else f"{seconds:g}s"
    return f"{seconds:g}s"


Duration = Annotated[
    float,
    BeforeValidator(parse_duration_s),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^(0|\d+(\.\d+)?\s*(ms|s|min|h|d))$"}),
]
"""A field that is written with its unit and held in seconds."""
