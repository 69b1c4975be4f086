from itertools import count

from simulator.report.lanes import Segment, cluster_states, node_lanes
from tests.support.synthetic_run import passing_run
from zdu.events import ClusterObserved, Envelope, Event, NodeObserved, ProcessExited, ProcessStarted, ProcessStopping


def envelopes(*timed: tuple[float, Event]) -> list[Envelope]:
    numbers = count()
    return [Envelope(next(numbers), t_s, 0, event) for t_s, event in timed]


def shown(*timed: tuple[float, str, str]) -> list[Envelope]:
    return envelopes(*[(t_s, ClusterObserved(state, node)) for t_s, state, node in timed])


def test_a_node_that_lags_behind_does_not_turn_the_cluster_back() -> None:
    seen = shown(
        (1, "STABLE", "a"),
        (2, "READY", "a"),
        (3, "STABLE", "b"),
        (4, "MIXED", "a"),
        (5, "READY", "b"),
        (6, "MIXED", "b"),
    )
    assert cluster_states(seen, 9) == (Segment(1, 2, "STABLE"), Segment(2, 4, "READY"), Segment(4, 9, "MIXED"))


def test_a_cluster_that_really_goes_back_is_shown_going_back() -> None:
    seen = shown(
        (1, "READY", "a"),
        (1, "READY", "b"),
        (2, "MIXED", "a"),
        (3, "MIXED", "b"),
        (4, "READY", "b"),
        (5, "READY", "a"),
    )
    assert [segment.word for segment in cluster_states(seen, 9)] == ["READY", "MIXED", "READY"]


def test_a_node_that_shows_nothing_changes_nothing() -> None:
    seen = shown((1, "STABLE", "a"), (2, "", "a"), (3, "STABLE", "a"))
    assert cluster_states(seen, 4) == (Segment(1, 4, "STABLE"),)


def test_a_stopped_node_is_down_and_has_no_version_until_it_is_started_again() -> None:
    (lane,) = node_lanes(
        envelopes(
            (0, ProcessStarted("node1", 1, "", "7.3.0")),
            (1, NodeObserved("node1", "RUNNING", "7.3.0", 73011)),
            (5, ProcessExited("node1", 0, expected=True)),
            (5.1, NodeObserved("node1", "")),
            (7, ProcessStarted("node1", 2, "", "7.3.2")),
            (8, NodeObserved("node1", "RUNNING", "7.3.2", 73013)),
        ),
        10,
    )
    assert lane.states == (Segment(1, 5, "RUNNING"), Segment(5, 8, "down"), Segment(8, 10, "RUNNING"))
    assert lane.versions == (Segment(0, 5, "7.3.0"), Segment(7, 10, "7.3.2"))


def test_a_node_that_falls_silent_because_it_was_asked_to_stop_is_stopping() -> None:
    (lane,) = node_lanes(
        envelopes(
            (1, NodeObserved("node1", "DRAINING")),
            (2, ProcessStopping("node1", "SIGTERM")),
            (3, NodeObserved("node1", "")),
            (4, ProcessExited("node1", 0, expected=True)),
        ),
        5,
    )
    assert lane.states == (Segment(1, 3, "DRAINING"), Segment(3, 4, "stopping"), Segment(4, 5, "down"))


def test_a_node_that_died_unasked_is_called_crashed() -> None:
    (lane,) = node_lanes(
        envelopes((1, NodeObserved("node1", "RUNNING")), (2, ProcessExited("node1", -9, expected=False))), 3
    )
    assert lane.states[-1] == Segment(2, 3, "crashed")


def test_a_node_that_was_killed_is_told_apart_from_one_that_was_stopped() -> None:
    (lane,) = node_lanes(
        envelopes((1, NodeObserved("node1", "RUNNING")), (2, ProcessExited("node1", -9, expected=True))), 3
    )
    assert lane.states[-1] == Segment(2, 3, "killed")


def test_a_node_whose_process_is_there_but_does_not_answer_is_told_apart_from_one_that_is_down() -> None:
    (lane,) = node_lanes(envelopes((1, NodeObserved("node1", "RUNNING")), (2, NodeObserved("node1", ""))), 3)
    assert lane.states[-1] == Segment(2, 3, "no answer")


def test_the_synthetic_run_has_two_nodes_each_out_once() -> None:
    lanes = node_lanes(passing_run().envelopes, 26)
    assert [(lane.node, lane.out) for lane in lanes] == [
        ("node1", (Segment(6.5, 10.9, "out"),)),
        ("node2", (Segment(14.1, 18.5, "out"),)),
    ]
