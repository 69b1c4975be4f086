"""Hosts that are network namespaces: each has an address of its own and reaches the others only over the network.

The bridge that joins them is in a namespace too, so nothing of the machine's own network is touched, and nothing from
outside can reach them. A namespace that a killed run has left behind is removed by the next one.
"""

import ctypes
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

NETWORK = "10.77.0"
NAMESPACES = Path("/run/netns")
_PREFIX = "zdu"
_OURS = re.compile(rf"{_PREFIX}-(\d+)-\w+")


class CannotMakeHosts(Exception):
    """The machine, or the user, cannot make network namespaces; the message says why."""


class Hosts:
    """The hosts of one run, by name. Addresses are given in the order of the names."""

    def __init__(self, names: Sequence[str]) -> None:
        self._addresses = {name: f"{NETWORK}.{number}" for number, name in enumerate(names, start=10)}

    def address(self, host: str) -> str:
        """The host's IPv4 address."""
        return self._addresses[host]

    def command(self, host: str) -> list[str]:
        """What to put before a command so that it runs on ``host``."""
        return ["nsenter", f"--net={NAMESPACES / _namespace(host)}"]

    def move_to(self, host: str) -> None:
        """Move this very process there, before it has any thread or socket: to be a client among the hosts."""
        with (NAMESPACES / _namespace(host)).open() as namespace:
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.setns(namespace.fileno(), 0):
                raise CannotMakeHosts(f"setns: {os.strerror(ctypes.get_errno())}")

    def cut(self, host: str, other: str) -> None:
        """Let nothing through between the two: packets vanish, as with a broken switch, and nobody is told."""
        self._route("add", host, other)
        self._route("add", other, host)

    def mend(self, host: str, other: str) -> None:
        """Let packets through again."""
        self._route("del", host, other)
        self._route("del", other, host)

    def _route(self, verb: str, host: str, other: str) -> None:
        _ip("-n", _namespace(host), "route", verb, "blackhole", f"{self.address(other)}/32")

    @contextmanager
    def made(self) -> Iterator["Hosts"]:
        """The hosts for as long as the block runs. Raises CannotMakeHosts."""
        _remove_strays()
        hub = _namespace("hub")
        try:
            _ip("netns", "add", hub)
            _ip("-n", hub, "link", "add", "bridge", "type", "bridge")
            _ip("-n", hub, "link", "set", "bridge", "up")
            for number, (host, address) in enumerate(self._addresses.items()):
                self._join(host, address, hub, f"port{number}")
            yield self
        finally:
            _remove([_namespace(host) for host in (*self._addresses, "hub")])

    def _join(self, host: str, address: str, hub: str, port: str) -> None:
        name = _namespace(host)
        _ip("netns", "add", name)
        _ip("-n", hub, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", name)
        _ip("-n", hub, "link", "set", port, "master", "bridge", "up")
        _ip("-n", name, "address", "add", f"{address}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            _ip("-n", name, "link", "set", device, "up")


def _namespace(host: str) -> str:
    return f"{_PREFIX}-{os.getpid()}-{host}"


def _ip(*words: str) -> None:
    try:
        subprocess.run(["ip", *words], check=True, capture_output=True, text=True, timeout=10)
    except FileNotFoundError:
        raise CannotMakeHosts("the program ip is missing: apt-get install iproute2") from None
    except subprocess.CalledProcessError as error:
        raise CannotMakeHosts(f"ip {' '.join(words)}: {error.stderr.strip()}") from None


def _remove_strays() -> None:
    """What a run that was killed has left: its process is gone, or has become another program."""
    if not NAMESPACES.is_dir():
        return
    strays = [found for path in NAMESPACES.iterdir() if (found := _OURS.fullmatch(path.name))]
    _remove([found[0] for found in strays if not Path(f"/proc/{found[1]}").exists()])


def _remove(namespaces: Sequence[str]) -> None:
    for name in namespaces:
        subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True, timeout=10)
