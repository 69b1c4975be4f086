"""The picture of the cluster: each change becomes one event, and the roll sees what the load balancer says."""

import asyncio
from pathlib import Path

import pytest

from simulator.picture import NotInTime, Picture
from simulator.record.recorder import Recorder
from tests.support.waiting import begun
from zdu.clock import ManualClock
from zdu.events import (
    BalancerObserved,
    ClusterObserved,
    NodeBack,
    NodeNotStarted,
    NodeObserved,
    NodeTakenOut,
    ProcessExited,
)

NODES = ("node1", "node2")


class Scene:
    """A picture on a clock that is moved by hand."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(now_s=100.0)
        self.recorder = Recorder(folder, self.clock)
        self.picture = Picture(self.recorder, NODES)

    def balancer(
        self, operational: str, *, serving: bool, drained: bool, node: str = "node1", admin: str = "READY"
    ) -> None:
        self.picture.balancer_says(
            {
                "node": node,
                "at_s": self.clock.now_s,
                "admin": admin,
                "operational": operational,
                "reason": "",
                "takes_new_sessions": serving,
                "drained": drained,
            }
        )

    def events(self, *kinds: type) -> list[object]:
        return [envelope.event for envelope in self.recorder.envelopes if isinstance(envelope.event, kinds)]


@pytest.fixture
def scene(tmp_path: Path):  # type: ignore[no-untyped-def]  # a generator of Scene
    made = Scene(tmp_path)
    yield made
    made.recorder.close()


def test_what_a_node_said_in_its_last_life_is_forgotten_when_its_process_ends(scene: Scene) -> None:
    scene.picture.process_started("node1", pid=1, url="", version="8.0.3", log="")
    scene.picture.node_says("node1", "ERROR")
    assert scene.picture.seen()[0].failed

    scene.picture.process_exited("node1", 0, expected=True)
    scene.picture.process_started("node1", pid=2, url="", version="7.3.0", log="")

    assert not scene.picture.seen()[0].failed
    assert [event.state for event in scene.events(NodeObserved)] == ["ERROR", ""]  # type: ignore[attr-defined]  # of that kind


def test_a_node_starts_until_it_has_said_something_else_or_gets_requests(scene: Scene) -> None:
    def starting() -> bool:
        return scene.picture.seen()[0].starting

    assert not starting(), "nobody has started it"
    scene.picture.process_started("node1", pid=1, url="", version="7.3.0", log="")
    assert starting()
    scene.picture.node_says("node1", "STARTING")
    assert starting()
    scene.picture.node_says("node1", "RUNNING")
    scene.balancer("UP", serving=True, drained=False)
    assert not starting()
    scene.picture.node_says("node1", "")
    assert not starting(), "one look that failed says little: the load balancer's own checks still reach it"


def test_the_same_answer_twice_is_one_event(scene: Scene) -> None:
    for _ in range(3):
        scene.picture.node_says("node1", "RUNNING", "7.3.0", 73011)
        scene.picture.node_shows("node1", "STABLE")
    assert scene.events(NodeObserved, ClusterObserved) == [
        NodeObserved("node1", "RUNNING", "7.3.0", 73011),
        ClusterObserved("STABLE", "node1"),
    ]


def test_a_node_is_taken_out_when_it_was_in_and_is_drained_and_back_when_it_takes_new_sessions(scene: Scene) -> None:
    scene.balancer("DOWN", serving=False, drained=True)  # at the start: nothing was in yet
    scene.balancer("UP", serving=True, drained=False)
    scene.clock.advance(5)
    scene.balancer("STOPPING", serving=False, drained=False)
    scene.clock.advance(1)
    scene.balancer("STOPPING", serving=False, drained=True)
    scene.clock.advance(4)
    scene.balancer("DOWN", serving=False, drained=True)
    scene.balancer("UP", serving=True, drained=False)
    assert scene.events(NodeTakenOut, NodeBack) == [NodeTakenOut("node1", 6.0), NodeBack("node1", 10.0)]
    assert len(scene.events(BalancerObserved)) == 5


def test_the_roll_sees_how_long_a_node_is_out_and_back(scene: Scene) -> None:
    scene.picture.process_started("node1", pid=1, url="", version="7.3.0", log="")
    scene.picture.process_exited("node1", 0, expected=True)
    scene.clock.advance(3)
    node1 = scene.picture.seen()[0]
    assert (node1.running, node1.crashed, node1.out_for_s) == (False, False, 3.0)
    scene.picture.process_started("node1", pid=2, url="", version="7.3.2", log="")
    scene.balancer("UP", serving=True, drained=False)
    scene.clock.advance(2)
    node1 = scene.picture.seen()[0]
    assert (node1.version, node1.serving, node1.out_for_s, node1.back_for_s) == ("7.3.2", True, 0.0, 2.0)


def test_a_process_that_nobody_stopped_has_crashed(scene: Scene) -> None:
    scene.picture.process_started("node2", pid=1, url="", version="7.3.0", log="")
    scene.picture.process_exited("node2", -9, expected=False)
    scene.picture.process_exited("lb", 70, expected=False)
    assert scene.picture.crashed == ["node2", "lb"]
    assert scene.picture.seen()[1].crashed
    assert len(scene.events(ProcessExited)) == 2


async def test_waiting_ends_with_the_change_that_was_waited_for(scene: Scene) -> None:
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        node = scene.picture.nodes["node1"]
        waiting = tasks.create_task(scene.picture.until("RUNNING", lambda: node.state == "RUNNING", within_s=5))
        await begun(waiting)
        scene.picture.node_says("node1", "STARTING")
        scene.picture.node_says("node1", "RUNNING")


async def test_waiting_in_vain_names_what_did_not_happen(scene: Scene) -> None:
    with pytest.raises(NotInTime, match=r"that node1 is RUNNING did not happen within 0\.01 s"):
        await scene.picture.until("that node1 is RUNNING", lambda: False, within_s=0.01)


def test_a_node_that_its_administrator_set_aside_waits_to_be_put_back_only_once_it_runs(scene: Scene) -> None:
    scene.picture.process_started("node1", pid=1, url="", version="7.3.2", log="")
    scene.balancer("no check", serving=False, drained=True, admin="MAINT")
    scene.picture.node_says("node1", "STARTING")
    seen = scene.picture.seen()[0]
    assert (seen.in_upgrade_mode, seen.set_aside, seen.ready) == (True, True, False)

    scene.picture.node_says("node1", "RUNNING")
    assert scene.picture.seen()[0].ready


def test_a_node_whose_process_ended_at_its_start_could_not_start_until_one_does(scene: Scene) -> None:
    scene.picture.process_not_up("node1", "2.0", "no such table")
    seen = scene.picture.seen()[0]
    assert (seen.running, seen.crashed, seen.failed, seen.version) == (False, False, True, "2.0")
    assert scene.events(NodeNotStarted) == [NodeNotStarted("node1", "2.0", "no such table")]
    scene.picture.process_started("node1", pid=1, url="", version="1.0", log="")
    assert not scene.picture.seen()[0].failed


def test_a_node_that_does_not_run_yet_serves_nobody_whatever_a_load_balancer_without_checks_says(
    scene: Scene,
) -> None:
    scene.picture.process_started("node1", pid=1, url="", version="7.3.2", log="")
    scene.balancer("no check", serving=True, drained=False)
    scene.picture.node_says("node1", "STARTING")
    assert not scene.picture.seen()[0].serving

    scene.picture.node_says("node1", "RUNNING")
    assert scene.picture.seen()[0].serving
