"""Random stories on three nodes: administrators' calls, starts, stops, kills, naps and time, on both databases.

Whatever happens, the upgrade state takes legal steps only, there is one current state that all nodes agree on, no
heartbeat of a node that beats is lost, and in a STABLE cluster all running nodes have one version. The few stories
that are played here are the same each time; for others raise the numbers at the end and take ``derandomize`` away.
"""

import asyncio
import tempfile
from collections.abc import Coroutine
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from node.config import MixedWhen
from node.contraction import VERSION_PATCHED
from node.services import NodeChangeRefused, NoSuchNode, NotAllowed, UpgradeAction
from node.startup import NodeRefused
from node.upgrade_state import UpgradeState
from shared_db import ClusterNode, UpgradeStateRow
from simulator.verdict.legal_states import LEGAL_NEXT, illegal_steps
from tests.support.databases import DatabaseTarget, postgres_url
from tests.support.hand_driven import INTERVALS, HandDrivenCluster
from zdu.clock import Entropy

T = TypeVar("T")
NODE_IDS = ("node1", "node2", "node3")
SLEEPS_S = (INTERVALS.heartbeat, INTERVALS.dead_after + 1, INTERVALS.offline_after + 1)
ANY = st.integers(0, len(NODE_IDS) - 1)
VERSION = st.sampled_from(("7.3.2", "7.3.0", "7.3.2", "7.3.0", "7.3.1", "8.0.3"))
"""Mostly the two versions of one upgrade, and now and then one that has to be refused."""

WANTED = {
    UpgradeAction.START: ("STABLE", "READY_TO_UPGRADE"),
    UpgradeAction.CANCEL: ("READY_TO_UPGRADE", "STABLE"),
    UpgradeAction.APPROVE: ("READY_TO_RUN_UPGRADE_TASKS", "RUNNING_UPGRADE_TASKS"),
    UpgradeAction.RETRY: ("UPGRADE_TASKS_FAILED", "READY_TO_RUN_UPGRADE_TASKS"),
}
"""The state that an action needs and the one it leads to, from Atlassian's documentation and not from our table."""


