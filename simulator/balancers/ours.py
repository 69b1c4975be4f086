"""The project's own load balancer, ``zdu lb``, as a process."""

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
from yarl import URL

from lb.config import BOUND_NODE_GONE, BalancerConfig
from simulator.balancers.audit import Inquiry, tell
from simulator.balancers.balancer import BALANCER, BalancerFailed, Place, Report, Started
from simulator.balancers.settings import Health, Logged
from simulator.config_files import as_yaml
from zdu.durations import format_duration
from zdu.events import BalancerAudited

HEALTH_KEYS = {"inter", "timeout", "rise", "fall", "expect_state"}
"""What a scenario says in the very words of the load balancer's configuration."""
LOOPBACK = ["127.0.0.0/8", "::1/128"]
TRY_AGAIN_S = 0.2
LONG_POLL_MS = 2000
ANSWER_WITHIN_S = 5.0


class OwnBalancer:
    """Started from a configuration file, watched through its journal, audited by its access log."""

    heeds_nodes = True

    def __init__(self, place: Place) -> None:
        self.has_administrator = not place.health.tells_state
        self._place = place
        self._access_log = place.folder.logs / f"{BALANCER}-access.jsonl"
        self._http: aiohttp.ClientSession | None = None
        self._lives = 0
        self._nofailover = False
        self.url = ""
        self.admin_url = ""

    async def start(self) -> Started:
        """As an administrator starts it; the next time at the ports that it had. Raises StartFailed or UsageError."""
        log = self._place.folder.logs / f"{BALANCER}.log"
        command = ["lb", "--config", str(self._write_config()), "--exit-with-parent"]
        child = await self._place.supervisor.start(BALANCER, command, log)
        self.url = child.ready["url"]
        await self.serves_at(child.ready["admin_url"])
        return Started(child.pid, self.url, f"logs/{log.name}")

    async def serves_at(self, admin_url: str) -> None:
        """Another life of its process begins: its operators find it there, and its journal begins anew."""
        before, self.admin_url = self._http, admin_url
        within_s = LONG_POLL_MS / 1000 + ANSWER_WITHIN_S
        self._http = aiohttp.ClientSession(base_url=admin_url, timeout=aiohttp.ClientTimeout(total=within_s))
        self._lives += 1
        if before:
            await before.close()

    async def follow(self, report: Report) -> None:
        """Read its journal on, missing nothing; that of a process that was started anew from its beginning."""
        after = life = 0
        while True:
            if life != self._lives:
                after, life = 0, self._lives
            try:
                events = await self._get_json("/events", after=after, wait_ms=LONG_POLL_MS)
            except (aiohttp.ClientError, TimeoutError):
                await asyncio.sleep(TRY_AGAIN_S)
                continue
            for event in events["events"] if life == self._lives else ():
                report(event)
                after = event["seq"]

    async def take_out(self, node_id: str, *, deadline_s: float) -> None:
        """Drain with a deadline, or without one MAINT at once: requests wait if nobody else serves.

        Raises BalancerFailed.
        """
        wish = {"state": "drain", "deadline": format_duration(deadline_s)} if deadline_s else {"state": "maint"}
        await self._set_state(node_id, wish)

    async def put_back(self, node_id: str) -> None:
        """READY again. Raises BalancerFailed."""
        await self._set_state(node_id, {"state": "ready"})

    async def set_nofailover(self, on: bool, /) -> None:
        """Write its configuration anew and have it read, as an administrator does. Raises BalancerFailed.

        A process that is started later finds it there, too.
        """
        self._nofailover = on
        self._write_config()
        try:
            async with self._session.post("/reload", json={}) as answer:
                answer.raise_for_status()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise BalancerFailed(f"the load balancer did not read its configuration again: {error}") from error

    async def refused_to_the_bound(self) -> int | None:
        """As its status tells."""
        status = await self.status()
        return int(status["frontend"]["own_answers"].get(BOUND_NODE_GONE, 0)) if status else None

    def audit(self, asked: Inquiry) -> BalancerAudited:
        """Its access log names every attempt."""
        return tell(read_log(self._access_log), asked, asked.since_start_s, who="the load balancer")

    async def status(self) -> dict[str, Any] | None:
        """Its status page's figures."""
        with suppress(aiohttp.ClientError, TimeoutError):
            status: dict[str, Any] = await self._get_json("/status.json")
            return status
        return None

    async def close(self) -> None:
        """Close the connections."""
        if self._http:
            await self._http.close()

    async def _set_state(self, node_id: str, wish: dict[str, str]) -> None:
        try:
            async with self._session.post(f"/nodes/{node_id}/state", json=wish) as answer:
                answer.raise_for_status()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise BalancerFailed(f"the load balancer did not set {node_id} to {wish['state']}: {error}") from error

    async def _get_json(self, path: str, **query: int) -> Any:
        async with self._session.get(path, params=query) as answer:
            answer.raise_for_status()
            return await answer.json()

    @property
    def _session(self) -> aiohttp.ClientSession:
        assert self._http is not None  # noqa: S101 - only once it is started
        return self._http

    def _write_config(self) -> Path:
        config = self._place.folder.path / "lb.yaml"
        config.write_text(as_yaml(self._config()), encoding="utf-8")
        return config

    def _config(self) -> BalancerConfig:
        part = self._place.part
        host, port = address_again(part.listen_address, self.url)
        admin_host, admin_port = address_again(part.admin_address, self.admin_url)
        nodes = [{"name": node.name, "host": node.host, "port": node.port} for node in self._place.nodes]
        return BalancerConfig.model_validate(
            {
                "host": host,
                "port": port,
                "admin_host": admin_host,
                "admin_port": admin_port,
                "nodes": [{**node, "slowstart": format_duration(part.slowstart)} for node in nodes],
                "balance": part.balance,
                "stickiness": {"mode": part.stickiness, "nofailover": self._nofailover},
                "timeouts": {"server_keep_alive": format_duration(part.server_keep_alive)},
                "queue": {"timeout": format_duration(part.queue_timeout)},
                "health": self._health(),
                "drain": {"enabled": part.drain, "deadline": format_duration(part.drain_deadline)},
                "log_file": str(self._place.folder.logs / f"{BALANCER}.log"),
                "access_log_file": str(self._access_log),
                "seed": self._place.seed,
                "trusted_proxies": LOOPBACK,  # whose requests carry their number in this run, for the log
            }
        )

    def _health(self) -> dict[str, Any]:
        part, health = self._place.part, self._place.health
        told: dict[str, Any] = part.model_dump(mode="json", include=HEALTH_KEYS)
        if health.tells_state:
            return told
        states = {"expect_state": "", "drain_states": [], "stopping_states": []}
        return {**told, **states, **self._asked(health)}

    @staticmethod
    def _asked(health: Health) -> dict[str, Any]:
        return {
            "path": health.path,
            "expect_status": health.status,
            "expect_body": re.escape(health.text),
            "drain_status": health.drain_status,
            "drain_body": re.escape(health.drain_text),
        }


def address_again(address: tuple[str, int], url: str) -> tuple[str, int]:
    """The address, with the port that it had in an earlier life of the process."""
    host, port = address
    return host, (port or URL(url).port or 0) if url else port


def read_log(path: Path) -> Iterator[Logged]:
    """Every request of the access log, at times of the monotonic clock. A log that is not there has none."""
    with suppress(FileNotFoundError), path.open(encoding="utf-8") as log:
        for line in filter(None, map(_parsed, log)):
            sent = tuple((attempt["node"], attempt["began_s"]) for attempt in line["attempts"])
            yield Logged(f"{line['method']} {line['target']}", sent, len(sent) > 1, line.get("request_id", ""))


def _parsed(line: str) -> dict[str, Any] | None:
    """A line of the log; None for one that was cut off."""
    try:
        parsed: dict[str, Any] = json.loads(line)
    except ValueError:
        return None
    return parsed
