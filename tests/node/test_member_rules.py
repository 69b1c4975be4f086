import pytest

from node.member_rules import may_be_removed, may_be_set_offline
from node.services import NodeChangeRefused, NoSuchNode
from shared_db.rows import ClusterNode
from tests.support.cluster import member

LIVE = member("node1")
KILLED = member("node1", alive=False)
GONE = member("node1", offline_since_ms=1)


@pytest.mark.parametrize(
    ("node", "offline", "removed"),
    [
        pytest.param(LIVE, "is ACTIVE and alive", "is ACTIVE and alive", id="alive"),
        pytest.param(KILLED, None, "is ACTIVE and without a heartbeat", id="killed"),
        pytest.param(GONE, "is OFFLINE already", None, id="offline"),
    ],
)
def test_only_a_killed_node_can_be_set_offline_and_only_an_offline_one_be_removed(
    node: ClusterNode, offline: str | None, removed: str | None
) -> None:
    for rule, refusal in ((may_be_set_offline, offline), (may_be_removed, removed)):
        if refusal is None:
            rule("node1", node)
        else:
            with pytest.raises(NodeChangeRefused, match=refusal):
                rule("node1", node)


def test_a_node_that_nobody_knows_can_be_neither() -> None:
    for rule in (may_be_set_offline, may_be_removed):
        with pytest.raises(NoSuchNode, match="no node node9"):
            rule("node9", None)
