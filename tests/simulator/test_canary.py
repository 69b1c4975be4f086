"""How the canary's users fare, and what the roll is told of it."""

from simulator.canary import CanaryWatch, fares
from simulator.record.requests import RequestRecord
from simulator.roll import NodeSeen
from simulator.roll_policy import RollPolicy
from simulator.scenario.objectives import parse_objective
from tests.support.evidence import request

ERRORS = parse_objective("rate of errors < 10%")
POLICY = RollPolicy(("node1", "node2"), "7.3.2", canary=1, canary_expect=("rate of errors < 10%",))


def good(count: int, at_s: float = 1.0, node: str = "node1") -> list[RequestRecord]:
    return [request(number, at_s, node) for number in range(count)]


def bad(count: int, at_s: float = 1.0) -> list[RequestRecord]:
    return [request(1000 + number, at_s, outcome="http_500", status=500) for number in range(count)]


def seen(node_id: str, version: str, *, serving: bool = True) -> NodeSeen:
    return NodeSeen(node_id, True, False, version, False, serving, False)


def test_with_too_few_requests_nothing_is_said_and_with_enough_good_ones_the_canary_is_judged() -> None:
    assert fares([ERRORS], [])[:2] == ("", False)
    assert fares([ERRORS], good(9))[:2] == ("", False)
    assert fares([ERRORS], good(10))[:2] == ("", True)


def test_one_error_among_few_is_no_breach_as_long_as_the_share_may_still_come_right() -> None:
    assert fares([ERRORS], good(2) + bad(1))[0] == ""
    told, judged, _ = fares([ERRORS], good(3) + bad(2))
    assert told.startswith("'rate of errors < 10%' does not hold (2 of 5 failed")
    assert judged


def test_a_percentile_is_a_breach_only_with_the_samples_that_it_needs() -> None:
    p90 = parse_objective("p90 < 5ms")  # each takes 10 ms
    assert fares([p90], good(9))[:2] == ("", False)
    assert fares([p90], good(10))[0].startswith("'p90 < 5ms' does not hold")


def test_only_what_the_canary_answers_since_it_is_back_counts() -> None:
    requests = bad(5, at_s=0.5)
    watch = CanaryWatch(POLICY, requests)
    both = (seen("node1", "7.3.0"), seen("node2", "7.3.0"))
    assert watch.look(both, 1.0) == both

    back = (seen("node1", "7.3.2"), seen("node2", "7.3.0"))
    canary, other = watch.look(back, 2.0)
    assert (canary.judged, canary.trouble) == (False, "")
    assert other == back[1]
    requests += [*bad(3, at_s=1.9), *good(20, 2.1, "node2"), *good(10, 2.1)]
    canary, _ = watch.look(back, 3.0)
    assert (canary.judged, canary.trouble) == (True, "")
    requests += bad(5, at_s=3.1)
    canary, other = watch.look(back, 4.0)
    assert canary.trouble.startswith("node1 is a bad canary: 'rate of errors < 10%' does not hold (5 of 15 failed")
    assert other.trouble == ""


def test_a_roll_that_expects_nothing_of_its_canary_is_told_nothing() -> None:
    back = (seen("node1", "7.3.2"), seen("node2", "7.3.0"))
    assert CanaryWatch(RollPolicy(("node1", "node2"), "7.3.2", canary=1), bad(50)).look(back, 9.0) == back


def test_in_the_end_the_record_is_told_how_the_canary_fared_and_by_how_many_samples() -> None:
    requests: list[RequestRecord] = []
    watch = CanaryWatch(POLICY, requests)
    back = (seen("node1", "7.3.2"), seen("node2", "7.3.0"))
    watch.look(back, 1.0)
    assert (watch.judged().nodes, watch.judged().version) == (["node1"], "7.3.2")
    assert watch.judged().outcome == "inconclusive"

    requests += good(9, 1.5)
    watch.look(back, 2.0)
    assert watch.judged().outcome == "inconclusive"
    assert watch.judged().told.startswith("'rate of errors < 10%': 0 of 9 failed")
    assert watch.judged().told.endswith("9 samples of at least 10")

    requests += good(1, 2.5)
    watch.look(back, 3.0)
    assert watch.judged().outcome == "pass"
    requests += bad(5, 3.5)
    watch.look(back, 4.0)
    assert watch.judged().outcome == "fail"
