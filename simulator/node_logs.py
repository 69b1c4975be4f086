"""What the nodes' own logs tell: refused statements, and when each went to which application state.

They are read at the end, as an operator would.
A request that failed says nothing about why: that is in the log of the node, and nowhere else.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from zdu.events import NodeLogsAudited

_AT = r"(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\+0000) "
_LAUNCH = re.compile(_AT + r"\S+ INFO \[\S+\] Event loop: \w+(?:; wall clock (?P<ahead_s>\d+(?:\.\d+)?) s ahead)?$")
"""The first line of each start says by how much the clock is ahead by which all others are dated."""
_STATE = re.compile(_AT + r"\S+ INFO \[\S+\] Application state [A-Z_]+ -> (?P<state>[A-Z_]+)$")
_REFUSED = re.compile(
    _AT + r"\S+ ERROR \[\S+\] .* failed: "
    r"Jira (?P<version>\S+) cannot run a statement: (?P<reason>.*); the statement was: (?P<statement>.*)"
)


def audit_node_logs(logs: Mapping[str, Path], since_start_s: Callable[[int], float]) -> NodeLogsAudited:
    """Read the log of each node. ``since_start_s`` turns wall time, in ms, into seconds of the run."""
    statements: list[dict[str, Any]] = []
    states: list[dict[str, Any]] = []
    for node, log in logs.items():
        if log.is_file():
            statements += _refused(node, _lines(log), since_start_s)
            states += _states(node, _lines(log), since_start_s)
    return NodeLogsAudited(
        sorted(statements, key=lambda statement: statement["first_s"]), sorted(states, key=lambda state: state["t_s"])
    )


def _lines(log: Path) -> Iterator[str]:
    with log.open(encoding="utf-8", errors="replace") as lines:
        yield from lines


def _dated(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Each line with what the node's clock was ahead of the machine's when it was written, in ms."""
    ahead_ms = 0
    for line in lines:
        if launch := _LAUNCH.match(line):
            ahead_ms = round(float(launch["ahead_s"] or 0) * 1000)
        yield ahead_ms, line


def _states(node: str, lines: Iterable[str], since_start_s: Callable[[int], float]) -> list[dict[str, Any]]:
    """Each change of the application state."""
    return [
        {"node": node, "t_s": round(since_start_s(_wall_ms(match["at"]) - ahead_ms), 3), "state": match["state"]}
        for ahead_ms, line in _dated(lines)
        if (match := _STATE.match(line))
    ]


def _refused(node: str, lines: Iterable[str], since_start_s: Callable[[int], float]) -> list[dict[str, Any]]:
    """Each statement once, with how often it was refused and when first."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for ahead_ms, line in _dated(lines):
        match = _REFUSED.match(line)
        if match is None:
            continue
        words = match["version"], match["statement"], match["reason"]
        if words not in found:
            version, statement, reason = words
            found[words] = {"node": node, "version": version, "statement": statement, "reason": reason, "count": 0}
            found[words]["first_s"] = round(since_start_s(_wall_ms(match["at"]) - ahead_ms), 3)
        found[words]["count"] += 1
    return list(found.values())


def _wall_ms(stamp: str) -> int:
    return round(datetime.strptime(stamp, "%Y-%m-%d %H:%M:%S,%f%z").timestamp() * 1000)
