"""Two runs side by side: what differs in their set-up, and what in their figures. Pure: two results in, rows out.

A comparison is worth as much as its two runs are alike. So what differs in the set-up comes first, in the words of a
scenario file, and with more than one difference no figure is blamed on any of them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from simulator.report.content import amount, part
from simulator.scenario.twin import TWIN

_PHASE_PERCENTILE = "p90"
"""A phase of a few seconds has no samples for more."""

Better = Literal["first", "second", ""]
"""Which of two figures people would rather have; empty where neither is better, or they are the same."""


@dataclass(frozen=True)
class Difference:
    """One part of the set-up that is not the same: its place, and its value in each run."""

    place: str
    first: str
    second: str


@dataclass(frozen=True)
class Row:
    """One figure of both runs. ``change`` is from the first to the second, in words."""

    name: str
    first: str
    second: str
    change: str = ""
    better: Better = ""


@dataclass(frozen=True)
class Comparison:
    """Both runs' figures, and how far they may be compared."""

    differences: tuple[Difference, ...]
    judgement: str
    rows: tuple[Row, ...]


def compare(
    first: Mapping[str, Any],
    second: Mapping[str, Any],
    *,
    first_played: Mapping[str, Any],
    second_played: Mapping[str, Any],
) -> Comparison:
    """Compare two results; ``…_played`` are the scenarios as they were played."""
    differences = tuple(_set_up(first, second, first_played, second_played))
    judgement = _judge(differences) + _proved_nothing(first, second)
    return Comparison(differences, judgement, tuple(_rows(first, second)))


_NOT_PLAYED = frozenset({"title", "story", "text", "notes", "ends", "twin"})
"""What does nothing to a run: it is told to an audience, or says how the scenario is meant to end."""


def _set_up(
    first: Mapping[str, Any],
    second: Mapping[str, Any],
    first_played: Mapping[str, Any],
    second_played: Mapping[str, Any],
) -> Iterator[Difference]:
    for key, one, two in (
        ("seed", first.get("seed"), second.get("seed")),
        ("database", _kind(first.get("database")), _kind(second.get("database"))),
        ("load balancer", first.get("load_balancer"), second.get("load_balancer")),
    ):
        if one != two:
            yield Difference(key, _word(one), _word(two))
    yield from _unlike("software", first.get("software"), second.get("software"))
    yield from _unlike("", _without_twin(first_played), _without_twin(second_played))


def _without_twin(played: Mapping[str, Any]) -> dict[str, Any]:
    """A twin is the same scenario with something changed, and that is told; its name alone is no difference."""
    return {**played, "name": str(played.get("name", "")).removesuffix(TWIN)}


def _unlike(place: str, first: object, second: object) -> Iterator[Difference]:
    """Where two trees differ, place by place; lists of the same length are compared item by item."""
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        for key in dict.fromkeys([*first, *second]):
            if key not in _NOT_PLAYED:
                yield from _unlike(f"{place}.{key}".lstrip("."), first.get(key), second.get(key))
    elif isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        for number, (one, two) in enumerate(zip(first, second, strict=True), start=1):
            yield from _unlike(f"{place}[{number}]", one, two)
    elif first != second:
        yield Difference(place, _word(first), _word(second))


def _kind(url: object) -> str:
    """The kind of database: where its file is makes no difference."""
    return str(url).partition(":")[0]


def _word(value: object) -> str:
    if isinstance(value, list):
        return f"{len(value)} entries"
    if isinstance(value, Mapping):
        return ", ".join(value) or "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    return "not there" if value is None else str(value)


def _judge(differences: tuple[Difference, ...]) -> str:
    """How far the two may be compared."""
    once = "Each was run once, and the machine may have been busier during one of them."
    places = [difference.place for difference in differences if difference.place != "seed"]
    if "name" in places:
        return "These are two scenarios: only the verdicts can be told apart, the figures have no common measure."
    if not places:
        seeds = " but for the seed" if differences else ""
        return f"Both have the same set-up{seeds}: what differs below is chance. {once}"
    if len(places) == 1:
        return f"Only {places[0]} differs: a large difference below may well come from it. {once}"
    return f"{len(places)} things differ: nothing below can be put down to one of them. {once}"


def _proved_nothing(first: Mapping[str, Any], second: Mapping[str, Any]) -> str:
    """A warning for each run that is no measure for the other."""
    runs = (("A", first), ("B", second))
    return "".join(
        f" {letter} is inconclusive: its figures may be of half a run."
        for letter, result in runs
        if result.get("verdict") == "inconclusive"
    )


