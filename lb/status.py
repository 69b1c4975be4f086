"""Gathers the figures of this moment, and puts them into JSON: what ``/status.json`` and ``/events`` send."""

from typing import Any

from lb.balancer import Balancer
from lb.health import NodeHealth, Operational
from lb.journal import JournalEntry
from lb.pool import Admin, NodeView
from lb.telemetry.figures import Figures, NodeFigures
from lb.telemetry.meters import Averages, Meter
from lb.telemetry.telemetry import Telemetry
from zdu import __version__

_OUT = frozenset({Operational.INIT, Operational.DOWN, Operational.GOING_UP})


def figures(balancer: Balancer, telemetry: Telemetry) -> Figures:
    """Everything that is known now."""
    telemetry.tick()
    now_s = balancer.now()
    return Figures(
        version=__version__,
        now_s=now_s,
        uptime_s=round(now_s - balancer.started_s, 3),
        last_seq=balancer.journal.last_seq,
        held=balancer.held,
        held_max=balancer.held_max,
        config=balancer.config,
        clients=telemetry.clients,
        meters=telemetry.meters,
        nodes=tuple(_node(balancer, telemetry, view) for view in balancer.views()),
    )


def node_figures(balancer: Balancer, telemetry: Telemetry, name: str) -> NodeFigures:
    """One node now. Raises KeyError if there is none of that name."""
    return _node(balancer, telemetry, balancer.view(name))


def _node(balancer: Balancer, telemetry: Telemetry, view: NodeView) -> NodeFigures:
    address, health = balancer.addresses[view.name], balancer.health[view.name]
    meter = telemetry.meters.nodes.get(view.name) or Meter()
    last = health.last
    return NodeFigures(
        name=view.name,
        address=f"{address.host}:{address.port}",
        admin=view.admin.value,
        operational=view.operational.value,
        word=haproxy_status(view),
        state_since_s=view.state_since_s,
        takes_new=view.takes_new_sessions,
        takes_bound=view.takes_bound_sessions,
        drained=view.drained,
        panic=view.panic,
        drain=view.drain,
        drain_deadline_s=view.drain_deadline_s,
        weight=view.weight,
        throttle_percent=view.throttle,
        maxconn=view.maxconn,
        in_flight=view.in_flight,
        in_flight_max=view.in_flight_max,
        queued=view.queued,
        sessions=view.sessions,
        sessions_moved=view.sessions_moved,
        streams=view.streams,
        idle_connections=telemetry.idle_of(view.name),
        check_status=last.check_status if last else "INI",
        check_code=last.code if last else 0,
        check_detail=last.detail if last else "not checked yet",
        check_body=last.body if last else "",
        check_duration_ms=last.duration_ms if last else 0.0,
        check_count=_check_count(balancer, view),
        check_health=_check_health(balancer, health),
        checks_failed=health.failed_checks,
        last_check_s=health.last_at_s,
        downtime_s=round(meter.downtime_until(balancer.now()), 3),
        meter=meter,
    )


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


def _check_count(balancer: Balancer, view: NodeView) -> str:
    health, config = balancer.health[view.name], balancer.config.health
    if view.operational is Operational.GOING_UP:
        return f"{health.passes}/{config.rise}"
    if health.fails and view.operational is not Operational.DOWN:
        return f"{health.fails}/{config.fall}"
    return ""


def _check_health(balancer: Balancer, health: NodeHealth) -> int:
    config = balancer.config.health
    if health.state in _OUT:
        return min(health.passes, config.rise - 1)
    return config.rise + config.fall - 1 - min(health.fails, config.fall - 1)


