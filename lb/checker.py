"""Carries out the health checks: one task for each node, each check on a connection of its own.

A fresh connection is the point: a kept-alive one can go on working after the node has stopped accepting new ones.
"""

import asyncio
import os
from dataclasses import replace

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    DummyCookieJar,
    TCPConnector,
)
from yarl import URL

from lb.balancer import Balancer
from lb.config import NodeAddress
from lb.health import CheckResult, Outcome, classify
from zdu.clock import Entropy

MAX_BODY_BYTES = 64 * 1024
"""A longer answer to a check is cut here; then its state cannot be read and the check fails."""


class Checker:
    """Checks every node from its start until its task group ends."""

    def __init__(self, balancer: Balancer, entropy: Entropy) -> None:
        self._balancer = balancer
        self._config = balancer.config.health
        self._entropy = entropy

    def start(self, tasks: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """One task a node; the first check is made at once, the phase of the others is random."""
        return [
            tasks.create_task(self._watch(address), name=f"lb-check-{name}")
            for name, address in self._balancer.addresses.items()
        ]

    async def _watch(self, address: NodeAddress) -> None:
        health = self._balancer.health[address.name]
        async with self._open_session() as session:
            self._balancer.checked(address.name, await self.check(session, address))
            await asyncio.sleep(self._entropy.rng.uniform(0.0, health.next_check_in(self._entropy.rng)))
            while True:
                self._balancer.checked(address.name, await self.check(session, address))
                await asyncio.sleep(health.next_check_in(self._entropy.rng))

    async def check(self, session: ClientSession, address: NodeAddress) -> CheckResult:
        """One check, finished within the configured time-out whatever the node does."""
        began_s = self._balancer.now()
        host = f"[{address.host}]" if ":" in address.host else address.host
        url = URL(f"http://{host}:{address.port}{self._config.path}", encoded=True)
        result = await self._ask(session, url)
        return replace(result, duration_ms=round((self._balancer.now() - began_s) * 1000, 3))

    async def _ask(self, session: ClientSession, url: URL) -> CheckResult:
        status = 0
        try:
            async with asyncio.timeout(self._config.timeout), session.get(url, allow_redirects=False) as got:
                status = got.status
                body = await got.content.read(MAX_BODY_BYTES)
                while not got.content.at_eof() and len(body) < MAX_BODY_BYTES:
                    body += await got.content.read(MAX_BODY_BYTES - len(body))
        except ConnectionTimeoutError:
            return _failed("L4TOUT", f"no connection within {self._config.timeout:g} s")
        except TimeoutError:
            return _failed("L7TOUT", f"no answer within {self._config.timeout:g} s", status)
        except ClientConnectorError as error:
            return _failed("L4CON", (os.strerror(error.errno) if error.errno else str(error)).lower())
        except (ClientError, OSError) as error:
            return _failed("L7RSP", f"{type(error).__name__}: {error}", status)
        return classify(status, body, self._config, heed_drain=self._balancer.config.drain.enabled)

    def _open_session(self) -> ClientSession:
        return ClientSession(
            connector=TCPConnector(limit=0, force_close=True),
            cookie_jar=DummyCookieJar(),
            timeout=ClientTimeout(total=None, sock_connect=self._config.timeout * _CONNECT_SHARE),
            headers={"User-Agent": "zdu-lb", "Accept": "application/json"},
        )


_CONNECT_SHARE = 0.9
"""The share of a check's time in which the connection must stand, so that L4TOUT can be told from L7TOUT."""


def _failed(check_status: str, detail: str, code: int = 0) -> CheckResult:
    return CheckResult(Outcome.FAIL, check_status, detail, code)
