"""What a node is told at its start: one YAML file, the analogue of Jira's ``cluster.properties``.

Jira's own intervals stand here unscaled, under the names administrators know; ``time_scale`` divides all of them at
once, so that a rehearsal on a laptop keeps their proportions (60 turns the heartbeat of one minute into one second).
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from node.releases import Flaw
from zdu.durations import Duration

LEAST_PATIENCE_S = 5.0
"""Scaling makes no lock expire, and no node count as dead, sooner. Who lives renews the one and writes a heartbeat
several times as often, and how late a process may come to that is a matter of the machine, which does not run faster
with the cluster's clock: at 120 both were over after 2.5 s, and an overloaded machine lost locks to other nodes and
took live nodes for dead."""
PATIENT = ("dead_after", "lock_expiry", "version_check_wait")
"""Of the intervals those that are waited for others. The last one is there to outlast the first."""

MixedWhen = Literal["rejoined", "removed"]
"""When a cluster counts as MIXED. ``rejoined`` is Atlassian's rule: an upgraded node has joined again while old ones
remain. ``removed`` is what the blog saw: as soon as a node has been taken out for its upgrade."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class JiraIntervals(_Strict):
    """Jira's documented intervals, before scaling.

    Sources: heartbeat every minute, alive for five (atlassian-beehive); OFFLINE after two days, row removed two days
    later (Jira KB "stale NO HEARTBEAT nodes"); a joining node waits up to five minutes for heartbeats to die
    (ClusterNodeVersionCheckLauncher); locks expire after five minutes (KB 1141970837); sessions idle for five hours
    (KB 604209887); remember-me for two weeks. How often Jira looks at the cluster's upgrade state is not documented;
    half a minute makes a change visible within one heartbeat. Nor is it documented how often a node replays the
    others' index operations and reads their messages; a quarter of a minute is our own, and so is
    how long a node from 9.1 on waits for another one's index (JRASERVER-72125 says only that it has an end).
    """

    heartbeat: Duration = 60.0
    dead_after: Duration = 300.0
    offline_after: Duration = 2 * 86400.0
    removed_after: Duration = 2 * 86400.0
    version_check_wait: Duration = 300.0
    lock_expiry: Duration = 300.0
    upgrade_state_poll: Duration = 30.0
    index_replay: Duration = 15.0
    cluster_messages: Duration = 15.0
    index_snapshot_wait: Duration = 300.0

    def scaled(self, factor: float) -> "JiraIntervals":
        """All intervals divided by ``factor``; but see :data:`LEAST_PATIENCE_S`."""
        divided = {name: value / factor for name, value in self}
        for name in PATIENT:
            divided[name] = max(divided[name], min(LEAST_PATIENCE_S, getattr(self, name)))  # who wants less gets it
        return JiraIntervals.model_construct(**divided)


class SessionLife(_Strict):
    """How long people stay signed in. Not scaled: a rehearsal must not sign its users out for lack of patience."""

    kept_in: Literal["memory", "database"] = "memory"
    """Jira keeps sessions in one node's memory; in the ``database``, as people wish for, every node knows them."""

    idle_timeout: Duration = 5 * 3600.0
    remember_me: Duration = 14 * 86400.0


class DatabaseConfig(_Strict):
    """Where the cluster's state lives. ``namespace`` is a PostgreSQL schema; SQLite has none."""

    url: str
    namespace: str = ""
    statement_timeout: Duration = 10.0


class NodeConfig(_Strict):
    """Everything one node needs to know."""

    node_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,60}$")]
    version: str
    flaw: Flaw | None = None
    """What is wrong with the release on purpose, although it calls itself by its ordinary number."""
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 0
    database: DatabaseConfig
    shared_home: Path
    local_home: Path
    log_file: Path | None = None
    time_scale: Annotated[float, Field(gt=0)] = 1.0
    intervals: JiraIntervals = JiraIntervals()
    sessions: SessionLife = SessionLife()
    mixed_when: MixedWhen = "rejoined"
    node_upgrade_mode: bool = False
    """The blog's flow: a node can be put into upgrade mode and then asks the load balancer, by ``/status``, to be
    drained. Plain Jira has no such thing: its nodes are simply stopped."""
    self_shutdown_if_offline_disabled: bool = False
    """``jira.cluster.node.self.shutdown.if.offline.disabled``: a node that finds itself OFFLINE works on all the
    same, beside a cluster that no longer counts it in."""
    start_duration: Duration = 0.0
    """How long the node stays STARTING at least: a JVM that loads Jira takes its time."""
    reindex_duration: Duration = 0.0
    """How long a foreground reindex takes at least: hours with a large Jira's data, an instant with ours."""
    warm_up: Duration = 0.0
    """How long a node that is RUNNING still answers more slowly than it will: empty caches, cold code."""
    warm_up_delay: Duration = 0.0
    """By how much its first request takes longer; the later ones by less and less."""
    keep_alive: Duration = 75.0
    """How long an idle connection stays open (Tomcat's ``keepAliveTimeout``): longer than load balancers keep theirs,
    so that they close first."""
    clock_ahead: Duration = 0.0
    """By how much this machine's wall clock is ahead of the others': its log and its pages are dated by it. What is
    kept in the database is dated by the database."""
    stop_duration: Duration = 0.0
    """How long the node stays STOPPING, refusing new work, before it goes."""
    stop_deadline: Duration = 10.0
    """How long requests in flight may take to finish when the node stops."""
    password_cost: Annotated[int, Field(ge=4, le=20)] = 12
    """log2 of scrypt's N."""
    seed: int | None = None

    @property
    def effective_intervals(self) -> JiraIntervals:
        """Jira's intervals as this cluster lives them."""
        return self.intervals.scaled(self.time_scale)
