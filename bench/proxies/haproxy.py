"""HAProxy with one thread, cookie insert, health checks, and a log line a request on standard output (a file)."""

import socket

from bench.common.machine import program
from bench.proxies.setup import Admin, Setup


class HAProxy:
    """From Debian's package, with its defaults unless the set-up says otherwise."""

    name = "HAProxy"
    program = "haproxy"
    extra = ""
    """More lines for the backend."""

    def command(self, setup: Setup) -> list[str]:
        """Client time-outs bound heads and bodies of requests, as elsewhere."""
        ms = {key: f"{value * 1000:.0f}ms" for key, value in {
            "client": setup.client_timeout_s, "server": setup.server_timeout_s,
            "keep": setup.keep_alive_s, "queue": max(setup.queue_s, 0.001), "inter": setup.inter_s,
        }.items()}  # fmt: skip
        servers = "\n".join(
            f"    server {node.name} 127.0.0.1:{node.port} cookie .{node.name} check inter {ms['inter']}"
            f"{' disabled' if node.admin is Admin.MAINT else ''}"
            for node in setup.nodes
        )
        config = setup.folder / "haproxy.cfg"
        config.write_text(f"""\
global
    nbthread 1
    maxconn 4000
    log stdout format raw local0
    stats socket {setup.folder}/haproxy.sock mode 600 level admin
defaults
    mode http
    log global
    option httplog
    timeout connect 2s
    timeout client {ms["client"]}
    timeout http-request {ms["client"]}
    timeout http-keep-alive {ms["keep"]}
    timeout server {ms["server"]}
    timeout queue {ms["queue"]}
    timeout tunnel 1h
frontend users
    bind 127.0.0.1:{setup.port}
    default_backend jira
backend jira
    balance roundrobin
    http-reuse always
    option redispatch
    option httpchk GET /status
    http-check expect rstring RUNNING
    option forwardfor
    cookie ROUTEID insert indirect nocache httponly attr "SameSite=Lax"
{self.extra}{servers}
""")
        # Its log goes where its standard output goes; a file of that name is what the harness looks at.
        log = setup.access_log
        return ["sh", "-c", f'exec "{program(self.program)}" -db -f "{config}" >>"{log}"']

    def can(self, admin: Admin) -> bool:
        """All of them."""
        return admin in Admin

    def settle(self, setup: Setup) -> None:
        """MAINT is in the configuration; DRAIN is set through the runtime API."""
        for node in setup.nodes:
            if node.admin is Admin.DRAIN:
                with socket.socket(socket.AF_UNIX) as runtime:
                    runtime.settimeout(5)
                    runtime.connect(str(setup.folder / "haproxy.sock"))
                    runtime.sendall(f"set server jira/{node.name} state drain\n".encode())
                    runtime.recv(4096)


class RetryingHAProxy(HAProxy):
    """The same with layer 7 retries and redispatch at the first failure."""

    name = "HAProxy L7 retry"
    extra = "    retry-on all-retryable-errors\n    option redispatch 1\n"
