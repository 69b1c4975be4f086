"""What a load balancer does with the sessions of a node that is gone, by its own doing: a real one, read again."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from lb.config import BalancerConfig
from simulator.balancers.balancer import BalancerFailed, Place
from simulator.balancers.ours import OwnBalancer
from simulator.balancers.settings import Node
from simulator.faults.fault import FaultFailed
from simulator.faults.reach import Reach
from simulator.faults.session.fixated_to_dead_node import SessionFixatedToDeadNode
from simulator.scenario.model import BalancerPart
from tests.support.balancers import running_balancer
from tests.support.http_nodes import HttpNode
from zdu.clock import SystemClock
from zdu.config_file import load_config

FAULT = SessionFixatedToDeadNode(name="session.fixated_to_dead_node")


def reach_of(balancer: object, *, stickiness: str = "insert", runs: bool = True) -> Reach:
    scenario = SimpleNamespace(balancer=SimpleNamespace(stickiness=stickiness))
    cluster = SimpleNamespace(balancer=balancer, scenario=scenario, balancer_runs=runs)
    return Reach(cast(Any, cluster), cast(Any, None))


async def test_sessions_of_a_dead_node_get_503_while_it_is_on_are_counted_and_move_when_it_is_off(
    tmp_path: Path,
) -> None:
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two) as lb:
        folder = SimpleNamespace(path=tmp_path, logs=tmp_path)
        nodes = (Node("node1", one.port), Node("node2", two.port))
        place = Place(BalancerPart(), nodes, cast(Any, folder), 1, cast(Any, None), SystemClock())
        balancer = OwnBalancer(place)
        await balancer.serves_at(lb.admin_url)

        async def read_again() -> list[str]:
            wanted = load_config(tmp_path / "lb.yaml", BalancerConfig).stickiness
            return await lb.server.reload(lb.server.balancer.config.model_copy(update={"stickiness": wanted}))

        lb.server.on_reload(read_again)
        try:
            await one.stop()
            hold = await FAULT.apply(reach_of(balancer))
            assert await hold.fired() == 0

            refused, _ = await lb.request("/", "node1")
            elsewhere, _ = await lb.request("/", "node2")
            assert (refused.status, refused.headers["X-LB-Error"]) == (503, "bound-node-gone")
            assert elsewhere.status == 200
            assert await hold.fired() == 1

            await hold.reset()
            moved, body = await lb.request("/", "node1")
            assert (moved.status, body) == (200, b"node2")
            assert await hold.fired() == 1
        finally:
            await balancer.close()


class Told:
    """A load balancer that counts as it is told to, or does not do as it is told."""

    def __init__(self, *counts: int | None, able: bool = True) -> None:
        self.counts, self.able = list(counts), able

    async def refused_to_the_bound(self) -> int | None:
        return self.counts.pop(0)

    async def set_nofailover(self, on: bool) -> None:
        if not self.able:
            raise BalancerFailed("HAProxy cannot")


async def test_what_was_refused_before_does_not_count_and_a_new_process_counts_from_nought() -> None:
    hold = await FAULT.apply(reach_of(Told(5, 7, None, 1, 1)))
    assert [await hold.fired() for _ in range(4)] == [2, 2, 3, 3]


async def test_a_load_balancer_that_cannot_one_that_is_gone_and_sessions_that_nothing_binds_are_refused() -> None:
    with pytest.raises(FaultFailed, match="HAProxy cannot"):
        await FAULT.apply(reach_of(Told(0, able=False)))
    with pytest.raises(FaultFailed, match="does not run"):
        await FAULT.apply(reach_of(Told(), runs=False))
    with pytest.raises(FaultFailed, match="no session is bound"):
        await FAULT.apply(reach_of(Told(), stickiness="none"))


async def test_a_load_balancer_that_is_gone_at_the_end_is_no_trouble_and_one_that_does_not_listen_is() -> None:
    balancer = Told(0)
    reach = reach_of(balancer)
    hold = await FAULT.apply(reach)
    balancer.able = False
    with pytest.raises(BalancerFailed):
        await hold.reset()
    reach.cluster.balancer_runs = False  # type: ignore[misc]  # of a fake
    await hold.reset()
