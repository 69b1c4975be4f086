"""HAProxy's ``/stats;csv``: its header line, its columns in its order, so that whatever reads HAProxy's reads ours.

The columns are those of HAProxy 2.6 up to ``uweight``, as its manual, section 9.1, describes them; what this load
balancer has no figure for stays empty, as it does there. Behind them come a few columns of our own.
"""

from collections.abc import Mapping, Sequence

from lb.telemetry.figures import Figures, NodeFigures
from lb.telemetry.meters import Averages, Meter, Rate

COLUMNS = (
    *("pxname", "svname", "qcur", "qmax", "scur", "smax", "slim", "stot", "bin", "bout", "dreq", "dresp", "ereq"),
    *("econ", "eresp", "wretr", "wredis", "status", "weight", "act", "bck", "chkfail", "chkdown", "lastchg"),
    *("downtime", "qlimit", "pid", "iid", "sid", "throttle", "lbtot", "tracked", "type", "rate", "rate_lim"),
    *("rate_max", "check_status", "check_code", "check_duration", "hrsp_1xx", "hrsp_2xx", "hrsp_3xx", "hrsp_4xx"),
    *("hrsp_5xx", "hrsp_other", "hanafail", "req_rate", "req_rate_max", "req_tot", "cli_abrt", "srv_abrt"),
    *("comp_in", "comp_out", "comp_byp", "comp_rsp", "lastsess", "last_chk", "last_agt", "qtime", "ctime", "rtime"),
    *("ttime", "agent_status", "agent_code", "agent_duration", "check_desc", "agent_desc", "check_rise"),
    *("check_fall", "check_health", "agent_rise", "agent_fall", "agent_health", "addr", "cookie", "mode", "algo"),
    *("conn_rate", "conn_rate_max", "conn_tot", "intercepted", "dcon", "dses", "wrew", "connect", "reuse"),
    *("cache_lookups", "cache_hits", "srv_icur", "src_ilim", "qtime_max", "ctime_max", "rtime_max", "ttime_max"),
    *("eint", "idle_conn_cur", "safe_conn_cur", "used_conn_cur", "need_conn_est", "uweight"),
)
OWN_COLUMNS = ("own_answers", "own_5xx", "moved", "held", "sessions", "sessions_left", "streams")
"""Answers the load balancer made in a node's place (all, and 5xx), and what a drain is about."""

_ALWAYS = {"pxname": "zdu-lb", "pid": 1, "mode": "http"}
"""HAProxy has many proxies; this load balancer is one, a frontend and its backend."""

Row = Mapping[str, object]


def stats_csv(now: Figures) -> str:
    """The whole answer: the header line, then the frontend, each node, the backend."""
    nodes = [_node(node, now, number) for number, node in enumerate(now.nodes, start=1)]
    names = (*COLUMNS, *OWN_COLUMNS)
    lines = ["# " + ",".join(names) + ","]
    for row in (_front(now), *nodes, _back(now, nodes)):
        lines.append(",".join(_field(row.get(name)) for name in names) + ",")
    return "\n".join(lines) + "\n"


def _front(now: Figures) -> Row:
    """What clients asked for and got."""
    meter, rate, clients = now.meters.front(), now.meters.front_rate, now.clients
    return {
        "svname": "FRONTEND",
        "type": 0,
        "status": "OPEN",
        "iid": 2,
        "sid": 0,
        "scur": clients.current,
        "smax": clients.highest,
        "slim": now.config.limits.maxconn,
        "stot": clients.total,
        "conn_tot": clients.total,
        "dcon": clients.refused,
        "dreq": meter.dreq,
        "ereq": meter.ereq,
        "req_rate": round(rate.last),
        "req_rate_max": round(rate.highest),
        "req_tot": meter.stot,
        "intercepted": sum(meter.own.values()),
        "bin": meter.bin,
        "bout": meter.bout,
        **_rate(rate),
        **_answers(meter, with_own=True),
        **_own(meter),
        **_ALWAYS,
    }


