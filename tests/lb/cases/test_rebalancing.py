"""After a rolling upgrade: the node that came back last is not left empty, and nobody who is at work is moved."""

from collections import Counter
from contextlib import AsyncExitStack
from typing import Any

from tests.support.balancers import Browser, RunningBalancer, running_balancer
from tests.support.http_nodes import HttpNode

GENTLY: dict[str, Any] = {"idle": "10s", "ratio": 1.3, "rate": 5, "window": "10min"}


async def restart(lb: RunningBalancer, node: HttpNode, users: list[Browser]) -> None:
    """Take ``node`` down, let its users go on elsewhere, and bring it back as a new process."""
    node.status_code = 500
    await lb.until_state(node.name, "DOWN")
    await all_work(users)
    assert node.name not in {user.node for user in users}
    node.status_code, node.boot_id = None, f"{node.boot_id}+"
    await lb.until_state(node.name, "UP")


async def all_work(users: list[Browser]) -> None:
    for user in users:
        status, _ = await user.get()
        assert status == 200


def shares(users: list[Browser], nodes: list[HttpNode]) -> list[int]:
    counted = Counter(user.node for user in users)
    return [counted[node.name] for node in nodes]


async def test_tc24_idle_sessions_are_spread_evenly_again_after_every_node_was_restarted() -> None:
    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(HttpNode(f"node{number}")) for number in (1, 2, 3)]
        lb = await stack.enter_async_context(running_balancer(*nodes, rebalance=GENTLY))
        users = [Browser(lb, f"s{number}") for number in range(48)]
        await all_work(users)
        for node in nodes:
            await restart(lb, node, users)
        assert shares(users, nodes)[2] == 0, "the last one to be restarted is empty"

        for _ in range(20):  # within 20 times 11 seconds
            lb.pass_time(11)
            await all_work(users)
            counts = shares(users, nodes)
            if min(counts) and max(counts) / min(counts) <= 1.3:
                break
        assert min(counts), counts
        assert max(counts) / min(counts) <= 1.3, counts
        lb.pass_time(11)
        moves = [user.moves for user in users]
        await all_work(users)
        assert [user.moves for user in users] == moves, "then it ends"


async def test_tc24_sessions_at_work_are_left_alone_and_idle_ones_move_no_faster_than_the_rate() -> None:
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two, rebalance=GENTLY) as lb:
        users = [Browser(lb, f"s{number}") for number in range(40)]
        await all_work(users)
        await restart(lb, two, users)
        assert shares(users, [one, two]) == [40, 0]

        moves = [user.moves for user in users]
        await all_work(users)
        assert [user.moves for user in users] == moves, "none of them was idle"

        lb.pass_time(11)
        began_s = lb.balancer.now()
        await all_work(users)
        took_s = lb.balancer.now() - began_s
        moved = shares(users, [one, two])[1]
    assert 1 <= moved <= GENTLY["rate"] * (1 + took_s) + 1
