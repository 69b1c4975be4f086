"""Carries out the health checks: one task for each node, each check on a connection of its own.

A fresh connection is the point: a kept-alive one can go on working after the node has stopped accepting new ones.
What an answer means is for :mod:`lb.health` to say. Here it is only fetched, in HTTP/1.1 with ``Connection: close``,
and whatever the node does that is over within ``timeout`` and keeps no more than two times 64 KiB.
"""

import asyncio
import errno
import math
import os
from dataclasses import dataclass, replace
from typing import cast

from lb.balancer import Balancer
from lb.config import HealthConfig, Limits, NodeAddress
from lb.health import CheckResult, NodeHealth, Outcome, classify
from lb.http.chunked import BadChunkError, ChunkedBody
from lb.http.response import CHUNKED, UNTIL_CLOSE, BadResponseError, ResponseHead, ResponseScanner
from zdu.clock import Entropy

MAX_BYTES = 64 * 1024
"""A longer body is cut here; then its state cannot be read and the check fails. A longer head is no answer."""


@dataclass
class _Watch:
    """The checking of one node; ``due_s`` is the event loop's time."""

    address: NodeAddress
    health: NodeHealth
    task: asyncio.Task[None] | None = None
    due_s: float = 0.0
    due: asyncio.Future[None] | None = None
    timer: asyncio.TimerHandle | None = None
    hurried: bool = False


class Checker:
    """Checks every node from its start until the task that :meth:`start` returns is cancelled."""

    def __init__(self, balancer: Balancer, entropy: Entropy) -> None:
        self._balancer = balancer
        self._entropy = entropy
        self._scanner = ResponseScanner(Limits(header_bytes=MAX_BYTES))
        self._watches: dict[str, _Watch] = {}
        self._group: asyncio.TaskGroup | None = None

    def __repr__(self) -> str:
        return f"<Checker {', '.join(self._watches)}>"

    def start(self, tasks: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """The one task to cancel in the end. A node's first check is made at once, the phase of the others random."""
        return [tasks.create_task(self._run(), name="lb-checks")]

    def sync(self) -> None:
        """Check the nodes that the balancer has now: new ones at once, those that are gone no more.

        To be called whenever the balancer was reconfigured; before the start, and after the end, it does nothing. A
        node whose address changed, or of which the balancer wants to know everything anew, is a new one.
        """
        if self._group is None:
            return
        wanted = self._balancer.addresses
        for name, watch in list(self._watches.items()):
            address = wanted.get(name)
            same_place = address is not None and _place(address) == _place(watch.address)
            if not same_place or self._balancer.health[name] is not watch.health:
                watch.health.on_hurry(lambda: None)
                if watch.task is not None:
                    watch.task.cancel()
                del self._watches[name]
        for name, address in wanted.items():
            if name not in self._watches:
                watch = self._watches[name] = _Watch(address, self._balancer.health[name])
                watch.task = self._group.create_task(self._keep_checking(watch), name=f"lb-check-{name}")

    async def check(self, address: NodeAddress) -> CheckResult:
        """One check, finished within the configured time-out whatever the node does."""
        config = self._balancer.config.health
        began_s = self._balancer.now()
        result = await self._ask(address, config)
        return replace(result, duration_ms=round((self._balancer.now() - began_s) * 1000, 3))

    async def _run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                self.sync()
                await asyncio.get_running_loop().create_future()
        finally:
            self._group = None
            self._watches.clear()

    async def _keep_checking(self, watch: _Watch) -> None:
        rng, name = self._entropy.rng, watch.address.name
        watch.health.on_hurry(lambda: self._hurry(watch))
        self._balancer.checked(name, await self.check(watch.address))
        await self._pause(watch, rng.uniform(0.0, watch.health.next_check_in(rng)))
        while True:
            watch.hurried = False
            self._balancer.checked(name, await self.check(watch.address))
            await self._pause(watch, watch.health.next_check_in(rng))

    async def _pause(self, watch: _Watch, seconds: float) -> None:
        """Until the next check is due, or sooner if something is amiss with the node."""
        loop = asyncio.get_running_loop()
        watch.due = loop.create_future()
        watch.due_s = in_step(loop.time() + seconds, seconds)
        watch.timer = loop.call_at(watch.due_s, _come, watch.due)
        if watch.hurried:  # during the check that was just made, which may have begun before
            self._hurry(watch)
        try:
            await watch.due
        finally:
            watch.timer.cancel()
            watch.due = watch.timer = None

    def _hurry(self, watch: _Watch) -> None:
        watch.hurried = True
        if watch.due is None or watch.timer is None:
            return
        loop = watch.due.get_loop()
        due_s = loop.time() + watch.health.fast_check_in(self._entropy.rng)
        if due_s < watch.due_s:
            watch.timer.cancel()
            watch.due_s, watch.timer = due_s, loop.call_at(due_s, _come, watch.due)

    async def _ask(self, address: NodeAddress, config: HealthConfig) -> CheckResult:
        loop = asyncio.get_running_loop()
        answer = _Answer(loop, self._scanner, _request(address, config))
        try:
            async with asyncio.timeout(config.timeout):
                await loop.create_connection(lambda: answer, address.host, address.port)
                status, body = await answer.whole
        except TimeoutError:
            if answer.transport is None:
                return _failed("L4TOUT", f"no connection within {config.timeout:g} s")
            return _failed("L7TOUT", f"no answer within {config.timeout:g} s", answer.status)
        except _NoAnswerError as error:
            return _failed("L7RSP", str(error), answer.status)
        except OSError as error:
            return _failed("SOCKERR" if error.errno in _OURS else "L4CON", _in_words(error))
        finally:
            answer.end()
        return classify(status, body, config, heed_drain=self._balancer.config.drain.enabled)


class _NoAnswerError(Exception):
    """What came is no HTTP response, or not a whole one."""


class _Answer(asyncio.Protocol):
    """Sends the request as soon as the connection stands and reads the response; ``whole`` is its status and body."""

    def __init__(self, loop: asyncio.AbstractEventLoop, scanner: ResponseScanner, request: bytes) -> None:
        self.whole: asyncio.Future[tuple[int, bytes]] = loop.create_future()
        self.transport: asyncio.Transport | None = None
        self.status = 0
        self._scanner = scanner
        self._request = request
        self._head = bytearray()
        self._response: ResponseHead | None = None
        self._chunks: ChunkedBody | None = None
        self._body = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop does not inherit from it
        if self.whole.done():  # it took too long
            self.transport.abort()
        else:
            self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """A piece of the answer."""
        if self.whole.done():
            return
        try:
            self._take(data)
        except (BadResponseError, BadChunkError) as error:
            self._fail(str(error))

    def connection_lost(self, exc: Exception | None) -> None:
        """The end, which only for some answers is a good one."""
        if self.whole.done():
            return
        if self._response is not None and self._response.length == UNTIL_CLOSE and exc is None:
            self.whole.set_result((self.status, bytes(self._body)))
        elif self._response is not None:
            self._fail("the connection was closed before the answer was complete")
        elif self._head:
            self._fail("the connection was closed within the answer's head")
        else:
            self._fail("the connection was closed without an answer")

    def end(self) -> None:
        """Whatever there is of the connection is not needed any more."""
        if not self.whole.cancel() and not self.whole.cancelled():
            self.whole.exception()  # perhaps nobody asked, and asyncio complains of that
        if self.transport is not None:
            self.transport.abort()

    def _take(self, data: bytes) -> None:
        while self._response is None:
            seen = max(0, len(self._head) - 3)
            self._head += data
            end = self._head.find(b"\r\n\r\n", seen)
            if end < 0:
                if len(self._head) > MAX_BYTES:
                    raise BadResponseError("the answer's head does not end")
                if not b"HTTP/1.".startswith(self._head[:7]):
                    raise BadResponseError("the answer is not HTTP")
                return
            head, data = bytes(self._head[:end]), bytes(self._head[end + 4 :])
            self._head.clear()
            response = self._scanner.scan(head, b"GET")
            if response.status >= 200 or response.status == 101:  # others are not the answer yet
                self._response, self.status = response, response.status
        length = self._response.length
        if length == CHUNKED:
            self._chunks = self._chunks or ChunkedBody(MAX_BYTES)
            self._body += b"".join(self._chunks.feed(data))
            complete = self._chunks.complete
        else:
            self._body += data if length == UNTIL_CLOSE else data[: length - len(self._body)]
            complete = len(self._body) == length
        if complete or len(self._body) >= MAX_BYTES:
            self.whole.set_result((self.status, bytes(self._body[:MAX_BYTES])))

    def _fail(self, why: str) -> None:
        self.whole.set_exception(_NoAnswerError(why))


_OURS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL})
"""What this machine is short of, and no fault of the node: HAProxy's SOCKERR."""


