"""One process that is many nodes: it listens on many ports and says RUNNING on each.

Prints as JSON on SIGTERM how often it was asked.
"""

import asyncio
import json
import signal
import sys

import uvloop

STATE = b'{"state":"RUNNING"}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(STATE), STATE)


async def _serve(ports: list[int]) -> None:
    asked = 0

    class Node(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport: asyncio.Transport = transport  # type: ignore[assignment]  # asyncio gives more than it says

        def data_received(self, data: bytes) -> None:
            nonlocal asked
            heads = data.count(b"\r\n\r\n")
            asked += heads
            self.transport.write(ANSWER * heads)

    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    for port in ports:
        await loop.create_server(Node, "127.0.0.1", port)
    await stop.wait()
    print(json.dumps({"asked": asked}), flush=True)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve([int(word) for word in sys.argv[1:]]))
