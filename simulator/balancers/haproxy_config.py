"""HAProxy's configuration, and what its log says; pure. Words and defaults are those of HAProxy 2.6."""

from simulator.balancers.settings import BACKEND, COOKIE, Admin, Health, Logged, Setup

SOCKET = "haproxy.sock"
"""Of the Runtime API, in the folder it is started in: the whole path may be longer than a socket's may be."""
_FIELDS = "%[date(0,ms)] %TR %Tw %Ta %rc %s %[capture.req.hdr(0)]"
_REQUEST = "%{+Q}r"


def configuration(setup: Setup, extra: str = "") -> str:
    """One thread, cookie insert, checks that look for RUNNING; ``extra`` lines go into the backend."""
    servers = "\n".join(
        f"    server {node.name} {node.address} cookie .{node.name} check inter {_ms(setup.inter_s)}"
        f" rise {setup.rise} fall {setup.fall}{' disabled' if node.admin is Admin.MAINT else ''}"
        for node in setup.nodes
    )
    reuse = "    http-reuse always\n" if setup.tuned else ""
    return f"""\
global
    nbthread 1
    maxconn 4000
    log stdout format raw local0
    stats socket unix@{SOCKET} mode 600 level admin
defaults
    mode http
    log global
    log-format "{_FIELDS} {_REQUEST}"
    timeout connect 2s
    timeout client {_ms(setup.client_timeout_s)}
    timeout http-request {_ms(setup.client_timeout_s)}
    timeout http-keep-alive {_ms(setup.keep_alive_s)}
    timeout server {_ms(setup.server_timeout_s)}
    timeout queue {_ms(max(setup.queue_s, 0.001))}
    timeout tunnel 1h
frontend users
    bind {setup.listen}
    http-request capture req.hdr(X-Request-Id) len 64
    default_backend {BACKEND}
backend {BACKEND}
    balance roundrobin
{reuse}    option redispatch
    option httpchk GET {setup.health.path}
{_expectations(setup.health)}    option forwardfor
    cookie {COOKIE} insert indirect nocache httponly attr "SameSite=Lax"
{extra}{servers}
"""


def _expectations(health: Health) -> str:
    """One line for each thing that must be so; Jira's state stands in the body, whatever the status."""
    lines = [] if health.tells_state else [f"status {health.status}"]
    if health.text:
        words = health.text.replace("\\", "\\\\").replace(" ", "\\ ").replace("#", "\\#").replace('"', '\\"')
        lines.append(f"rstring {words}" if health.tells_state else f"string {words}")
    return "".join(f"    http-check expect {line}\n" for line in lines)


def read_line(line: str) -> Logged | None:
    """The last attempt of a request; None for a line that is none of a request's, or whose request met no node.

    The time is that at which the request stopped waiting for its node: the end less ``%Ta``, and the time until the
    head was there and a connection was free (``%TR``, ``%Tw``); -1 there means that it never came so far.
    """
    words = line.rstrip("\n").split(" ", 7)
    try:
        ended_ms, head_ms, waited_ms, active_ms, retries = (int(word.lstrip("+")) for word in words[:5])
        server, request_id, request = words[5:8]
    except ValueError:
        return None
    if server.startswith("<"):
        return None
    at_ms = ended_ms - max(active_ms, 0) + max(head_ms, 0) + max(waited_ms, 0)
    return Logged(_what(request), ((server, at_ms),), retries > 0, request_id)


def _what(request: str) -> str:
    return " ".join(request.strip('"').split(" ")[:2])


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f}ms"
