"""A failed request in one plain sentence: which, when, what came, from whom, and what had just happened there."""

from simulator.record.requests import RequestRecord
from simulator.verdict.model import Evidence
from zdu.events import BalancerObserved, LoadStarted, NodeTakenOut, ProcessExited, ProcessStopping

LOOK_BACK_S = 3.0
"""What happened longer ago than this does not explain a failure."""


def explain(request: RequestRecord, evidence: Evidence) -> str:
    """The sentence for ``request``, with the nearest event before it that could explain it."""
    who = f"request {request.id} ({request.kind}, session {request.session})"
    origin = f" from {request.node}" if request.node else ""
    detail = f": {request.detail}" if request.detail else ""
    cause = _cause(request, evidence)[1]
    because = f", {cause}" if cause else ""
    return f"{who} sent at {request.sent_s:.2f} s got {request.outcome}{origin}{because}{detail}"


def node_concerned(request: RequestRecord, evidence: Evidence) -> str:
    """The node that answered or, where none did, the one to which something had just happened; else empty."""
    return request.node or _cause(request, evidence)[0]


def _cause(request: RequestRecord, evidence: Evidence) -> tuple[str, str]:
    """The last thing that happened to the node concerned, or to any if it is not known which, before the end.

    The node and the sentence, both empty if nothing did. What came before the load began is the start of the cluster
    and explains nothing.
    """
    load_began_s = min((t_s for t_s, _ in evidence.events(LoadStarted)), default=0.0)
    latest_s, cause = max(request.end_s - LOOK_BACK_S, load_began_s), ("", "")
    for envelope in evidence.envelopes:
        told = _tell(envelope.event)
        if told and (not request.node or told[0] == request.node) and latest_s < envelope.t_s <= request.end_s:
            node, what = told
            latest_s, cause = envelope.t_s, (node, f"{request.sent_s - envelope.t_s:.2f} s after {what}")
            if envelope.t_s > request.sent_s:
                cause = (node, f"{envelope.t_s - request.sent_s:.2f} s before {what}")
    return cause


def _tell(event: object) -> tuple[str, str] | None:
    """The node an event is about, and the event as the end of a sentence."""
    match event:
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