def status_json(now: Figures) -> dict[str, Any]:
    """Everything about now. All ``*_s`` are seconds of the monotonic clock, or durations.

    ``errors`` are 5xx answers that the load balancer made itself, and responses that broke off.
    """
    meters, clients = now.meters, now.clients
    front = meters.front()
    return {
        "load_balancer": "zdu-lb",
        "version": now.version,
        "uptime_s": now.uptime_s,
        "now_s": now.now_s,
        "requests": front.stot,
        "errors": front.own_5xx + front.srv_abrt,
        "retries": front.wretr,
        "redispatches": front.wredis,
        "sessions_moved": front.moved,
        "last_seq": now.last_seq,
        "held": now.held,
        "held_max": now.held_max,
        "connections": clients.current,
        "connections_max": clients.highest,
        "connections_limit": now.config.limits.maxconn,
        "connections_total": clients.total,
        "connections_refused": clients.refused,
        "frontend": {**_counted(front), **_rate(meters.front_rate.last, meters.front_rate.highest)},
        "backend": {
            **_counted(meters.back()),
            **_averages(meters.averages),
            **_rate(meters.back_rate.last, meters.back_rate.highest),
        },
        "nodes": [node_json(node) for node in now.nodes],
    }


def node_json(node: NodeFigures) -> dict[str, Any]:
    """Everything about one node. ``errors`` are its own: attempts it did not answer, answers cut off, its 5xx."""
    meter = node.meter
    return {
        "name": node.name,
        "address": node.address,
        "admin": node.admin,
        "operational": node.operational,
        "status": node.word,
        "takes_new_sessions": node.takes_new,
        "takes_bound_sessions": node.takes_bound,
        "in_flight": node.in_flight,
        "in_flight_max": node.in_flight_max,
        "maxconn": node.maxconn,
        "queued": node.queued,
        "streams": node.streams,
        "sessions": node.sessions,
        "sessions_left": node.sessions_left,
        "sessions_moved": node.sessions_moved,
        "drained": node.drained,
        "drain_panic": node.panic,
        "drain_deadline_s": node.drain_deadline_s,
        "drain_started_s": node.drain.since_s if node.drain else None,
        "drain_done_s": node.drain.done_s if node.drain else None,
        "weight": node.weight,
        "throttle_percent": node.throttle_percent,
        "requests": meter.stot,
        "errors": meter.errors_of_node,
        **_counted(meter),
        **_averages(meter.averages),
        **_rate(meter.rate.last, meter.rate.highest),
        "idle_connections": node.idle_connections,
        "check_status": node.check_status,
        "check_code": node.check_code,
        "check_detail": node.check_detail,
        "check_body": node.check_body,
        "check_duration_ms": node.check_duration_ms,
        "check_count": node.check_count,
        "checks_failed": node.checks_failed,
        "times_down": meter.chkdown,
        "downtime_s": node.downtime_s,
        "last_check_s": node.last_check_s,
        "last_request_s": meter.lastsess_s,
        "state_since_s": node.state_since_s,
    }


def _counted(meter: Meter) -> dict[str, Any]:
    """What a meter counted, in words of our own; the CSV has HAProxy's."""
    return {
        "received_bytes": meter.bin,
        "sent_bytes": meter.bout,
        "responses": dict(zip(("other", "1xx", "2xx", "3xx", "4xx", "5xx"), meter.hrsp, strict=True)),
        "own_answers": dict(sorted(meter.own.items())),
        "own_5xx": meter.own_5xx,
        "bad_requests": meter.ereq,
        "denied_requests": meter.dreq,
        "connection_errors": meter.econ,
        "response_errors": meter.eresp,
        "retries": meter.wretr,
        "redispatches": meter.wredis,
        "client_aborts": meter.cli_abrt,
        "server_aborts": meter.srv_abrt,
        "balanced": meter.lbtot,
        "moved": meter.moved,
        "requests_held": meter.held,
        "connects": meter.connects,
        "reuses": meter.reuses,
    }


def _averages(averages: Averages) -> dict[str, float]:
    return {
        "queue_average_ms": round(averages.queue_ms, 3),
        "connect_average_ms": round(averages.connect_ms, 3),
        "response_average_ms": round(averages.response_ms, 3),
        "total_average_ms": round(averages.total_ms, 3),
    }


def _rate(last: float, highest: float) -> dict[str, float]:
    return {"rate": round(last, 1), "rate_max": round(highest, 1)}


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
