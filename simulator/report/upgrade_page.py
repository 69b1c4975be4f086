"""Jira's page "Jira upgrades" of a moment, drawn anew from the record: lozenge, sentence, and which buttons work.

The words are those of the node's own page (:mod:`node.web.pages.upgrade_model`), which is not to be imported here; a
test holds the two together. Which button works in which state is Jira's rule, not something that was observed.
"""

from dataclasses import dataclass

from simulator.report.moments import Moment, NodeMoment

SENTENCES = {
    "STABLE": "Your cluster is in a stable condition and ready to start an upgrade.",
    "READY_TO_UPGRADE": "Jira is in upgrade mode, and waiting for you to start upgrading your nodes.",
    "READY_TO_RUN_UPGRADE_TASKS": (
        "All nodes have been upgraded to a newer version. You can now finalize the upgrade."
    ),
    "MIXED": "Your nodes are being upgraded. Some of them do not run the new version yet.",
    "RUNNING_UPGRADE_TASKS": "Upgrade tasks are running on one of your nodes. Your users can go on working.",
    "UPGRADE_TASKS_FAILED": "An upgrade task failed. Look into the logs, mend the cause, then retry.",
}
COLOURS = {
    "STABLE": "green",
    "READY_TO_UPGRADE": "blue",
    "READY_TO_RUN_UPGRADE_TASKS": "blue",
    "MIXED": "yellow",
    "RUNNING_UPGRADE_TASKS": "blue",
    "UPGRADE_TASKS_FAILED": "red",
}

MAX_ROWS = 6
"""A page with more nodes shows those that have changed since the page before, and counts the others."""


@dataclass(frozen=True)
class NodeRow:
    """A line of the table of nodes; ``news`` are the columns that differ from the page before."""

    moment: NodeMoment
    balancer: str
    news: frozenset[str]


@dataclass(frozen=True)
class UpgradePage:
    """What an administrator would have seen on ``node`` at ``t_s``."""

    t_s: float
    node: str
    state: str
    lozenge: str
    colour: str
    sentence: str
    can_start: bool
    can_run_tasks: bool
    can_retry: bool
    can_cancel: bool
    under_way: bool
    rows: tuple[NodeRow, ...]
    more: int


def page_of(moment: Moment, wanted: str, before: Moment | None) -> UpgradePage | None:
    """The page on the node ``wanted``, or on the first one that shows one; None while none does."""
    showing = [node for node in moment.nodes if node.shows]
    if not showing:
        return None
    shown = next((node for node in showing if node.node == wanted), showing[0])
    old = {node.node: node for node in before.nodes} if before else {}
    rows = [_row(node, old.get(node.node)) for node in moment.nodes]
    chosen = rows if len(rows) <= MAX_ROWS else [row for row in rows if row.news or row.moment is shown][:MAX_ROWS]
    state = shown.shows
    return UpgradePage(
        t_s=moment.t_s,
        node=shown.node,
        state=state,
        lozenge=state.replace("_", " "),
        colour=COLOURS.get(state, "grey"),
        sentence=SENTENCES.get(state, ""),
        can_start=state == "STABLE" and len({node.version for node in moment.nodes if node.version}) == 1,
        can_run_tasks=state == "READY_TO_RUN_UPGRADE_TASKS",
        can_retry=state == "UPGRADE_TASKS_FAILED",
        can_cancel=state == "READY_TO_UPGRADE",
        under_way=state != "STABLE",
        rows=tuple(chosen),
        more=len(rows) - len(chosen),
    )


def _row(now: NodeMoment, before: NodeMoment | None) -> NodeRow:
    columns = ("state", "version", "users")
    news = {name for name in columns if before and getattr(now, name) != getattr(before, name)}
    balancer = balancer_words(now)
    if before and balancer != balancer_words(before):
        news.add("balancer")
    return NodeRow(now, balancer, frozenset(news))


def balancer_words(node: NodeMoment) -> str:
    """The load balancer's word for a node, and whether it is out."""
    word = node.balancer.replace("_", " ")
    return f"{word}, out" if word and node.out else word
