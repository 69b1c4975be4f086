"""Who answered, behind a load balancer of ours."""

from simulator.application.target import target_of
from simulator.scenario.application import PagePart

RUNS = {"node1": "v1", "node2": "v2"}


def test_the_load_balancers_cookie_tells_the_node_and_the_start_of_the_node_its_version() -> None:
    target = target_of(PagePart(), "http://127.0.0.1:1", RUNS.__getitem__, counts_attempts=True)
    assert target.node_of(200, {}, {"ROUTEID": ".node2"}) == "node2"
    assert target.version_of({}, "node2") == "v2"
    assert target.attempts_of({"X-LB-Attempts": "2"}) == 2


def test_what_the_load_balancer_answers_itself_is_of_no_node() -> None:
    target = target_of(PagePart(), "http://127.0.0.1:1", RUNS.__getitem__, counts_attempts=False)
    assert target.node_of(503, {}, {"ROUTEID": ".node2"}) == target.node_of(0, {}, {"ROUTEID": ".node2"}) == ""
    assert target.version_of({}, "") == ""
    assert target.attempts_of({"X-LB-Attempts": "2"}) == 1


def test_headers_of_the_application_come_first() -> None:
    page = PagePart(node_header="X-Node", version_header="X-Version")
    target = target_of(page, "http://127.0.0.1:1", RUNS.__getitem__, counts_attempts=False)
    told = {"X-Node": "node1", "X-Version": "v9"}
    assert target.node_of(200, told, {"ROUTEID": ".node2"}) == "node1"
    assert target.version_of(told, "node1") == "v9"