def _request(address: NodeAddress, config: HealthConfig) -> bytes:
    host = f"[{address.host}]" if ":" in address.host else address.host
    return (
        f"GET {config.path} HTTP/1.1\r\nHost: {host}:{address.port}\r\nUser-Agent: zdu-lb\r\n"
        "Accept: application/json\r\nConnection: close\r\n\r\n"
    ).encode()


def in_step(due_s: float, seconds: float) -> float:
    """``due_s``, moved by at most a sixteenth of the ``seconds`` until then, to a stroke of a common clock.

    Checks of several nodes so begin together: a process that wakes up for each one by itself spends more on waking up
    than on checking. The strokes are powers of two apart, so that those of a slow clock are also those of a fast one.
    """
    if seconds <= 0:
        return due_s
    stroke_s = 2.0 ** min(math.floor(math.log2(seconds / 8)), _SLOWEST)
    return round(due_s / stroke_s) * stroke_s


_SLOWEST = -3
"""The strokes are an eighth of a second apart at the most."""


def _come(due: asyncio.Future[None]) -> None:
    if not due.done():
        due.set_result(None)


def _place(address: NodeAddress) -> tuple[str, int]:
    return address.host, address.port


def _in_words(error: OSError) -> str:
    """The system's words: ``connection refused``. Those of a name that cannot be resolved are not by number."""
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno).lower()
    return (error.strerror or str(error)).lower()


def _failed(check_status: str, detail: str, code: int = 0) -> CheckResult:
    return CheckResult(Outcome.FAIL, check_status, detail, code)
