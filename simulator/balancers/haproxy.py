"""HAProxy: drained and watched through its Runtime API, a unix socket in the run's folder."""

import asyncio
import csv
import os
import signal
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from simulator.balancers.balancer import BalancerFailed
from simulator.balancers.foreign import ForeignBalancer
from simulator.balancers.haproxy_config import SOCKET, configuration, read_line
from simulator.balancers.looks import NOT_CHECKED_YET, Look
from simulator.balancers.programs import program
from simulator.balancers.settings import BACKEND, Admin, Logged


class HAProxy(ForeignBalancer):
    """Debian's ``haproxy``."""

    title = "HAProxy"
    stop_signal = signal.SIGUSR1  # a soft stop, which ends with 0; SIGTERM ends it with 143
    untold = "HAProxy's log names the last attempt of each request only: one before it is not ruled out"

    def command(self) -> list[str]:
        """``-db``: in the foreground. It is started in its folder, to which the socket's path is relative."""
        config = self._setup.folder / "haproxy.cfg"
        config.write_text(configuration(self._setup), encoding="utf-8")
        return [program("haproxy"), "-db", "-f", config.name]

    async def look(self) -> Mapping[str, Look]:
        """``show stat``."""
        rows = csv.DictReader((await self._ask("show stat")).removeprefix("# ").splitlines())
        servers = {row["svname"]: row for row in rows if row["pxname"] == BACKEND}
        looks = {name: read_row(servers[name]) for name in self._admin if name in servers}
        if not looks:
            raise BalancerFailed("HAProxy's statistics name none of the nodes")
        return looks

    async def set_state(self, node_id: str, admin: Admin) -> None:
        """``set server … state``; its answer is empty if all is well."""
        said = (await self._ask(f"set server {BACKEND}/{node_id} state {admin}")).strip()
        if said:
            raise BalancerFailed(f"HAProxy did not set {node_id} to {admin}: {said}")

    def requests(self, lines: Iterable[str]) -> Iterator[Logged]:
        """Its log goes to its standard output, with other news between."""
        return filter(None, map(read_line, lines))

    def _output(self) -> Path:
        return self._setup.access_log

    async def _ask(self, command: str) -> str:
        # The folder's path may be longer than a socket's may be (unix(7)); a descriptor's is short.
        folder = os.open(self._setup.folder, os.O_PATH)
        try:
            reader, writer = await asyncio.open_unix_connection(f"/proc/self/fd/{folder}/{SOCKET}")
        finally:
            os.close(folder)
        try:
            writer.write(f"{command}\n".encode())
            return (await reader.read()).decode()
        finally:
            writer.close()


def read_row(row: Mapping[str, str]) -> Look:
    """A server's line of the statistics: status is UP, DOWN, ``UP 1/3``, ``DOWN 1/2``, MAINT, DRAIN or NOLB."""
    status = row["status"].partition(" ")[0]
    admin = status if status in {"MAINT", "DRAIN"} else "READY"
    unchecked = row.get("check_status", "") == "INI"
    operational = NOT_CHECKED_YET if unchecked else "UP" if status in {"UP", "DRAIN"} else "DOWN"
    reason = " ".join(filter(None, (row.get("check_status", ""), row.get("check_code", ""))))
    return Look(admin, operational, operational == "UP", int(row["scur"] or 0), reason)
