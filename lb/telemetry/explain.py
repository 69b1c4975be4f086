"""Why a request went where it went, and where one would go now: for people who ask "why this node?"."""

import json
from typing import Any, Protocol

from lb.pool import NoNode, Route
from lb.stickiness import Reading
from lb.telemetry.figures import Figures, NodeFigures

_COOKIES = {
    "N": "brought no cookie of a session",
    "I": "brought a cookie that is forged, or names no node there is",
    "D": "brought a cookie of a node that did not take it any more",
    "V": "brought a valid cookie",
    "E": "brought a cookie of a session that was silent for too long",
    "O": "brought a cookie of a session that is too old",
    "U": "brought a cookie that was not used",
    "-": "was not routed",
}
_ACTIONS = {"N": "it was left as it is", "I": "one was set", "U": "it was changed", "-": ""}
_WHO = {
    "C": "the client left",
    "c": "the client was too slow",
    "S": "the node broke off, or refused",
    "s": "the node was too slow",
    "P": "the load balancer ended it",
    "K": "it was ended by a drain's deadline or an operator",
    "D": "its node went down",
    "I": "the load balancer failed",
    "R": "a limit was reached",
    "L": "the load balancer answered itself",
}
_PHASES = {
    "R": "while the request came",
    "Q": "in the queue",
    "C": "while connecting to the node",
    "H": "before the response's head",
    "D": "in the response's body",
    "L": "while the last of the response was sent",
    "T": "in the tunnel",
}


class Decider(Protocol):
    """The part of the balancer that is asked: what a cookie says, and where a request with it would go."""

    def read(self, cookies: bytes) -> Reading:
        """What the Cookie field says."""
        ...

    def preview(self, reading: Reading, client: str) -> Route | NoNode:
        """Where a request would go, without sending one: nothing is changed by asking."""
        ...


def explain_now(decider: Decider, now: Figures, cookie: bytes, client: str) -> dict[str, Any]:
    """Where a request with this Cookie field from this client would go now, and why not elsewhere."""
    reading = decider.read(cookie)
    decision = decider.preview(reading, client)
    said = decision.cookie_state.value
    facts: dict[str, Any] = {
        "cookie": {"state": said, "says": _COOKIES.get(said, said), "bound_to": reading.bound_to}
    }
    if isinstance(decision, Route):
        facts |= {"node": decision.node, "why": decision.reason}
        facts["cookie"]["action"] = decision.cookie_action.value
    else:
        facts |= {"node": None, "why": decision.reason, "retry_after_s": decision.retry_after_s}
        facts["would_be_held"] = decision.may_hold
    return {**facts, "balance": now.config.balance.value, "candidates": candidates(now, reading.bound_to)}


def explain_request(line: str) -> dict[str, Any]:
    """What a line of the access log means: ``why`` in sentences, ``record`` as it was logged."""
    record: dict[str, Any] = json.loads(line)
    return {"request_id": record["request_id"], "why": _sentences(record), "record": record}


def _sentences(record: dict[str, Any]) -> list[str]:
    who, phase, cookie, action = (*record["termination"], "-", "-", "-", "-")[:4]
    said = _COOKIES.get(cookie, f"brought a cookie in state {cookie}")
    done = _ACTIONS.get(action, "")
    sentences = [f"It {said}" + (f"; {done}." if done and cookie != "-" else ".")]
    if record["route"]:
        sentences.append(f"Why {record['node'] or 'no node'}: {record['route']}.")
    if record["moved_from"]:
        sentences.append(f"With it the session moved from {record['moved_from']} to {record['node']}.")
    if record["tw_ms"]:
        sentences.append(f"It was held for {record['tw_ms']:g} ms until a node could take it.")
    sentences += [_attempt(number, attempt) for number, attempt in enumerate(record["attempts"], start=1)]
    if record["own"]:
        sentences.append(f"The load balancer itself answered {record['status']}: {record['own']}.")
    elif record["status"]:
        sentences.append(f"{record['node']} answered {record['status']}.")
    if who != "-":
        sentences.append(f"It did not end well: {_WHO.get(who, who)} {_PHASES.get(phase, phase)}.")
    return sentences


def _attempt(number: int, attempt: dict[str, Any]) -> str:
    connection = "a kept connection" if attempt["reused_connection"] else "a fresh connection"
    became = attempt["failure"] or f"status {attempt['status']} after {attempt['response_ms']:g} ms"
    return f"Attempt {number} went to {attempt['node']} on {connection}: {became}."


def candidates(now: Figures, bound_to: str | None) -> list[dict[str, Any]]:
    """Each node with what speaks for it and against it, for a request bound to ``bound_to``."""
    weights = {node.name: _effective_weight(node) for node in now.nodes if node.takes_new}
    total = sum(weights.values())
    return [
        {
            "name": node.name,
            "status": node.word,
            "admin": node.admin,
            "operational": node.operational,
            "weight": node.weight,
            "throttle_percent": node.throttle_percent,
            "share_of_new_sessions": round(weights.get(node.name, 0) / total, 3) if total else 0.0,
            "in_flight": node.in_flight,
            "maxconn": node.maxconn,
            "queued": node.queued,
            "sessions": node.sessions,
            "takes_new_sessions": node.takes_new,
            "takes_bound_sessions": node.takes_bound,
            "is_bound_to": node.name == bound_to,
            "why_not": _why_not(node, bound=node.name == bound_to),
        }
        for node in now.nodes
    ]


def _effective_weight(node: NodeFigures) -> float:
    return (
        max(node.weight, 1) * node.throttle_percent / 100 if node.panic else node.weight * node.throttle_percent / 100
    )


def _why_not(node: NodeFigures, *, bound: bool) -> str:
    """Why a request cannot go there; empty if it can."""
    if bound and node.takes_bound:
        return ""
    if node.takes_new:
        return ""
    if node.admin == "MAINT":
        return "in maintenance"
    if node.operational in {"INIT", "DOWN", "GOING_UP"}:
        return f"{node.operational}: {node.check_status} {node.check_detail}".strip()
    if node.admin == "DRAIN" or node.operational == "STOPPING":
        return "draining" if node.takes_bound else "draining, and its deadline is over"
    if node.weight == 0:
        return "weight 0"
    return "takes no new sessions"
