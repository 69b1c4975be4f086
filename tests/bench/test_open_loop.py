"""The generator that sends whatever the server does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench.common.open_loop import OpenLoop

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@asynccontextmanager
async def server(answer: bytes, pause_at: int = 0, pause_s: float = 0) -> AsyncIterator[int]:
    """Answers every request; the ``pause_at``-th makes the whole server stand still for a while."""
    count = 0
    free = asyncio.Event()
    free.set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                count += 1
                if count == pause_at:
                    free.clear()
                    asyncio.get_running_loop().call_later(pause_s, free.set)
                await free.wait()
                writer.write(answer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()


async def test_everything_that_was_intended_is_sent_and_answered() -> None:
    async with server(ANSWER) as port:
        found = await OpenLoop(port, 100, 1, lambda _: REQUEST, connections=4).run()
    assert (found.intended, found.sent, found.answered, found.complaint()) == (100, 100, 100, "")
    assert len(found.latencies_ms) == 100
    assert found.latencies_ms == sorted(found.latencies_ms)


async def test_a_pause_is_paid_by_every_request_that_was_due_in_it() -> None:
    async with server(ANSWER, pause_at=20, pause_s=0.5) as port:
        found = await OpenLoop(port, 100, 1, lambda _: REQUEST, connections=4).run()
    assert found.valid, found.complaint()
    # 50 requests were due while the server stood still; those due in its first half waited for at least the second.
    assert sum(latency >= 240 for latency in found.latencies_ms) >= 20


async def test_an_answer_that_is_not_2xx_makes_the_run_invalid() -> None:
    async with server(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n") as port:
        found = await OpenLoop(port, 50, 0.2, lambda _: REQUEST, connections=2).run()
    assert found.bad_status == 10
    assert "10 not with 2xx" in found.complaint()


async def test_a_server_that_is_not_there_makes_the_run_invalid() -> None:
    async with server(ANSWER) as port:
        pass
    found = await OpenLoop(port, 50, 0.1, lambda _: REQUEST, connections=2).run()
    assert found.answered == 0
    assert not found.valid
