"""The verdict on a run with another application."""

from dataclasses import replace

from simulator.verdict import Evidence, reach_verdict
from simulator.verdict.application import application_sentence
from simulator.verdict.lag import BY_LOOKING_MS, find_leavings
from simulator.verdict.sessions import SessionReport, follow_sessions
from tests.support.evidence import NEW, OLD, evidence, good_events
from zdu.events import (
    ClusterAudited,
    Event,
    NodeLogsAudited,
    NodeNotStarted,
    NodeObserved,
    ProcessExited,
    UpgradeHistory,
    WritesAudited,
)

JIRAS = (UpgradeHistory, WritesAudited, NodeLogsAudited)
WELL = {node: {"version": NEW, "state": "RUNNING"} for node in ("node1", "node2")}


def run(*more: tuple[float, Event], audit: dict[str, dict[str, str]] | None = None, **changes: object) -> Evidence:
    events = [
        (at_s, ClusterAudited(audit or WELL) if isinstance(event, ClusterAudited) else event)
        for at_s, event in [*good_events(), *more]
        if not isinstance(event, JIRAS)
    ]
    wanted = {"node1": NEW, "node2": NEW}
    return replace(evidence(events, sessions_kind="unknown"), wanted=wanted, **changes)  # type: ignore[arg-type]  # fields of the evidence


def word_of(name: str, seen: Evidence) -> str:
    return next(check.word for check in reach_verdict(seen).checks if check.name == name)


def test_a_good_run_passes_without_anything_of_jiras_and_says_nothing_of_data() -> None:
    verdict = reach_verdict(run())
    assert verdict.word == "pass", verdict.reasons
    assert f"2 nodes went from {OLD} to {NEW} while 2 visitors read" in verdict.sentence
    assert "writes" not in verdict.sentence
    names = " ".join(check.name for check in verdict.checks)
    assert not any(word in names for word in ("STABLE", "MIXED", "write", "schema", "upgrade state"))


def test_a_node_that_does_not_run_what_it_should_or_is_not_well_breaks_a_promise() -> None:
    for said in ({"version": OLD, "state": "RUNNING"}, {"version": NEW, "state": "no good answer"}):
        assert word_of("every node runs its version", run(audit={**WELL, "node2": said})) == "fail"


def test_a_version_without_traffic_proves_nothing() -> None:
    silent = [request for request in run().requests if request.version == OLD or not request.by_user]
    assert word_of("each version saw traffic during the roll", run(requests=silent)) == "inconclusive"


def test_a_program_may_end_by_the_signal_that_stops_it_and_by_no_other() -> None:
    for returncode, word in ((-15, "pass"), (143, "pass"), (-9, "fail"), (1, "fail")):
        stopped = (4.2, ProcessExited("node1", returncode, expected=True))
        assert word_of("every process lived until it was stopped", run(stopped)) == word


def test_a_node_of_ours_must_not_end_by_the_signal_that_stops_it() -> None:
    spoilt = evidence([*good_events(), (4.2, ProcessExited("node1", -15, expected=True))])
    assert word_of("every process lived until it was stopped", spoilt) == "fail"


def test_an_upgrade_that_was_taken_back_says_so_and_which_node_could_not_start() -> None:
    assert f"2 nodes were upgraded and all are back at {OLD} while" in application_sentence(
        *told(run(version_to=OLD))
    )
    broken = run((5.0, NodeNotStarted("node1", NEW, "no such table")), version_to=OLD)
    assert f": node1 could not start with {NEW} and all are back at {OLD} while" in application_sentence(
        *told(broken)
    )


def told(seen: Evidence) -> tuple[Evidence, SessionReport]:
    return seen, follow_sessions(seen.user_requests)


def test_lb_lag_counts_from_the_look_at_which_a_node_asked_to_be_drained() -> None:
    asks = (3.0, NodeObserved("node1", "DRAINING", OLD, 0)), (7.0, NodeObserved("node1", "RUNNING", NEW, 0))
    [leaving] = find_leavings(run(*asks))
    assert (leaving.node, leaving.said_s, leaving.back_s, leaving.exact_to_ms) == ("node1", 3.0, 7.0, BY_LOOKING_MS)
