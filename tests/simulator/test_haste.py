"""When finalising would be too early, whatever the operator thinks."""

from dataclasses import replace

from simulator.haste import TooEarly, too_early
from simulator.roll import NodeSeen


def node(node_id: str, version: str, *, running: bool = True, serving: bool = True) -> NodeSeen:
    return NodeSeen(node_id, running, False, version, False, serving, False)


OLD1, OLD2, OLD3 = (node(name, "7.3.0") for name in ("node1", "node2", "node3"))
NEW1, NEW2, NEW3 = (node(name, "7.3.2") for name in ("node1", "node2", "node3"))


def test_it_is_too_early_as_long_as_one_serves_the_new_version_and_another_runs_the_old_one() -> None:
    assert too_early((OLD1, OLD2, OLD3), "7.3.2") is None, "nobody takes that for done"
    assert too_early((NEW1, OLD2, OLD3), "7.3.2") == TooEarly("node1", 1, ("node2", "node3"))
    draining = replace(OLD3, in_upgrade_mode=True, serving=False)
    assert too_early((NEW1, NEW2, draining), "7.3.2") == TooEarly("node2", 2, ("node3",))
    assert too_early((NEW1, NEW2, NEW3), "7.3.2") is None


def test_a_node_that_is_stopped_or_could_not_start_or_does_not_serve_yet_counts_for_neither() -> None:
    stopped = replace(OLD2, running=False, serving=False)
    assert too_early((NEW1, stopped), "7.3.2") is None
    assert too_early((NEW1, replace(OLD2, failed=True)), "7.3.2") is None
    assert too_early((replace(NEW1, serving=False), OLD2), "7.3.2") is None
