"""What every product can do here; what it is told is the simulator's: ``simulator/balancers/settings.py``."""

import contextlib
import socket
import time
from typing import Protocol

from bench.common.errors import BenchError
from bench.common.processes import Child, Children, tail, wait_for_port
from simulator.balancers.settings import Admin, Node, Setup

__all__ = ["Admin", "Node", "Proxy", "Setup", "ask", "launch", "said", "settle", "start_proxy", "wait_until_bound"]


class Proxy(Protocol):
    """One product."""

    name: str
    program: str
    """The program that must be on the machine; empty if it comes with this project."""

    def command(self, setup: Setup) -> list[str]:
        """Write the configuration into the set-up's folder; how to start the product with it."""
        ...

    def can(self, admin: Admin) -> bool:
        """Whether it has such a state of a node at all."""
        ...

    def settle(self, setup: Setup) -> None:
        """Set the nodes' admin states, where that cannot be written into the configuration."""
        ...


def launch(children: Children, proxy: Proxy, setup: Setup, cores: set[int] | None = None) -> Child:
    """Start it; :func:`settle` waits until it serves."""
    setup.folder.mkdir(parents=True, exist_ok=True)
    return children.start(proxy.name, proxy.command(setup), setup.folder, cores)


def settle(child: Child, proxy: Proxy, setup: Setup) -> None:
    """Wait until it listens, then set what its configuration cannot say."""
    wait_for_port(child, setup.port)
    proxy.settle(setup)


def start_proxy(children: Children, proxy: Proxy, setup: Setup, cores: set[int] | None = None) -> Child:
    """Both."""
    child = launch(children, proxy, setup, cores)
    settle(child, proxy, setup)
    return child


def wait_until_bound(child: Child, setup: Setup, within_s: float = 20.0) -> None:
    """Until every node answers the requests whose cookie names it (it says its name in ``X-Node``)."""
    deadline_s = time.monotonic() + within_s
    for node in setup.nodes:
        while (found := ask(setup.port, f"ROUTEID=.{node.name}")) != (200, node.name):
            child.check()
            if time.monotonic() > deadline_s:
                raise BenchError(
                    f"{child.name}: a request bound to {node.name} still got {found} after {within_s:g} s:\n"
                    f"{said(child, setup)}"
                )
            time.sleep(0.1)


def said(child: Child, setup: Setup) -> str:
    """The end of what it printed and of its error log, whatever that is called."""
    logs = sorted(path for path in setup.folder.glob("*.log") if path != setup.access_log)
    return "\n".join(tail(path) for path in (child.output, *logs) if path.exists() and path.stat().st_size)


def ask(port: int, cookie: str, path: str = "/ready") -> tuple[int, str]:
    """Status and ``X-Node`` of one small request; (0, "") if there was no answer."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
    answer = b""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=3) as connection:
        connection.sendall(request.encode())
        while piece := connection.recv(65536):
            answer += piece
    head, *fields = answer.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    words = head.split(" ")
    names = [value.strip() for key, _, value in (field.partition(":") for field in fields) if key.lower() == "x-node"]
    return (int(words[1]) if len(words) > 1 and words[1].isdigit() else 0), (names[0] if names else "")
