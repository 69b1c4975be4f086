"""What the page "Jira upgrades" says in each situation: its words, colours and which buttons work.

Labels and the sentences of STABLE, READY_TO_UPGRADE and READY_TO_RUN_UPGRADE_TASKS are Jira's. For the other states
no wording is known, so theirs are modest inventions, marked below. Which buttons work is not decided here: the
cluster's state machine says what is allowed; only that an upgrade cannot be started while the nodes run different
versions is told by the button as well, and not only by the refusal.
"""

from dataclasses import dataclass

from node.releases import Release, find_release, known_versions
from node.services import ApplicationState, MemberView, NodeModeView, UpgradeAction, UpgradeView
from node.web.pages.checks import Check, Health, health_checks, one_version
from node.web.pages.clustering_model import Status, node_status

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
class NodeRow:
    """One line of the table of nodes."""

    node_id: str
    version: str
    build_number: int
    status: Status
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
    versions_differ: bool
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
    health: Health,
    *,
    node_id: str,
    release: Release,
    application_state: ApplicationState,
    mode: NodeModeView,
) -> UpgradePage:
    """The page. ``view`` is None when the database did not answer."""
    state = view.state if view else _UNKNOWN
    allowed = view.allowed if view else ()
    members = health.members or ()
    checks = health_checks(health)
    versions_differ = UpgradeAction.START in allowed and not one_version(members)
    return UpgradePage(
        state=state,
        lozenge=state.replace("_", " "),
        colour=_COLOURS.get(state, "grey"),
        sentence=_SENTENCES.get(state, ""),
        base=f"{view.version} (build {view.build_number})" if view else "",
        can_start=UpgradeAction.START in allowed and not versions_differ,
        versions_differ=versions_differ,
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


def _row(member: MemberView, own_id: str) -> NodeRow:
    return NodeRow(
        node_id=member.node_id,
        version=member.version,
        build_number=member.build_number,
        status=node_status(member),
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
