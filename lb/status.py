"""The load balancer's state as plain data: what ``/status.json`` and ``/events`` send, and the status page shows."""

from typing import Any

from lb.balancer import Balancer
from lb.health import Operational
from lb.journal import JournalEntry
from lb.pool import Admin, NodeView
from zdu import __version__


def haproxy_status(view: NodeView) -> str:
    """The one word HAProxy's status column shows: MAINT, DOWN, DRAIN, NOLB, UP, or INI before the first check."""
    if view.admin is Admin.MAINT:
        return "MAINT"
    word = _WORDS[view.operational]
    return "DRAIN" if view.admin is Admin.DRAIN and word == "UP" else word


_WORDS = {
    Operational.INIT: "INI",
    Operational.UP: "UP",
    Operational.GOING_DOWN: "UP",
    Operational.DOWN: "DOWN",
    Operational.GOING_UP: "DOWN",
    Operational.STOPPING: "NOLB",
}


def status_json(balancer: Balancer) -> dict[str, Any]:
    """Everything about now. All ``*_s`` are seconds of the monotonic clock, or durations."""
    now_s = balancer.now()
    counters = balancer.counters
    return {
        "load_balancer": "zdu-lb",
        "version": __version__,
        "uptime_s": round(now_s - balancer.started_s, 3),
        "now_s": now_s,
        "requests": counters.requests,
        "errors": counters.errors,
        "retries": counters.retries,
        "redispatches": counters.redispatches,
        "sessions_moved": counters.sessions_moved,
        "last_seq": balancer.journal.last_seq,
        "nodes": [node_json(balancer, view) for view in balancer.views()],
    }


def node_json(balancer: Balancer, view: NodeView) -> dict[str, Any]:
    """Everything about one node. ``check_count`` is the run of equal results that leads to the next state."""
    address = balancer.addresses[view.name]
    health = balancer.health[view.name]
    counters = balancer.counters.nodes[view.name]
    last = health.last
    return {
        "name": view.name,
        "address": f"{address.host}:{address.port}",
        "admin": view.admin.value,
        "operational": view.operational.value,
        "status": haproxy_status(view),
        "takes_new_sessions": view.takes_new_sessions,
        "takes_bound_sessions": view.takes_bound_sessions,
        "in_flight": view.in_flight,
        "drained": view.drained,
        "drain_deadline_s": view.drain_deadline_s,
        "weight": view.weight,
        "requests": counters.requests,
        "errors": counters.errors,
        "check_status": last.check_status if last else "INI",
        "check_code": last.code if last else 0,
        "check_detail": last.detail if last else "not checked yet",
        "check_body": last.body if last else "",
        "check_duration_ms": last.duration_ms if last else 0.0,
        "check_count": _check_count(balancer, view),
        "last_check_s": health.last_at_s,
        "state_since_s": view.state_since_s,
    }


def _check_count(balancer: Balancer, view: NodeView) -> str:
    health, config = balancer.health[view.name], balancer.config.health
    if view.operational is Operational.GOING_UP:
        return f"{health.passes}/{config.rise}"
    if health.fails and view.operational is not Operational.DOWN:
        return f"{health.fails}/{config.fall}"
    return ""


def event_json(entry: JournalEntry) -> dict[str, Any]:
    """One event as ``/events`` sends it."""
    change = entry.change
    return {
        "seq": entry.seq,
        "at_s": change.at_s,
        "node": change.node,
        "admin": change.admin.value,
        "operational": change.operational.value,
        "takes_new_sessions": change.takes_new_sessions,
        "takes_bound_sessions": change.takes_bound_sessions,
        "drained": change.drained,
        "reason": change.reason,
    }
