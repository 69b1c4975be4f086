"""A failed request in one plain sentence: which, when, where it went, what came, and what had just happened there."""

from simulator.record.requests import RequestRecord
from simulator.verdict.faults import faults_behind
from simulator.verdict.model import Evidence
from zdu.events import (
    BalancerAudited,
    BalancerObserved,
    LoadStarted,
    NodeObserved,
    NodeTakenOut,
    ProcessExited,
    ProcessStopping,
)

LOOK_BACK_S = 3.0
"""What happened longer ago than this does not explain a failure."""
LEAVING = frozenset({"DRAINING", "STOPPING"})
"""The application states by which a node says that it is going."""


def explain(request: RequestRecord, evidence: Evidence) -> str:
    """The sentence for ``request``, with the nearest event before it that could explain it."""
    who = f"request {request.id} of session {request.session} ({request.kind})"
    node = node_tried(request, evidence)
    where = f" went to {node}" if node else " was sent"
    cause = _cause(request, node, evidence)[1]
    when = f" at {request.sent_s:.2f} s" + (f", {cause}," if cause else "")
    behind = faults_behind(request, node, evidence)
    fault = f"{'' if cause else ','} {behind}," if behind else ""
    detail = f": {request.detail}" if request.detail else ""
    return f"{who}{where}{when}{fault} and got {request.outcome}{detail}"


def node_concerned(request: RequestRecord, evidence: Evidence) -> str:
    """The node it went to or, if nobody knows, the one to which something had just happened; else empty."""
    return node_tried(request, evidence) or _cause(request, "", evidence)[0]


def node_tried(request: RequestRecord, evidence: Evidence) -> str:
    """The node that answered or, where none did, the last one tried, as the load balancer's log tells; else empty."""
    if request.node:
        return request.node
    tried = [audit.sent_to.get(str(request.id), []) for _, audit in evidence.events(BalancerAudited)]
    return tried[-1][-1] if tried and tried[-1] else ""


def _cause(request: RequestRecord, node: str, evidence: Evidence) -> tuple[str, str]:
    """The last thing that happened to ``node``, or to any if it is not known which, before the end.

    The node and the sentence, both empty if nothing did. What came before the load began is the start of the cluster
    and explains nothing.
    """
    load_began_s = min((t_s for t_s, _ in evidence.events(LoadStarted)), default=0.0)
    latest_s, cause = max(request.end_s - LOOK_BACK_S, load_began_s), ("", "")
    for envelope in evidence.envelopes:
        told = _tell(envelope.event)
        if told and (not node or told[0] == node) and latest_s < envelope.t_s <= request.end_s:
            whose, what = told
            latest_s, cause = envelope.t_s, (whose, f"{request.sent_s - envelope.t_s:.2f} s after {what}")
            if envelope.t_s > request.sent_s:
                cause = (whose, f"{envelope.t_s - request.sent_s:.2f} s before {what}")
    return cause


def _tell(event: object) -> tuple[str, str] | None:
    """The node an event is about, and the event as the end of a sentence."""
    match event:
        case NodeObserved(node=node, state=state) if state in LEAVING:
            return node, f"{node} said that it was leaving"
        case ProcessStopping(process=process):
            return process, f"{process} was told to stop"
        case ProcessExited(process=process, expected=True):
            return process, f"the process of {process} ended"
        case ProcessExited(process=process):
            return process, f"{process} died"
        case NodeTakenOut(node=node):
            return node, f"{node} was taken out"
        case BalancerObserved(node=node, operational="DOWN"):
            return node, f"the load balancer found {node} DOWN"
    return None