def _back(now: Figures, nodes: Sequence[Row]) -> Row:
    """All nodes together."""
    meter = now.meters.back()
    up = [row for row in nodes if row["act"]]
    return {
        "svname": "BACKEND",
        "type": 1,
        "status": "UP" if up else "DOWN",
        "iid": 3,
        "sid": 0,
        "algo": now.config.balance.value,
        "cookie": now.config.stickiness.cookie,
        "qcur": now.held,
        "qmax": now.held_max,
        "slim": now.config.limits.maxconn,
        "stot": meter.stot,
        "weight": _sum(up, "weight"),
        "uweight": _sum(up, "uweight"),
        "act": len(up),
        "bck": 0,
        "chkdown": meter.chkdown,
        "lastchg": min((int(str(row["lastchg"])) for row in nodes), default=0),
        "req_tot": meter.stot,
        **{name: _sum(nodes, name) for name in ("scur", "smax", "srv_icur", "sessions", "sessions_left", "streams")},
        **_traffic(meter, now.now_s),
        **_rate(now.meters.back_rate),
        **_answers(meter, with_own=True),
        **_times(now.meters.averages),
        **_own(meter),
        **_ALWAYS,
    }


def _node(node: NodeFigures, now: Figures, number: int) -> Row:
    """One node, with the answers that it gave itself."""
    throttle, meter = node.throttle_percent, node.meter
    return {
        "svname": node.name,
        "type": 2,
        "status": f"{node.word} {node.check_count}".strip(),
        "iid": 3,
        "sid": number,
        "act": int(node.takes_new or node.takes_bound),
        "bck": 0,
        "addr": node.address,
        "cookie": node.name,
        "qcur": node.queued,
        "qlimit": now.config.queue.size,
        "scur": node.in_flight,
        "smax": node.in_flight_max,
        "slim": node.maxconn or None,
        "stot": meter.stot,
        "weight": node.weight * throttle // 100,
        "uweight": node.weight,
        "throttle": throttle if throttle < 100 else None,
        "chkfail": node.checks_failed,
        "chkdown": meter.chkdown,
        "lastchg": int(now.now_s - node.state_since_s),
        "downtime": int(node.downtime_s),
        "check_status": node.check_status,
        "check_code": node.check_code or None,
        "check_duration": None if node.last_check_s is None else round(node.check_duration_ms),
        "check_desc": node.check_detail,
        "last_chk": node.check_detail,
        "check_rise": now.config.health.rise,
        "check_fall": now.config.health.fall,
        "check_health": node.check_health,
        "srv_icur": node.idle_connections,
        "idle_conn_cur": node.idle_connections,
        "sessions": node.sessions,
        "sessions_left": node.sessions_left,
        "streams": node.streams,
        **_traffic(meter, now.now_s),
        **_rate(meter.rate),
        **_answers(meter, with_own=False),
        **_times(meter.averages),
        **_own(meter),
        **_ALWAYS,
    }


def _rate(rate: Rate) -> dict[str, object]:
    return {"rate": round(rate.last), "rate_max": round(rate.highest)}


def _traffic(meter: Meter, now: float) -> dict[str, object]:
    return {
        "bin": meter.bin,
        "bout": meter.bout,
        "econ": meter.econ,
        "eresp": meter.eresp,
        "wretr": meter.wretr,
        "wredis": meter.wredis,
        "lbtot": meter.lbtot,
        "cli_abrt": meter.cli_abrt,
        "srv_abrt": meter.srv_abrt,
        "connect": meter.connects,
        "reuse": meter.reuses,
        "lastsess": -1 if meter.lastsess_s is None else int(now - meter.lastsess_s),
    }


def _answers(meter: Meter, *, with_own: bool) -> dict[str, object]:
    """A node's row has the node's answers only; the totals also those the load balancer made, as HAProxy counts."""
    other, *classes = meter.hrsp
    counts = {f"hrsp_{number}xx": count for number, count in enumerate(classes, start=1)}
    if with_own:
        counts["hrsp_5xx"] += meter.own_5xx
        counts["hrsp_4xx"] += meter.own_4xx
    return {**counts, "hrsp_other": other}


def _times(averages: Averages) -> dict[str, object]:
    return {
        "qtime": round(averages.queue_ms),
        "ctime": round(averages.connect_ms),
        "rtime": round(averages.response_ms),
        "ttime": round(averages.total_ms),
    }


def _own(meter: Meter) -> dict[str, object]:
    return {
        "own_answers": sum(meter.own.values()),
        "own_5xx": meter.own_5xx,
        "moved": meter.moved,
        "held": meter.held,
    }


def _sum(rows: Sequence[Row], name: str) -> int:
    return sum(int(str(row[name])) for row in rows)


def _field(value: object) -> str:
    """A field as RFC 4180 writes it; HAProxy quotes where it must, too."""
    if value is None:
        return ""
    text = str(value).replace("\r", " ").replace("\n", " ")
    return '"' + text.replace('"', '""') + '"' if any(char in text for char in ',"') else text
