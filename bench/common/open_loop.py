"""Load at a fixed rate, whatever the server does: latency counts from the moment a request was due to be sent.

A closed loop (wrk) sends nothing while it waits, so a pause of the server hides most of the requests that it would
have delayed. Here request ``n`` is due at ``start + n / rate`` and its latency counts from then, also while it waits
for a connection. The ticks come from a timer of the kernel (timerfd) and the time from the clock itself: uvloop's own
timers and ``loop.time()`` know whole milliseconds only.
"""

import asyncio
import ctypes
import gc
import os
import struct
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from bench.common.errors import BenchError
from bench.common.tables import percentile

TICK_S = 0.0002
_CLOCK_MONOTONIC, _TFD_NONBLOCK = 1, 0o4000
_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass
class OpenLoopResult:
    """What came of one run."""

    intended: int
    sent: int = 0
    answered: int = 0
    bad_status: int = 0
    socket_errors: int = 0
    connections: int = 0
    latencies_ms: list[float] = field(default_factory=list)
    """From the intended time of sending to the end of the response, sorted."""
    lateness_ms: list[float] = field(default_factory=list)
    """From the intended to the real time of sending, sorted."""

    @property
    def valid(self) -> bool:
        """Whether all that was intended was sent, and all that was sent was answered with 2xx."""
        return self.intended == self.sent == self.answered and not self.bad_status and not self.socket_errors

    def quantile_ms(self, share: float) -> float:
        """A percentile of the latency."""
        return percentile(self.latencies_ms, share)

    def complaint(self) -> str:
        """Why the run is not valid; empty if it is."""
        if self.valid:
            return ""
        return (
            f"of {self.intended} requests {self.sent} were sent and {self.answered} answered, "
            f"{self.bad_status} not with 2xx, {self.socket_errors} connections broke"
        )


class _Client(asyncio.Protocol):
    """One kept-alive connection with at most one request on it."""

    def __init__(self, run: "OpenLoop") -> None:
        self._run = run
        self._buffer = bytearray()
        self._missing = 0
        self.due_s: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]  # asyncio gives more than it says

    def send(self, due_s: float, request: bytes) -> None:
        self.due_s = due_s
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        if self._missing:  # in the middle of a body
            self._missing -= len(data)
        else:
            self._buffer += data
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            self._missing = self._body_bytes(bytes(self._buffer[:end])) - (len(self._buffer) - end - 4)
        if self._missing < 0:
            self.transport.abort()
        elif not self._missing:
            self._buffer.clear()
            due_s, self.due_s = self.due_s, None
            if due_s is not None:
                self._run.answered(self, due_s)

    def _body_bytes(self, head: bytes) -> int:
        if not head.startswith((b"HTTP/1.1 2", b"HTTP/1.0 2")):
            self._run.result.bad_status += 1
        at = head.lower().find(b"\r\ncontent-length:")
        if at < 0:
            self.transport.abort()
            return 0
        return int(head[at + 17 :].split(b"\r\n", 1)[0])

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio passes it
        self._run.lost(self)


class OpenLoop:
    """Sends ``request(n)`` at ``rate`` per second over kept-alive connections, more of them if all are busy."""

    def __init__(self, port: int, rate: float, seconds: float, request: Callable[[int], bytes],
                 connections: int = 64, most_connections: int = 1024) -> None:  # fmt: skip
        self.result = OpenLoopResult(intended=round(rate * seconds))
        self._port, self._rate, self._request = port, rate, request
        self._first, self._most = connections, most_connections
        self._idle: deque[_Client] = deque()
        self._waiting: deque[float] = deque()
        self._open = 0
        self._due = 0
        self._done = asyncio.Event()
        self._opening: set[asyncio.Task[None]] = set()

    async def run(self) -> OpenLoopResult:
        """Until everything is answered, or two seconds after the last request was due."""
        self._loop = asyncio.get_running_loop()
        await asyncio.gather(*(self._connect() for _ in range(self._first)))
        gc.collect()
        gc.disable()
        timer = _periodic_timer(TICK_S)
        try:
            self._start_s = time.monotonic() + 0.05
            self._loop.add_reader(timer, self._tick, timer)
            async with asyncio.timeout(self.result.intended / self._rate + 2.05):
                await self._done.wait()
        except TimeoutError:
            pass
        finally:
            self._loop.remove_reader(timer)
            os.close(timer)
            gc.enable()
            for task in self._opening:
                task.cancel()
            for client in self._idle:
                client.transport.abort()
        self.result.latencies_ms.sort()
        self.result.lateness_ms.sort()
        return self.result

    def _tick(self, timer: int) -> None:
        os.read(timer, 8)
        now_s = time.monotonic()
        due = min(self.result.intended, int((now_s - self._start_s) * self._rate) + 1) if now_s > self._start_s else 0
        while self._due < due:
            self._waiting.append(self._start_s + self._due / self._rate)
            self._due += 1
        self._send_waiting()

    def _send_waiting(self) -> None:
        while self._waiting:
            if not self._idle:
                if self._open < self._most:
                    task = self._loop.create_task(self._connect_one_more())
                    self._opening.add(task)
                    task.add_done_callback(self._opening.discard)
                return
            due_s = self._waiting.popleft()
            client = self._idle.popleft()  # the one that has been idle for longest: all of them are in use
            self.result.lateness_ms.append((time.monotonic() - due_s) * 1000)
            client.send(due_s, self._request(self.result.sent))
            self.result.sent += 1

    async def _connect(self) -> None:
        self._open += 1
        try:
            _, client = await self._loop.create_connection(lambda: _Client(self), "127.0.0.1", self._port)
        except OSError:
            self._open -= 1
            self.result.socket_errors += 1
            return
        self.result.connections += 1
        self._idle.append(client)

    async def _connect_one_more(self) -> None:
        await self._connect()
        self._send_waiting()

    def answered(self, client: _Client, due_s: float) -> None:
        """A response is complete."""
        self.result.latencies_ms.append((time.monotonic() - due_s) * 1000)
        self.result.answered += 1
        self._idle.append(client)
        if self._waiting:
            self._send_waiting()
        if self.result.answered == self.result.intended:
            self._done.set()

    def lost(self, client: _Client) -> None:
        """A connection ended; with a request on it, that is an error."""
        self._open -= 1
        if client in self._idle:
            self._idle.remove(client)
        if client.due_s is not None:
            self.result.socket_errors += 1


def _periodic_timer(period_s: float) -> int:
    """A descriptor that becomes readable every ``period_s`` (timerfd; Python has it from 3.13 on)."""
    timer = int(_LIBC.timerfd_create(_CLOCK_MONOTONIC, _TFD_NONBLOCK))
    spec = struct.pack("qqqq", 0, round(period_s * 1e9), 0, round(period_s * 1e9))
    if timer < 0 or _LIBC.timerfd_settime(timer, 0, spec, None) < 0:
        raise BenchError(f"no timer: {os.strerror(ctypes.get_errno())}")
    return timer
