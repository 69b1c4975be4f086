from simulator.verdict.model import Absence, find_absences
from zdu.events import Envelope, Event, LoadStarted, NodeBack, NodeTakenOut


def told(*events: tuple[float, Event]) -> list[Envelope]:
    return [Envelope(number, t_s, 0, event) for number, (t_s, event) in enumerate(events, start=1)]


def test_a_node_is_out_from_when_it_gets_nothing_any_more_until_it_gets_requests_again() -> None:
    record = told(
        (1.0, LoadStarted(2, 10.0)),
        (2.0, NodeTakenOut("node1", 2.0)),
        (3.0, NodeTakenOut("node2", 3.0)),
        (5.0, NodeBack("node1", 4.9)),
    )

    assert find_absences(record) == [Absence("node1", 2.0, 4.9), Absence("node2", 3.0, None)]


def test_a_node_that_came_and_went_before_anybody_worked_was_not_out() -> None:
    """A load balancer may find a node UP, DOWN and UP again while the node still starts."""
    record = told(
        (2.0, NodeTakenOut("node1", 2.0)),
        (2.8, NodeBack("node1", 2.8)),
        (3.4, LoadStarted(2, 10.0)),
        (7.0, NodeTakenOut("node1", 7.0)),
    )

    assert find_absences(record) == [Absence("node1", 7.0, None)]
