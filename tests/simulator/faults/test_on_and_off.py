"""Faults on real processes' stand-ins and a real SQLite file: put on, counted, and taken back whatever happens."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import TypeAdapter

from simulator.cluster import DatabaseTarget
from simulator.faults.catalogue import AnyFault
from simulator.faults.fault import Fault, FaultFailed
from simulator.faults.faults import Faults
from simulator.faults.reach import Reach
from simulator.picture import Picture
from simulator.record.recorder import Recorder
from tests.support.waiting import until
from zdu.clock import ManualClock, SystemClock
from zdu.events import FaultApplied, FaultFired, FaultReset

NODES = ("node1", "node2")


def fault(name: str, **keys: object) -> Fault:
    found: Fault = TypeAdapter(AnyFault).validate_python({"name": name, **keys})
    return found


def cut_from_database(node_id: str) -> Fault:
    return fault("net.partition", node=node_id, **{"from": "database"})


class Cluster:
    """As much of a cluster as a fault touches, with a real database file."""

    paths = None
    heartbeat_s = 0.05

    def __init__(self, folder: Path, picture: Picture) -> None:
        self.file = folder / "cluster.sqlite3"
        self.database = DatabaseTarget(f"sqlite+aiosqlite:///{self.file}")
        self.starts: Counter[str] = Counter()
        self.start_changes: list[Any] = []
        self.clock = ManualClock()
        self.picture = picture
        with sqlite3.connect(self.file) as connection:
            connection.execute("CREATE TABLE clusternodeheartbeat (node_id TEXT, heartbeat_time INTEGER)")
            connection.execute("INSERT INTO clusternodeheartbeat VALUES ('gone', 1), ('node1', ?)", [self.wall_ms()])
        connection.close()

    def wall_ms(self) -> int:
        return self.clock.wall_ms()

    def pause_node(self, node_id: str) -> None:
        self.picture.process_paused(node_id, paused=True)

    def resume_node(self, node_id: str) -> None:
        self.picture.process_paused(node_id, paused=False)

    async def kill_node(self, node_id: str) -> None:
        self.picture.process_exited(node_id, -9, expected=True)

    async def start_node(self, node_id: str, version: str) -> None:
        self.starts[node_id] += 1
        self.started_with = [change(node_id, version) for change in self.start_changes]
        self.picture.process_started(node_id, pid=1, url="", version=version, log="")

    balancer_runs = True

    async def end_balancer(self, *, kill: bool) -> None:
        self.balancer_runs = False

    async def start_balancer(self) -> None:
        self.balancer_runs = True

    def can_be_written(self) -> bool:
        connection = sqlite3.connect(self.file, timeout=0)
        try:
            with connection:
                connection.execute("INSERT INTO clusternodeheartbeat VALUES ('probe', 1)")
        except sqlite3.OperationalError:
            return False
        finally:
            connection.close()
        return True


class Rehearsal:
    def __init__(self, folder: Path) -> None:
        self.recorder = Recorder(folder, SystemClock())
        self.picture = Picture(self.recorder, NODES)
        self.cluster = Cluster(folder, self.picture)
        for node in NODES:
            self.picture.process_started(node, pid=1, url="", version="7.3.0", log="")
        self.faults = Faults(Reach(cast(Any, self.cluster), self.picture), self.recorder)

    def told(self, *kinds: type) -> list[Any]:
        return [it.event for it in self.recorder.envelopes if isinstance(it.event, kinds or (FaultReset,))]

    async def until_told(self, kind: type) -> None:
        await until(lambda: self.told(kind), f"{kind.__name__} is told")


@pytest.fixture
def rehearsal(tmp_path: Path) -> Iterator[Rehearsal]:
    made = Rehearsal(tmp_path)
    yield made
    made.recorder.close()
    assert [event.trouble for event in made.told(FaultReset) if event.trouble] == []


async def test_a_paused_node_goes_on_when_its_time_is_over(rehearsal: Rehearsal) -> None:
    async with rehearsal.faults:
        await rehearsal.faults.apply(fault("proc.pause", node="node1", **{"for": "50ms"}))
        assert rehearsal.picture.nodes["node1"].paused
        await rehearsal.until_told(FaultReset)
        assert not rehearsal.picture.nodes["node1"].paused
    assert [type(event) for event in rehearsal.told(FaultApplied, FaultFired, FaultReset)] == [
        FaultApplied,
        FaultFired,
        FaultReset,
    ]


async def test_an_error_and_a_cancelled_story_take_every_fault_back(rehearsal: Rehearsal) -> None:
    on = asyncio.Event()

    async def story() -> None:
        async with rehearsal.faults:
            await rehearsal.faults.apply(fault("proc.pause", node="node1"))
            await rehearsal.faults.apply(fault("db.locked"))
            on.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(story())
    await on.wait()
    assert not rehearsal.cluster.can_be_written()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert not rehearsal.picture.nodes["node1"].paused
    assert rehearsal.cluster.can_be_written()
    assert [event.trouble for event in rehearsal.told(FaultReset)] == ["", ""]


async def test_a_lock_counts_the_nodes_whose_heartbeat_it_kept_waiting_and_no_others(rehearsal: Rehearsal) -> None:
    async with rehearsal.faults:
        number = await rehearsal.faults.apply(fault("db.locked"))
        assert not rehearsal.cluster.can_be_written()
        rehearsal.cluster.clock.advance(1.0)
        await rehearsal.until_told(FaultFired)
        await rehearsal.faults.reset(number)
    assert rehearsal.cluster.can_be_written()
    assert [event.count for event in rehearsal.told(FaultReset)] == [1]  # node1; the other was gone before


async def test_on_sqlite_there_is_no_path_to_a_database(rehearsal: Rehearsal) -> None:
    for written in (fault("db.slow"), fault("db.down", node="node1"), cut_from_database("node1")):
        with pytest.raises(FaultFailed, match="between nodes and database, which this cluster has not got"):
            await rehearsal.faults.apply(written)


async def test_a_killed_node_is_started_again_after_its_time_and_stays_down_at_the_end_of_a_story(
    rehearsal: Rehearsal,
) -> None:
    async with rehearsal.faults:
        await rehearsal.faults.apply(fault("proc.kill", node="node1", **{"for": "20ms"}))
        await rehearsal.until_told(FaultReset)
        assert rehearsal.picture.nodes["node1"].running
        await rehearsal.faults.apply(fault("proc.kill", node="node2"))
    assert not rehearsal.picture.nodes["node2"].running
    assert rehearsal.cluster.starts == {"node1": 1}


async def test_a_slow_start_counts_the_starts_while_it_is_on(rehearsal: Rehearsal) -> None:
    async with rehearsal.faults:
        number = await rehearsal.faults.apply(fault("proc.slow_start", node="node1", takes="7s"))
        await rehearsal.cluster.start_node("node2", "7.3.0")
        assert rehearsal.cluster.started_with == [{}]
        assert rehearsal.told(FaultFired) == []
        await rehearsal.cluster.start_node("node1", "7.3.0")
        assert rehearsal.cluster.started_with == [{"start_duration": "7s"}]
        await rehearsal.faults.reset(number)
    assert rehearsal.cluster.start_changes == []
    assert [event.count for event in rehearsal.told(FaultReset)] == [1]


async def test_in_a_crash_loop_every_start_ends_in_death_until_it_is_taken_back(rehearsal: Rehearsal) -> None:
    async with rehearsal.faults:
        number = await rehearsal.faults.apply(fault("proc.crash_loop", node="node1"))
        assert rehearsal.picture.nodes["node1"].running, "it dies with its next start"
        for _ in range(2):
            await rehearsal.cluster.kill_node("node1")
            await rehearsal.cluster.start_node("node1", "7.3.0")
            await until(lambda: not rehearsal.picture.nodes["node1"].running, "node1 dies")
        await rehearsal.faults.reset(number)
        await rehearsal.cluster.start_node("node1", "7.3.0")
    assert rehearsal.picture.nodes["node1"].running
    assert [event.count for event in rehearsal.told(FaultReset)] == [2]


async def test_a_habit_counts_only_when_it_shows(rehearsal: Rehearsal) -> None:
    habits = rehearsal.faults.reach.habits
    async with rehearsal.faults:
        await rehearsal.faults.apply(fault("operator.forgets_drain"))
        with pytest.raises(FaultFailed, match="is on already"):
            await rehearsal.faults.apply(fault("operator.forgets_drain"))
        assert rehearsal.told(FaultFired) == []
        assert habits.show("operator.forgets_drain")
    assert [event.count for event in rehearsal.told(FaultReset)] == [1]
    assert not habits.show("operator.forgets_drain")


async def test_a_path_fault_without_a_path_proxy_says_so(rehearsal: Rehearsal) -> None:
    with pytest.raises(FaultFailed, match="needs the path proxy"):
        await rehearsal.faults.apply(fault("net.latency", node="node1"))


async def test_a_killed_load_balancer_comes_back_after_its_time_and_not_at_the_end_of_a_story(
    rehearsal: Rehearsal,
) -> None:
    async with rehearsal.faults:
        await rehearsal.faults.apply(fault("lb.kill", **{"for": "20ms"}))
        await rehearsal.until_told(FaultReset)
        assert rehearsal.cluster.balancer_runs
        await rehearsal.faults.apply(fault("lb.kill"))
        with pytest.raises(FaultFailed, match="the load balancer does not run"):
            await rehearsal.faults.apply(fault("lb.restart"))
    assert not rehearsal.cluster.balancer_runs


async def test_a_restart_of_the_load_balancer_is_over_by_itself_once_it_serves(rehearsal: Rehearsal) -> None:
    async with rehearsal.faults:
        await rehearsal.faults.apply(fault("lb.restart"))
        await rehearsal.until_told(FaultReset)
        assert rehearsal.cluster.balancer_runs
        assert rehearsal.faults.active == ()
