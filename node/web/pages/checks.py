"""The health checks: what has to be in order before an upgrade, looked at now and not remembered.

They stand behind the card "Your instance health" of "Jira upgrades" and behind the page "Troubleshooting and support
tools". Jira's own checks are others, about licences and mail; these are the ones an upgrade here depends on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from node.services import MemberView

SLOW_DATABASE_MS = 1000.0
"""A look at two small tables that takes longer is worth telling before an upgrade."""

LITTLE_SPACE_BYTES = 100 * 1024 * 1024
"""An installation of a release and its logs need about as much at least."""


@dataclass(frozen=True)
class Check:
    """One check. ``mark`` is ``ok``, ``bad``, or ``info``: what an upgrade brings along.

    ``name`` is what was looked at, ``text`` what was found, ``advice`` what to do about it, if anything.
    """

    mark: str
    name: str
    text: str
    advice: str = ""


@dataclass(frozen=True)
class HomeFacts:
    """The folder that all nodes share, as this node sees it. ``problem`` says why it cannot be written."""

    path: str
    free_bytes: int = 0
    problem: str = ""


@dataclass(frozen=True)
class Health:
    """Everything the checks look at. ``members`` is None when the database did not answer.

    ``data_build`` is the build that the data was last brought to (``jira.version.patched``), ``base_build`` the
    cluster's.
    """

    members: Sequence[MemberView] | None
    state: str
    base_build: int | None
    data_build: int | None
    database_ms: float
    shared_home: HomeFacts | None = None


def health_checks(health: Health) -> tuple[Check, ...]:
    """All checks, in the order in which they are shown."""
    if health.members is None:
        database = Check("bad", "Database", "The database does not answer.", "Look whether it runs, and at its log.")
        return (database, *_shared_home(health.shared_home))
    return (
        _liveness(health.members),
        _one_version(health.members, health.state),
        *_alone(health.members),
        _database(health.database_ms),
        *_data_build(health),
        *_shared_home(health.shared_home),
    )


def one_version(members: Sequence[MemberView]) -> bool:
    """Whether all nodes that live run the same build: only then an upgrade can be started."""
    return len({member.build_number for member in members if member.state != "OFFLINE" and member.alive}) == 1


def _liveness(members: Sequence[MemberView]) -> Check:
    silent = [member.node_id for member in members if member.state != "OFFLINE" and not member.alive]
    if silent:
        return Check(
            "bad",
            "Cluster nodes",
            f"No heartbeat from {', '.join(silent)}.",
            "Restart such a node, or wait until the cluster declares it OFFLINE.",
        )
    offline = [member.node_id for member in members if member.state == "OFFLINE"]
    if offline:
        return Check("info", "Cluster nodes", f"All running nodes are alive; offline: {', '.join(offline)}.")
    return Check("ok", "Cluster nodes", "All nodes are alive.")


def _one_version(members: Sequence[MemberView], state: str) -> Check:
    versions = sorted({(member.build_number, member.version) for member in members if member.state != "OFFLINE"})
    names = " and ".join(version for _, version in versions)
    if len(versions) <= 1:
        return Check("ok", "Versions", f"All nodes run version {names}." if names else "No node has joined yet.")
    if state == "STABLE":
        return Check("bad", "Versions", f"Your nodes run {names}.", "Bring all nodes to one version first.")
    return Check("info", "Versions", f"Your nodes run {names}.")


def _alone(members: Sequence[MemberView]) -> list[Check]:
    if len([member for member in members if member.alive]) >= 2:
        return []
    found = "Only one node is alive: while it is upgraded, nobody is served."
    return [Check("info", "Redundancy", found, "Start a second node first.")]


def _database(took_ms: float) -> Check:
    found = f"The database answered in {took_ms:.0f} ms."
    if took_ms <= SLOW_DATABASE_MS:
        return Check("ok", "Database", found)
    return Check("bad", "Database", found, "Look for what keeps it busy, and wait with the upgrade.")


def _data_build(health: Health) -> list[Check]:
    """Data that was brought to another build than the cluster's makes the next start of a node fail."""
    if health.state != "STABLE" or health.data_build is None or health.base_build is None:
        return []
    if health.data_build == health.base_build:
        return [Check("ok", "Upgrade tasks", f"The data is of build {health.data_build}, as the software is.")]
    found = f"The data is of build {health.data_build}, the software of build {health.base_build}."
    return [Check("bad", "Upgrade tasks", found, "Look into the log of the node that ran the last upgrade tasks.")]


def _shared_home(home: HomeFacts | None) -> list[Check]:
    if home is None:
        return []
    if home.problem:
        found = f"{home.path} cannot be written: {home.problem}."
        return [Check("bad", "Shared home", found, "Give the node's user the right to write there.")]
    free = f"{home.path} can be written; {home.free_bytes // 1024**2:,} MB are free."
    if home.free_bytes < LITTLE_SPACE_BYTES:
        return [Check("bad", "Shared home", free, "Make room: a new release brings files along.")]
    return [Check("ok", "Shared home", free)]
