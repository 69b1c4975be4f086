"""An upgrade in waves that grow: written in Python, because how many waves there are depends on how many nodes."""

from collections.abc import Iterator

from zdu.scenario import Keys, keys, scenario, step

NODES = 4
TO = "7.3.2"


def waves() -> Iterator[Keys]:
    """One node, then as many again as are upgraded already, and so on; never more than half of all at once."""
    done = 0
    while done < NODES:
        size = min(max(done, 1), NODES - done, NODES // 2)
        names = [f"node{number}" for number in range(done + 1, done + size + 1)]
        yield step(
            f"Wave of {size}: {' and '.join(names)}",
            roll=keys(to=TO, nodes=names, batch=size, min_healthy_time="300ms"),
        )
        done += size


SCENARIO = scenario(
    name="growing-waves",
    title="One node, then as many again as have come back well",
    story=(
        "The first node of a new version tells the most and may harm the fewest, so it goes alone. Each wave that "
        "came back well is a reason to trust the next one with twice as much, and fewer steps than node by node. "
        "No wave takes more than half of the nodes: the others have to carry all of the load."
    ),
    cluster=keys(
        nodes=NODES,
        version="7.3.0",
        time_scale=120,
        node_upgrade_mode=True,
        start_duration="500ms",
        stop_duration="500ms",
    ),
    balancer=keys(drain_deadline="300ms", inter="300ms", rise=2, fall=3, timeout="1s"),
    load=keys(users=16, think_time=keys(min="100ms", max="400ms"), probe_rate=10),
    timeline=[
        step(f"{NODES} nodes of Jira 7.3.0, users at work on all of them", observe=keys(for_="1500ms")),
        step("Jira is put into upgrade mode on node 1", start_upgrade=keys()),
        *waves(),
        step("The upgrade is finalised", finalise=keys()),
        step("Users go on working", observe=keys(for_="1s")),
    ],
    expect=keys(
        objectives=["no request failed", "no session was lost", "longest outage <= 1s"],
        min_requests_per_version_while_mixed=10,
    ),
)
