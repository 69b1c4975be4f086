"""What a scenario wants to have seen: never seen is inconclusive."""

from dataclasses import dataclass
from typing import ClassVar

import pytest

from simulator.scenario.expectations import Expectations
from simulator.scenario.sometimes import HAPPENINGS
from simulator.verdict import Evidence, Verdict, reach_verdict
from simulator.verdict.sometimes import _HAPPENED
from tests.support.evidence import NEW, evidence, good_events, good_requests, request
from zdu.events import Event, NodeObserved


def judged(sentence: str, events: list[tuple[float, Event]] | None = None, *more: object) -> Verdict:
    requests = [*good_requests(), *more]
    whole: Evidence = evidence(events, requests, Expectations(sometimes=(sentence,)))  # type: ignore[arg-type]  # pydantic reads it
    return reach_verdict(whole)


@pytest.mark.parametrize(
    "sentence",
    [
        "MIXED serves both versions",
        "a session moves at least 2 times",
        "cluster is MIXED",
        "node1 is out",
        "a node is out at least 2 times",
    ],
)
def test_what_happened_is_seen(sentence: str) -> None:
    verdict = judged(sentence)
    assert verdict.word == "pass"
    assert verdict.checks[-1].name == f"sometimes: {sentence}"


@pytest.mark.parametrize(
    "sentence",
    [
        "a request is retried",
        "a request fails",
        "a user is signed in silently",
        "a user meets the log-in page",
        "a session meets an older version",
        "a search is behind",
        "a write is ambiguous",
        "an outage is seen",
        "cluster is UPGRADE_TASKS_FAILED",
        "node2 is DRAINING",
        "fault net.latency fires",
    ],
)
def test_what_never_happened_makes_the_run_inconclusive(sentence: str) -> None:
    verdict = judged(sentence)
    assert verdict.word == "inconclusive"
    assert verdict.reasons == (f"it did not happen that {sentence}: never seen",)


def test_too_seldom_is_told_with_how_often() -> None:
    (reason,) = judged("a session moves at least 5 times").reasons
    assert reason == "it happened too seldom that a session moves at least 5 times: seen 3 times, 5 times are needed"


def test_a_nodes_own_words_count_by_node() -> None:
    said = [*good_events(), (3.7, NodeObserved("node1", "DRAINING"))]
    assert judged("node1 is DRAINING", said).word == "pass"
    assert judged("a node is DRAINING", said).word == "pass"
    assert judged("node2 is DRAINING", said).word == "inconclusive"


def test_a_session_that_meets_an_older_version_is_seen() -> None:
    there = request(998, 7.6, "node1", session="s9", version=NEW)
    back = request(999, 8.95, "node2", session="s9")
    assert judged("a session meets an older version", None, there, back).checks[-1].ok


def test_a_fault_that_fired_is_seen() -> None:
    @dataclass(frozen=True)
    class Fired(Event):
        kind: ClassVar[str] = "fault_fired"
        fault: str

    fired = [*good_events(), (5.0, Fired("net.latency"))]
    assert judged("fault net.latency fires", fired).word == "pass"
    assert judged("fault net.reset fires", fired).word == "inconclusive"


def test_everything_that_may_be_written_can_be_counted() -> None:
    assert set(_HAPPENED) == set(HAPPENINGS)
