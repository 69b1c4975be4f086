"""Clients that sent one request each, got their answer, and now keep their connections open.

Prints ``{"open": N}`` once all are there, and on SIGTERM how many of them the server had closed by then.
"""

import asyncio
import json
import signal
import sys

import uvloop

from bench.common.machine import raise_descriptor_limit
from bench.fixed_rate import browser_request

AT_ONCE = 100


class _Idle(asyncio.Protocol):
    """One of them."""

    def __init__(self) -> None:
        self.answered = asyncio.Event()
        self.ok = False
        self.open = True

    def data_received(self, data: bytes) -> None:
        self.ok = self.ok or data.startswith(b"HTTP/1.1 2")
        self.answered.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio passes it
        self.open = False
        self.answered.set()


async def _hold(port: int, count: int) -> None:
    loop = asyncio.get_running_loop()
    gate = asyncio.Semaphore(AT_ONCE)
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    held: list[_Idle] = []

    async def one(n: int) -> None:
        async with gate:
            transport, client = await loop.create_connection(_Idle, "127.0.0.1", port)
            held.append(client)
            transport.write(browser_request(port, n))
            async with asyncio.timeout(30):
                await client.answered.wait()

    failures = [
        error for error in await asyncio.gather(*(one(n) for n in range(count)), return_exceptions=True) if error
    ]
    good = sum(client.open and client.ok for client in held)
    print(
        json.dumps({"open": good, "failed": [f"{type(error).__name__}: {error}" for error in failures[:3]]}),
        flush=True,
    )
    await stop.wait()
    print(json.dumps({"closed": sum(not client.open for client in held)}), flush=True)


if __name__ == "__main__":
    raise_descriptor_limit()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_hold(int(sys.argv[1]), int(sys.argv[2])))
