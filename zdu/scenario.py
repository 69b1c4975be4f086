"""Scenarios in Python, for stories that YAML tells badly: steps in a loop, waves that grow, names made of numbers.

A file holds what the language of the YAML files says, in the same words, as keyword arguments::

    from zdu.scenario import keys, scenario, step

    SCENARIO = scenario(
        name="one-by-one",
        title="Each node in a roll of its own",
        cluster=keys(nodes=4, version="7.3.0", node_upgrade_mode=True),
        timeline=[
            step(observe=keys(for_="2s")),
            step(start_upgrade=keys()),
            *(step(f"Node {n}", roll=keys(to="7.3.2", nodes=[f"node{n}"])) for n in range(1, 5)),
            step(finalise=keys()),
        ],
    )

A key that is a word of Python has an underscore at its end: ``for_``. The file is read by ``zdu run FILE.py`` and by
all that takes a scenario; it makes the same model as a YAML file does, and a mistake is told with the line on which
the call stands. It is a program: run only files that you trust.
"""

import sys
from typing import Any

__all__ = ["Keys", "keys", "scenario", "step"]


class Keys(dict[str, Any]):
    """Keys and values of a scenario; ``line`` is where in its file they were made, counted from 1."""

    line = 0


def keys(**values: Any) -> Keys:
    """Keys with values below them, such as what follows ``cluster`` or ``roll``. None leaves a key out."""
    return _made(values, sys._getframe(1).f_lineno)


def step(title: str | None = None, /, **values: Any) -> Keys:
    """One step of a timeline: when it begins, and its one action, such as ``roll=keys(to="7.3.2")``."""
    return _made({"title": title, **values}, sys._getframe(1).f_lineno)


def scenario(**values: Any) -> Keys:
    """The whole scenario, in the words of a file. The module calls it ``SCENARIO``."""
    return _made(values, sys._getframe(1).f_lineno)


def _made(values: dict[str, Any], line: int) -> Keys:
    made = Keys({key.rstrip("_"): value for key, value in values.items() if value is not None})
    made.line = line
    return made
