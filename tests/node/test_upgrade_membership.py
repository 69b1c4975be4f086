import pytest

from node.upgrade_membership import Membership, MixedRule, observe
from shared_db.rows import ClusterNode
from tests.support.cluster import BASE, BEGAN_MS, TARGET, member

REJOINED = MixedRule("rejoined")
REMOVED = MixedRule("removed", BEGAN_MS)
OUT = BEGAN_MS + 5_000
LONG_GONE = BEGAN_MS - 5_000

BOTH_BASE = (member("node1"), member("node2"))
ONE_OUT = (member("node1", offline_since_ms=OUT), member("node2"))
ONE_UPGRADED = (member("node1", TARGET), member("node2"))
OLD_ONE_OUT = (member("node1", TARGET), member("node2", offline_since_ms=OUT))
BOTH_UPGRADED = (member("node1", TARGET), member("node2", TARGET))
UPGRADED_ONE_OUT = (member("node1", TARGET), member("node2", TARGET, offline_since_ms=OUT))
OLD_ONE_KILLED = (member("node1", TARGET), member("node2", alive=False))
UPGRADED_ONE_KILLED = (member("node1", TARGET, alive=False), member("node2", TARGET))
WITH_A_GHOST = (*BOTH_UPGRADED, member("ghost", offline_since_ms=LONG_GONE))
NOBODY = (member("node1", offline_since_ms=OUT),)


@pytest.mark.parametrize(
    ("nodes", "rejoined", "removed"),
    [
        pytest.param(BOTH_BASE, Membership.BASE, Membership.BASE, id="all at base"),
        pytest.param(ONE_OUT, Membership.BASE, Membership.MIXED, id="one taken out"),
        pytest.param(ONE_UPGRADED, Membership.MIXED, Membership.MIXED, id="one back, upgraded"),
        pytest.param(OLD_ONE_OUT, Membership.UPGRADED, Membership.MIXED, id="the old one taken out"),
        pytest.param(BOTH_UPGRADED, Membership.UPGRADED, Membership.UPGRADED, id="both upgraded"),
        pytest.param(UPGRADED_ONE_OUT, Membership.UPGRADED, Membership.MIXED, id="an upgraded one stopped"),
        pytest.param(OLD_ONE_KILLED, Membership.MIXED, Membership.MIXED, id="the old one killed"),
        pytest.param(UPGRADED_ONE_KILLED, Membership.UPGRADED, Membership.UPGRADED, id="an upgraded one killed"),
        pytest.param(WITH_A_GHOST, Membership.UPGRADED, Membership.UPGRADED, id="a ghost from before"),
        pytest.param(NOBODY, None, None, id="nobody left"),
    ],
)
def test_the_two_rules_differ_only_in_how_they_see_a_node_that_is_out(
    nodes: tuple[ClusterNode, ...], rejoined: Membership | None, removed: Membership | None
) -> None:
    assert observe(nodes, BASE[0], REJOINED) == rejoined
    assert observe(nodes, BASE[0], REMOVED) == removed


def test_a_node_that_left_in_the_very_moment_the_upgrade_began_counts_as_taken_out() -> None:
    nodes = (member("node1", offline_since_ms=BEGAN_MS), member("node2"))

    assert observe(nodes, BASE[0], REMOVED) is Membership.MIXED
