"""What the requests of a run come to while it is under way."""

from simulator.record.requests import RequestRecord
from simulator.record.tally import Tally
from simulator.scenario.conditions import Counts
from tests.support.evidence import request


def test_a_session_has_moved_once_another_node_answers_it_and_probes_do_not_count() -> None:
    requests: list[RequestRecord] = [
        request(1, 1.0, session="s1"),
        request(2, 1.1, session="s2"),
        request(3, 1.2, session="probe_new", kind="probe_new"),
    ]
    tally = Tally(requests)
    assert tally.counts() == Counts(requests=2, failed=0, sessions=2, moved=0)

    requests += [
        request(4, 2.0, session="s1", node="", outcome="timeout"),
        request(5, 2.1, session="s1", node="node2"),
        request(6, 2.2, session="s1", node="node1"),
    ]
    assert tally.counts() == Counts(requests=5, failed=1, sessions=2, moved=1)
