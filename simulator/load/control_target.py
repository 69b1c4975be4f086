"""``zdu control-target``: the smallest HTTP server there can be, in a process of its own, for the control probe.

It has nothing to do with the cluster: no database, no load balancer, no work. Whatever keeps *its* answers waiting is
the machine, so an outage of the cluster at the same moment proves nothing against the cluster. OpenShift's disruption
monitor has such a control backend for the same reason.
"""

import asyncio

import click

from zdu.process import Shutdown, announce_ready, run_process

CONTROL = "control"
"""The name of its process, and what it answers."""
_HOST = "127.0.0.1"
_BODY = b"control\n"
_ANSWER = (
    b"HTTP/1.1 200 OK\r\nX-ANODEID: control\r\nContent-Type: text/plain\r\n"
    b"Cache-Control: no-store\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(_BODY), _BODY)
)
_MOST_HEAD_BYTES = 16 * 1024
_IDLE_S = 10.0


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Where it listens; 0 takes any free port.")
@click.option("--exit-with-parent", is_flag=True, help="Stop when standard input closes: leave no orphan behind.")
def control_target(port: int, exit_with_parent: bool) -> int:
    """Serve what the control probe asks, to tell trouble of the machine from outages. zdu run starts it by itself."""
    return run_process(lambda shutdown: _serve(port, shutdown), exit_with_parent=exit_with_parent)


async def _serve(port: int, shutdown: Shutdown) -> int:
    server = await asyncio.start_server(_answer, _HOST, port, backlog=1024, limit=_MOST_HEAD_BYTES)
    async with server:
        announce_ready(url=f"http://{_HOST}:{server.sockets[0].getsockname()[1]}")
        await shutdown.requested.wait()
    return 0


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One request, one answer, whatever was asked."""
    try:
        async with asyncio.timeout(_IDLE_S):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(_ANSWER)
            await writer.drain()
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, TimeoutError):
        pass
    finally:
        writer.close()
