"""Random stories on three nodes: administrators' calls, starts, stops, kills, naps and time, on both databases.

Whatever happens, the upgrade state takes legal steps only, there is one current state that all nodes agree on, no
heartbeat of a node that beats is lost, and in a STABLE cluster all running nodes have one version.
"""

import asyncio
import tempfile
from collections.abc import Coroutine
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from node.releases import find_release
from node.services import NodeChangeRefused, NoSuchNode, NotAllowed, UpgradeAction
from node.startup import NodeRefused
from node.upgrade_state import UpgradeState
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

    @initialize(upgraded=st.sampled_from((None, 0, 1, 2, 3)))
    def three_nodes_and_perhaps_an_upgrade_under_way(self, upgraded: int | None) -> None:
        """Stories that all begin at the beginning would seldom come to the end."""
        folder = Path(self.folder.name)
        target = DatabaseTarget("sqlite", f"sqlite+aiosqlite:///{folder / 'zdu.db'}")
        if self.kind == "postgresql":
            target = DatabaseTarget("postgresql", postgres_url(), f"story_{Entropy().token(8)}")
        self.cluster = self.run(HandDrivenCluster.open(target, folder))
        for node_id in NODE_IDS:
            self.run(self.cluster.start(node_id, "7.3.0"))
        if upgraded is not None:
            self.ask("node1", UpgradeAction.START)
            for node_id in NODE_IDS[:upgraded]:
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
    def the_history_is_legal(self) -> None:
        history = self.run(self.the.history())
        assert illegal_steps([row.state for row in history]) == []
        assert [row.order_number for row in history] == list(range(1, len(history) + 1))

    @invariant()
    def all_nodes_agree_on_the_one_current_state(self) -> None:
        state = self.run(self.the.state())
        assert state in LEGAL_NEXT
        shown = {self.run(node.upgrade.view()).state for node in self.the.nodes.values()}
        assert shown <= {state}

    @invariant()
    def rows_keep_the_base_build_until_the_tasks_have_run(self) -> None:
        for before, after in pairwise(self.run(self.the.history())):
            if before.state == "RUNNING_UPGRADE_TASKS" and after.state == "STABLE":
                assert after.build_number > before.build_number
            elif before.state != "STABLE":
                assert after.build_number == before.build_number

    @invariant()
    def who_beats_is_alive(self) -> None:
        """Nobody is declared gone while it beats; who finds itself OFFLINE had been asleep."""
        members = self.run(self.the.members())
        for node_id in self.running:
            assert (members[node_id].state, members[node_id].alive) == ("ACTIVE", True), node_id

    @invariant()
    def a_stable_cluster_serves_one_version(self) -> None:
        if self.run(self.the.state()) is UpgradeState.STABLE:
            serving = {self.the.nodes[node_id].version for node_id in self.running}
            assert len(serving) <= 1

    @invariant()
    def nobody_serves_data_that_is_newer_than_itself(self) -> None:
        patched = int(self.run(self.the.database.properties.get("jira.version.patched")) or "0")
        for node_id in self.running:
            assert find_release(self.the.nodes[node_id].version).build >= patched


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
        suppress_health_check=list(HealthCheck),
    )


def test_no_story_breaks_the_cluster_on_sqlite() -> None:
    run_state_machine_as_test(Stories, settings=bounded(30, 30))


def test_no_story_breaks_the_cluster_on_postgresql() -> None:
    postgres_url()
    run_state_machine_as_test(StoriesOnPostgres, settings=bounded(10, 30))
