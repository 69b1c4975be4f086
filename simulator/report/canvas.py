"""A sheet to draw on: a time axis, a cursor that moves down, and the few shapes the picture is made of.

Colours and patterns are classes of the style sheet, so that one drawing serves a light screen, a dark one and paper.
"""

from dataclasses import dataclass, field
from typing import Literal

WIDTH = 960.0
LEFT = 138.0
RIGHT = 946.0

_NARROWEST = 2.0
"""A state that was there only for a moment is still to be seen."""

_LETTER_WIDTH = 7.4
"""An average capital letter of the labels inside bars, with some air."""


@dataclass(frozen=True)
class Shape:
    """One SVG element: a ``rect``, a ``path`` or a ``text``. ``tip`` is what a pointer resting on it shows."""

    kind: Literal["rect", "path", "text"]
    css: str
    x: float = 0.0
    y: float = 0.0
    width: float = 0.0
    height: float = 0.0
    d: str = ""
    text: str = ""
    tip: str = ""


@dataclass
class Canvas:
    """Shapes in the order in which they are painted. ``y`` is where the next row begins.

    The time axis goes from ``start_s`` to ``end_s``; what is outside lies on its edge.
    """

    end_s: float
    start_s: float = 0.0
    y: float = 0.0
    shapes: list[Shape] = field(default_factory=list)

    def x(self, t_s: float) -> float:
        """Where the time ``t_s`` is."""
        span_s = self.end_s - self.start_s
        share = min(max((t_s - self.start_s) / span_s, 0.0), 1.0) if span_s > 0 else 0.0
        return round(LEFT + share * (RIGHT - LEFT), 1)

    def bar(self, start_s: float, end_s: float, y: float, height: float, css: str, *, tip: str = "") -> float:
        """A bar from one time to another; returns its width. One that is over before the axis begins is left out."""
        if end_s < self.start_s:
            return 0.0
        x = self.x(start_s)
        width = max(self.x(end_s) - x, _NARROWEST)
        self.shapes.append(
            Shape("rect", css, x=x, y=round(y, 1), width=round(width, 1), height=round(height, 1), tip=tip)
        )
        return width

    def rect(self, x: float, y: float, width: float, height: float, css: str, *, tip: str = "") -> None:
        """A rectangle."""
        self.shapes.append(
            Shape("rect", css, x=round(x, 1), y=round(y, 1), width=round(width, 1), height=round(height, 1), tip=tip)
        )

    def text(self, x: float, y: float, text: str, css: str) -> None:
        """A line of text; its class says where its anchor is."""
        self.shapes.append(Shape("text", css, x=round(x, 1), y=round(y, 1), text=text))

    def path(self, d: str, css: str, *, tip: str = "") -> None:
        """Any line."""
        self.shapes.append(Shape("path", css, d=d, tip=tip))

    def line(self, x1: float, y1: float, x2: float, y2: float, css: str) -> None:
        """A straight line."""
        self.path(f"M{x1:g} {y1:g}L{x2:g} {y2:g}", css)


def fitting(words: tuple[str, ...], width: float) -> str:
    """The first of ``words``, from long to short, that fits into a bar of that width; empty if none does."""
    return next((word for word in words if len(word) * _LETTER_WIDTH + 4 <= width), "")


def time_ticks(end_s: float) -> list[float]:
    """Between six and fifteen round times from 0 on."""
    for step in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600):
        if end_s / step <= 15:
            return [index * step for index in range(int(end_s / step) + 1)]
    return [0.0, end_s]


def count_ticks(highest: float) -> list[float]:
    """Two to five round values from 0 to above ``highest``."""
    step = 1.0
    while highest / step > 4:
        step *= 2.5 if str(step)[0] == "2" else 2
    count = max(int(-(-highest // step)), 1)
    return [index * step for index in range(count + 1)]


def heading(canvas: Canvas, text: str) -> None:
    """The name of what is drawn below."""
    canvas.text(LEFT, canvas.y + 12, text, "heading")
    canvas.y += 19
