from pathlib import Path

import pytest
from sqlalchemy import event

from node.config import MixedWhen
from node.services import UpgradeAction
from tests.support.databases import DatabaseTarget
from tests.support.hand_driven import HandDrivenCluster


@pytest.mark.parametrize("mixed_when", ["rejoined", "removed"])
async def test_a_look_that_finds_nothing_to_do_is_one_transaction_that_reads(
    database_target: DatabaseTarget, tmp_path: Path, mixed_when: MixedWhen
) -> None:
    """With many nodes these looks are most of what an idle cluster does."""
    cluster = await HandDrivenCluster.open(database_target, tmp_path, mixed_when)
    await cluster.start("node1", "7.3.0")
    node = cluster.nodes["node1"]
    await cluster.act("node1", UpgradeAction.START)
    await node.look()  # the first one in a new state reads the history, if its rule asks for it
    begun: list[str] = []
    transactions = node.database._transactions
    for name, engine in (("read", transactions._reader), ("write", transactions._writer)):
        event.listen(engine.sync_engine, "begin", lambda _connection, name=name: begun.append(name))

    await node.look()

    assert begun == ["read"]
    await cluster.close()
