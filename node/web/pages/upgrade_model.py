"""What the page "Jira upgrades" says in each situation: its words, colours, checks and which buttons work.

Labels and the sentences of STABLE, READY_TO_UPGRADE and READY_TO_RUN_UPGRADE_TASKS are Jira's. For the other states
no wording is known, so theirs are modest inventions, marked below. Which buttons work is not decided here: the
cluster's state machine says what is allowed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from node.releases import Release, find_release, known_versions
from node.services import ApplicationState, MemberView, NodeModeView, UpgradeAction, UpgradeView

SLOW_DATABASE_MS = 1000.0
"""A look at two small tables that takes longer is worth telling before an upgrade."""

_UNKNOWN = "UNKNOWN"

_SENTENCES = {
    "STABLE": "Your cluster is in a stable condition and ready to start an upgrade.",
    "READY_TO_UPGRADE": "Jira is in upgrade mode, and waiting for you to start upgrading your nodes.",
    "READY_TO_RUN_UPGRADE_TASKS": (
        "All nodes have been upgraded to a newer version. You can now finalize the upgrade."
    ),
    # From here on: our own words.
    "MIXED": "Your nodes are being upgraded. Some of them do not run the new version yet.",
    "RUNNING_UPGRADE_TASKS": "Upgrade tasks are running on one of your nodes. Your users can go on working.",
    "UPGRADE_TASKS_FAILED": "An upgrade task failed. Look into the logs, mend the cause, then retry.",
    _UNKNOWN: "The state of your cluster cannot be read at the moment.",
}
# The colours of the first three are Jira's, too.
_COLOURS = {
    "STABLE": "green",
    "READY_TO_UPGRADE": "blue",
    "READY_TO_RUN_UPGRADE_TASKS": "blue",
    "MIXED": "yellow",
    "RUNNING_UPGRADE_TASKS": "blue",
    "UPGRADE_TASKS_FAILED": "red",
    _UNKNOWN: "grey",
}


@dataclass(frozen=True)
class Check:
    """One line of "Your instance health". ``mark`` is ``ok``, ``bad``, or ``info``: what an upgrade brings along."""

    mark: str
    text: str


@dataclass(frozen=True)
class NodeRow:
    """One line of the table of nodes."""

    node_id: str
    version: str
    build_number: int
    status: str
    colour: str
    alive: bool
    own: bool


@dataclass(frozen=True)
class NodeCard:
    """The card "This node"."""

    state: str
    colour: str
    enabled: bool
    can_enable: bool
    requests_in_flight: int
    sessions: int


@dataclass(frozen=True)
class UpgradePage:
    """Everything the template shows."""

    state: str
    lozenge: str
    colour: str
    sentence: str
    base: str
    can_start: bool
    can_approve: bool
    can_cancel: bool
    can_retry: bool
    under_way: bool
    checks: tuple[Check, ...]
    healthy: bool
    newer_versions: tuple[str, ...]
    nodes: tuple[NodeRow, ...]
    card: NodeCard | None


def describe(
    view: UpgradeView | None,
    members: Sequence[MemberView],
    *,
    node_id: str,
    release: Release,
    application_state: ApplicationState,
    mode: NodeModeView,
    database_ms: float,
) -> UpgradePage:
    """The page. ``view`` is None when the database did not answer, for which it was waited ``database_ms``."""
    state = view.state if view else _UNKNOWN
    allowed = view.allowed if view else ()
    checks = health_checks(members, state=state, answered=view is not None, database_ms=database_ms)
    return UpgradePage(
        state=state,
        lozenge=state.replace("_", " "),
        colour=_COLOURS.get(state, "grey"),
        sentence=_SENTENCES.get(state, ""),
        base=f"{view.version} (build {view.build_number})" if view else "",
        can_start=UpgradeAction.START in allowed,
        can_approve=UpgradeAction.APPROVE in allowed,
        can_cancel=UpgradeAction.CANCEL in allowed,
        can_retry=UpgradeAction.RETRY in allowed,
        under_way=state not in {"STABLE", _UNKNOWN},
        checks=checks,
        healthy=all(check.mark != "bad" for check in checks),
        newer_versions=_reachable_from(release),
        nodes=tuple(_row(member, node_id) for member in members),
        card=_card(application_state, mode, under_way=state not in {"STABLE", _UNKNOWN}) if mode.available else None,
    )


def _reachable_from(release: Release) -> tuple[str, ...]:
    """The newer releases of the same platform: across a major release there is no upgrade without downtime."""
    known = (find_release(version) for version in known_versions())
    return tuple(
        new.version for new in known if new.numbers > release.numbers and new.numbers[0] == release.numbers[0]
    )


def health_checks(
    members: Sequence[MemberView], *, state: str, answered: bool, database_ms: float
) -> tuple[Check, ...]:
    """All nodes alive, one version, database answers: looked at now, not remembered."""
    if not answered:
        return (Check("bad", "The database does not answer."),)
    checks = [_liveness(members), _one_version(members, state)]
    if len([member for member in members if member.alive]) < 2:
        checks.append(Check("info", "Only one node is alive: while it is upgraded, nobody is served."))
    answer = f"The database answered in {database_ms:.0f} ms."
    checks.append(Check("ok" if database_ms <= SLOW_DATABASE_MS else "bad", answer))
    return tuple(checks)


def _liveness(members: Sequence[MemberView]) -> Check:
    silent = [member.node_id for member in members if member.state != "OFFLINE" and not member.alive]
    if silent:
        return Check("bad", f"No heartbeat from {', '.join(silent)}.")
    offline = [member.node_id for member in members if member.state == "OFFLINE"]
    if offline:
        return Check("info", f"All running nodes are alive; offline: {', '.join(offline)}.")
    return Check("ok", "All nodes are alive.")


def _one_version(members: Sequence[MemberView], state: str) -> Check:
    versions = sorted({(member.build_number, member.version) for member in members if member.state != "OFFLINE"})
    names = " and ".join(version for _, version in versions)
    if len(versions) <= 1:
        return Check("ok", f"All nodes run version {names}." if names else "No node has joined yet.")
    return Check("bad" if state == "STABLE" else "info", f"Your nodes run {names}.")


def _row(member: MemberView, own_id: str) -> NodeRow:
    """Statuses as Jira's page "Clustering" has them: ACTIVE, NO HEARTBEAT, OFFLINE."""
    status = "NO HEARTBEAT" if member.state == "ACTIVE" and not member.alive else member.state
    return NodeRow(
        node_id=member.node_id,
        version=member.version,
        build_number=member.build_number,
        status=status,
        colour={"ACTIVE": "green", "NO HEARTBEAT": "red"}.get(status, "grey"),
        alive=member.alive,
        own=member.node_id == own_id,
    )


def _card(state: ApplicationState, mode: NodeModeView, *, under_way: bool) -> NodeCard:
    return NodeCard(
        state=state.value,
        colour="green" if state is ApplicationState.RUNNING else "yellow",
        enabled=mode.enabled,
        can_enable=under_way and not mode.enabled,
        requests_in_flight=mode.requests_in_flight,
        sessions=mode.sessions,
    )