def _rows(first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[Row]:
    yield Row("verdict", str(first.get("verdict")), str(second.get("verdict")), better=_better_verdict(first, second))
    yield from (
        _numbers(name, _at(first, path), _at(second, path), unit, less_is_better=less)
        for name, path, unit, less in _FIGURES
        if _at(first, path) is not None or _at(second, path) is not None
    )
    yield from _outages(first, second)
    yield from _phases(first, second)
    nodes = dict.fromkeys(str(node["id"]) for result in (first, second) for node in result.get("nodes") or [])
    for node in nodes:
        yield _numbers(f"{node} out of the balancer", _down_s(first, node), _down_s(second, node), "s")


_FIGURES: tuple[tuple[str, str, str, bool | None], ...] = (
    ("requests", "requests.total", "", None),
    ("failed requests", "requests.failed", "", True),
    ("second tries by the balancer", "requests.retried_by_load_balancer", "", None),
    ("latency, median", "requests.latency_ms.p50", "ms", True),
    ("latency, 99th percentile", "requests.latency_ms.p99", "ms", True),
    ("latency, longest", "requests.latency_ms.max", "ms", True),
    ("balancer's lag, new connections", "lb_lag.new_ms", "ms", True),
    ("balancer's lag, kept-alive connections", "lb_lag.reused_ms", "ms", True),
    ("balancer's lag, node stopping", "lb_lag.after_stopping_ms", "ms", True),
    ("sessions moved", "sessions.moved", "", None),
    ("moves of sessions", "sessions.moves", "", None),
    ("silent sign-ins", "sessions.silent_relogins", "", None),
    ("sessions lost", "sessions.lost", "", True),
    ("unsaved work lost", "sessions.unsaved_work", "", True),
    ("acknowledged writes", "writes.acknowledged", "", None),
    ("writes lost", "writes.lost", "", True),
    ("writes doubled", "writes.duplicated", "", True),
    ("duration", "duration_s", "s", None),
)
"""Name, place in the result, unit, and whether less is better; None where it is neither better nor worse."""


def _outages(first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[Row]:
    for kind, words in (("new", "new"), ("reused", "kept-alive")):
        one, two = (part(part(result, "probes"), kind) for result in (first, second))
        lengths = (one.get("longest_outage_ms"), two.get("longest_outage_ms"))
        counts = (amount(one.get("outages")), amount(two.get("outages")))
        yield _numbers(f"outages, {words} connections", *counts, "", less_is_better=True)
        yield _numbers(f"longest outage, {words} connections", *lengths, "ms", less_is_better=True)


def _phases(first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[Row]:
    """The 90th percentile in those phases that both runs had, and had enough samples for."""
    one, two = (_enough_by_phase(result) for result in (first, second))
    for name in (name for name in one if name in two):
        yield _numbers(f"latency, 90th percentile, {name}", one[name], two[name], "ms", less_is_better=True)


def _enough_by_phase(result: Mapping[str, Any]) -> dict[str, float]:
    latencies = {str(phase["name"]): part(phase, "latency_ms") for phase in result.get("phases") or []}
    return {
        name: latency[_PHASE_PERCENTILE]
        for name, latency in latencies.items()
        if latency.get(_PHASE_PERCENTILE) is not None and _PHASE_PERCENTILE not in (latency.get("too_few_for") or ())
    }


def _at(result: Mapping[str, Any], path: str) -> float | int | None:
    """The number at a place such as ``requests.failed``; None if there is none."""
    found: Any = result
    for key in path.split("."):
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, int | float) else None


def _down_s(result: Mapping[str, Any], node: str) -> float | None:
    return next((one.get("down_s") for one in result.get("nodes") or [] if one["id"] == node), None)


_ORDER = {"pass": 0, "inconclusive": 1, "fail": 2}


def _better_verdict(first: Mapping[str, Any], second: Mapping[str, Any]) -> Better:
    one, two = (_ORDER.get(str(result.get("verdict")), 1) for result in (first, second))
    return "first" if one < two else "second" if two < one else ""


def _numbers(
    name: str,
    first: float | int | None,
    second: float | int | None,
    unit: str,
    *,
    less_is_better: bool | None = None,
) -> Row:
    texts = (_number(first, unit), _number(second, unit))
    if first is None or second is None or first == second:
        return Row(name, *texts, change="" if first is None or second is None else "the same")
    change = f"{'+' if second > first else '−'}{_number(abs(second - first), unit)}"
    better: Better = "" if less_is_better is None else "second" if (second < first) == less_is_better else "first"
    return Row(name, *texts, change=change, better=better)


def _number(value: float | int | None, unit: str) -> str:
    if value is None:
        return "unknown"
    text = f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"
    return f"{text} {unit}".rstrip()
