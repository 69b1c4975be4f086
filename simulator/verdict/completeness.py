"""Whether the record is whole: what was never looked at is never found wrong, and proves nothing.

Most promises hold when nothing speaks against them. So each thing that could have spoken must have been asked: every
request, every node that was rolled, and every witness at the end, the logs among them.
"""

from collections.abc import Iterator

from simulator.verdict.model import Check, CheckKind, Evidence, examples
from zdu.events import (
    BalancerAudited,
    ClusterAudited,
    LoadStopped,
    NodeLogsAudited,
    NotAudited,
    UpgradeHistory,
    WritesAudited,
)


def _check(name: str, otherwise: str, missing: list[str], told: str) -> Check:
    return Check(name, otherwise, CheckKind.PROOF, not missing, examples(missing) or told)


def every_request_has_its_outcome(evidence: Evidence) -> Iterator[Check]:
    """Requests are numbered as they are sent: a number that is missing is a request that nobody knows the end of."""
    ends = evidence.events(LoadStopped)
    sent = max((load.sent for _, load in ends), default=0)
    numbers = {request.id for request in (*evidence.requests, *evidence.control)}
    gaps = sorted(set(range(1, sent + 1)) - numbers)
    missing = [f"the record has no outcome of {len(gaps):,} requests, the first is number {gaps[0]}"] if gaps else []
    if not sent:
        missing.append("the load did not end in order, so nobody knows how many requests were sent")
    if len(numbers) < len(evidence.requests) + len(evidence.control):
        missing.append("some numbers stand in the record twice")
    yield _check(
        "every request has its outcome",
        "requests are missing in the record",
        missing,
        f"{sent:,} requests were sent, and each has an outcome",
    )


def absences_were_seen(evidence: Evidence) -> Iterator[Check]:
    """Each node that was rolled was seen to be taken out; else nothing was looked at while it was."""
    seen = [absence.node for absence in evidence.absences]
    missing = [f"{node} was never seen to be taken out" for node in evidence.rolled if node not in seen]
    yield _check(
        "each node was seen to be taken out",
        "a node was not seen to be taken out",
        missing,
        ", ".join(f"{node} {seen.count(node)} times" for node in evidence.rolled) or "no node was to be taken out",
    )


def the_audit_was_whole(evidence: Evidence) -> Iterator[Check]:
    """At the end everybody was asked: nodes, database, and the logs of the load balancer and of the nodes."""
    missing = [event.reason for _, event in evidence.events(NotAudited)]
    for kind, what in (
        (ClusterAudited, "the nodes were not asked what they run"),
        (UpgradeHistory, "the upgrade's history was not read"),
        (WritesAudited, "the writes were not looked for"),
        (BalancerAudited, "the load balancer's log was not read"),
        (NodeLogsAudited, "the nodes' logs were not read"),
    ):
        if not evidence.events(kind):
            missing.append(what)
    missing += [*unread_log(evidence), *_unread_nodes(evidence)]
    yield _check(
        "the audit at the end was complete",
        "the audit at the end was not complete",
        missing,
        "nodes, database, and the logs of the load balancer and of the nodes were read",
    )


def unread_log(evidence: Evidence) -> list[str]:
    """What the load balancer's log should have, and has not: an attempt at least for each answered request."""
    audits = evidence.events(BalancerAudited)
    answered = sum(bool(request.node) for request in evidence.requests)
    if not audits or audits[-1][1].attempts >= (1 if audits[-1][1].untold else answered):
        return []
    return [f"the load balancer's log has {audits[-1][1].attempts:,} attempts, but {answered:,} answers came"]


def _unread_nodes(evidence: Evidence) -> list[str]:
    """Nodes that answered in the end, and were not read through; and nodes whose log says nothing."""
    missing = []
    asked, written = evidence.events(ClusterAudited), evidence.events(WritesAudited)
    if asked and written:
        answering = [node for node, said in asked[-1][1].nodes.items() if "error" not in said]
        silent = [node for node in answering if node not in written[-1][1].unreadable]
        missing += [f"the writes were not read through {node}" for node in silent]
    for _, logs in evidence.events(NodeLogsAudited)[-1:]:
        telling = {state["node"] for state in logs.states}
        missing += [f"the log of {node} tells of no state" for node in evidence.nodes if node not in telling]
    return missing