class Stories(RuleBasedStateMachine):
    """One story. The rules are what may happen; the invariants are looked at after each of them."""

    kind = "sqlite"

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.asleep: set[str] = set()
        self.cluster: HandDrivenCluster | None = None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @initialize(
        size=st.sampled_from((3, 1, 2, 3)),
        upgraded=st.sampled_from((None, 0, 1, 2, 3)),
        mixed_when=st.sampled_from(("rejoined", "removed")),
    )
    def some_nodes_and_perhaps_an_upgrade_under_way(
        self, size: int, upgraded: int | None, mixed_when: MixedWhen
    ) -> None:
        """Stories that all begin at the beginning would seldom come to the end."""
        folder = Path(self.folder.name)
        target = DatabaseTarget("sqlite", f"sqlite+aiosqlite:///{folder / 'zdu.db'}")
        if self.kind == "postgresql":
            target = DatabaseTarget("postgresql", postgres_url(), f"story_{Entropy().token(8)}")
        self.cluster = self.run(HandDrivenCluster.open(target, folder, mixed_when))
        for node_id in NODE_IDS[:size]:
            self.run(self.cluster.start(node_id, "7.3.0"))
        if upgraded is not None:
            self.ask("node1", UpgradeAction.START)
            for node_id in NODE_IDS[: min(size, upgraded)]:
                self.run(self.the.stop(node_id))
                self.run(self.the.start(node_id, "7.3.2"))

    def teardown(self) -> None:
        if self.cluster:
            self.run(self.cluster.close())
        self.runner.close()
        self.folder.cleanup()

    @property
    def the(self) -> HandDrivenCluster:
        assert self.cluster is not None
        return self.cluster

    @property
    def running(self) -> list[str]:
        """The nodes whose process runs and is not asleep."""
        return [node_id for node_id in NODE_IDS if node_id in self.the.nodes and node_id not in self.asleep]

    @property
    def down(self) -> list[str]:
        """The nodes without a process."""
        return [node_id for node_id in NODE_IDS if node_id not in self.the.nodes]

    def ask(self, node_id: str, action: UpgradeAction) -> None:
        """An administrator's wish, and what the documentation says of it in this state."""
        before, rows = self.run(self.the.state()), len(self.run(self.the.history()))
        needed, leads_to = WANTED[action]
        try:
            self.run(self.the.act(node_id, action))
        except NotAllowed as refused:
            assert refused.state == before
            assert len(self.run(self.the.history())) == rows
        else:
            assert before == needed
            assert self.run(self.the.history())[rows].state == leads_to

    # --- what may happen

    @precondition(lambda self: self.down)
    @rule(which=ANY, version=VERSION, tasks_fail=st.booleans())
    def a_node_starts(self, which: int, version: str, tasks_fail: bool) -> None:
        node_id = self.down[which % len(self.down)]
        try:
            self.run(self.the.start(node_id, version, tasks_fail=tasks_fail and bool(self.running)))
        except NodeRefused:
            assert node_id not in self.the.nodes

    @precondition(lambda self: self.running)
    @rule(which=ANY, version=VERSION)
    def a_node_is_rolled(self, which: int, version: str) -> None:
        """Stopped and started again: the step that upgrades are made of."""
        node_id = self.running[which % len(self.running)]
        self.run(self.the.stop(node_id))
        try:
            self.run(self.the.start(node_id, version))
        except NodeRefused:
            assert node_id not in self.the.nodes

    @precondition(lambda self: self.running)
    @rule(which=ANY)
    def a_node_stops(self, which: int) -> None:
        self.run(self.the.stop(self.running[which % len(self.running)]))

    @precondition(lambda self: self.the.nodes)
    @rule(which=ANY)
    def a_node_is_killed(self, which: int) -> None:
        node_id = sorted(self.the.nodes)[which % len(self.the.nodes)]
        self.asleep.discard(node_id)
        self.run(self.the.kill(node_id))

    @precondition(lambda self: self.running)
    @rule(which=ANY)
    def a_node_falls_asleep(self, which: int) -> None:
        """As a JVM does that collects its garbage: it neither beats nor looks."""
        self.asleep.add(self.running[which % len(self.running)])

    @precondition(lambda self: self.asleep)
    @rule(which=ANY)
    def a_node_wakes_up(self, which: int) -> None:
        node_id = sorted(self.asleep)[which % len(self.asleep)]
        self.asleep.discard(node_id)
        self.run(self.the.beat(node_id))

    @rule(seconds=st.sampled_from(SLEEPS_S))
    def time_passes(self, seconds: float) -> None:
        self.run(self.the.time_passes(seconds, asleep=self.asleep))

    @precondition(lambda self: self.running)
    @rule(which=ANY, action=st.sampled_from(UpgradeAction))
    def an_administrator_asks_for_anything(self, which: int, action: UpgradeAction) -> None:
        self.ask(self.running[which % len(self.running)], action)

    @precondition(lambda self: self.running)
    @rule(which=ANY)
    def an_administrator_asks_for_what_is_due(self, which: int) -> None:
        state = self.run(self.the.state())
        for action, (needed, _) in WANTED.items():
            if needed == state:
                self.ask(self.running[which % len(self.running)], action)

    @precondition(lambda self: self.running)
    @rule(which=ANY)
    def a_node_dies_while_it_runs_the_tasks(self, which: int) -> None:
        try:
            self.run(self.the.approve_and_die(self.running[which % len(self.running)]))
        except NotAllowed:
            return
        assert self.run(self.the.state()) is UpgradeState.RUNNING_UPGRADE_TASKS

    @rule(node_id=st.sampled_from(NODE_IDS))
    def a_node_is_set_offline(self, node_id: str) -> None:
        row = self.run(self.the.members()).get(node_id)
        try:
            self.run(self.the.set_offline(node_id))
        except (NoSuchNode, NodeChangeRefused):
            assert row is None or row.alive or row.state == "OFFLINE"
        else:
            assert row is not None
            assert not row.alive

    @rule(node_id=st.sampled_from(NODE_IDS))
    def a_node_is_deleted(self, node_id: str) -> None:
        row = self.run(self.the.members()).get(node_id)
        try:
            self.run(self.the.remove(node_id))
        except (NoSuchNode, NodeChangeRefused):
            assert row is None or row.state != "OFFLINE"
        else:
            assert row is not None
            assert row.state == "OFFLINE"

    # --- what must hold

    @invariant()
    def nothing_is_broken(self) -> None:
        """One look for all that must hold: looking costs more than anything else here."""
        if self.cluster is None:
            return
        history, members, patched, shown = self.run(self._look())
        states = [row.state for row in history]
        the_history_is_legal(history)
        rows_keep_the_base_build_until_the_tasks_have_run(history)
        assert shown <= {states[-1] if states else "STABLE"}, "all nodes agree on the one current state"
        serving = [self.the.nodes[node_id] for node_id in self.running]
        for node in serving:
            row = members[node.parts.node_id]
            assert (row.state, row.alive) == ("ACTIVE", True), "who beats is alive, and nobody declares it gone"
            assert node.parts.release.build >= patched, "nobody serves data that is newer than itself"
        if states[-1:] in ([], ["STABLE"]):
            assert len({node.version for node in serving}) <= 1, "a STABLE cluster serves one version"

    async def _look(self) -> tuple[list[UpgradeStateRow], dict[str, ClusterNode], int, set[str]]:
        return (
            await self.the.history(),
            await self.the.members(),
            int(await self.the.database.properties.get(VERSION_PATCHED) or "0"),
            {(await node.upgrade.view()).state for node in self.the.nodes.values()},
        )


def the_history_is_legal(history: list[UpgradeStateRow]) -> None:
    assert illegal_steps([row.state for row in history]) == []
    assert {row.state for row in history} <= set(LEGAL_NEXT)
    assert [row.order_number for row in history] == list(range(1, len(history) + 1))


def rows_keep_the_base_build_until_the_tasks_have_run(history: list[UpgradeStateRow]) -> None:
    for before, after in pairwise(history):
        if before.state == "RUNNING_UPGRADE_TASKS" and after.state == "STABLE":
            assert after.build_number > before.build_number
        elif before.state != "STABLE":
            assert after.build_number == before.build_number


class StoriesOnPostgres(Stories):
    """The same on the other database."""

    kind = "postgresql"


def bounded(examples: int, steps: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        derandomize=True,
        deadline=None,
        database=None,
        phases=(Phase.generate,),  # a failing story is told as it was: making it shorter would take minutes
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )


def test_no_story_breaks_the_cluster_on_sqlite() -> None:
    run_state_machine_as_test(Stories, settings=bounded(8, 50))


def test_no_story_breaks_the_cluster_on_postgresql() -> None:
    postgres_url()
    run_state_machine_as_test(StoriesOnPostgres, settings=bounded(3, 40))
