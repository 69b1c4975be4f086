"""HAProxy with one thread, cookie insert, health checks, and a log line a request on standard output (a file)."""

import socket

from bench.common.machine import program
from bench.proxies.setup import Admin, Setup
from simulator.balancers.haproxy_config import SOCKET, configuration
from simulator.balancers.settings import BACKEND


class HAProxy:
    """From Debian's package, with its defaults unless the set-up says otherwise."""

    name = "HAProxy"
    program = "haproxy"
    extra = ""
    """More lines for the backend."""

    def command(self, setup: Setup) -> list[str]:
        """Client time-outs bound heads and bodies of requests, as elsewhere."""
        config = setup.folder / "haproxy.cfg"
        config.write_text(configuration(setup, self.extra))
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
                    runtime.connect(str(setup.folder / SOCKET))
                    runtime.sendall(f"set server {BACKEND}/{node.name} state drain\n".encode())
                    runtime.recv(4096)


class RetryingHAProxy(HAProxy):
    """The same with layer 7 retries and redispatch at the first failure."""

    name = "HAProxy L7 retry"
    extra = "    retry-on all-retryable-errors\n    option redispatch 1\n"
