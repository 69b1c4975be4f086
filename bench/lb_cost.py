"""What the load balancer costs: the same requests directly and through it, interleaved, on pinned cores.

The balancer has core 0 to itself where there are two; backend and generator share the other one. Printed are medians
over the rounds, their ratio, and the balancer's CPU time per request.
"""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from simulator.supervisor import Supervisor

ROUNDS = 7
CONNECTIONS = 8
REQUESTS_PER_CONNECTION = 200
ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 19\r\n\r\n{"state":"RUNNING"}'
CLOCK_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Backend(asyncio.Protocol):
    """Answers every request head with the same bytes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(ANSWER * data.count(b"\r\n\r\n"))


async def requests_per_s(port: int) -> float:
    """Send one round of requests over kept-alive connections."""
    request = (
        f"GET /rest/api/2/issue/ZDU-1 HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: ROUTEID=.node1\r\n\r\n".encode()
    )

    async def one_connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(REQUESTS_PER_CONNECTION):
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            await reader.readexactly(19)
        writer.close()
        await writer.wait_closed()

    begun_s = time.perf_counter()
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        for _ in range(CONNECTIONS):
            tasks.create_task(one_connection())
    return CONNECTIONS * REQUESTS_PER_CONNECTION / (time.perf_counter() - begun_s)


def cpu_s(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS_PER_S


def pin(pid: int, core: int) -> None:
    """Keep a process on a core, if the machine has so many."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        os.sched_setaffinity(pid, {cores[core]})


def write_config(folder: str, backend_port: int) -> Path:
    """All features on: logging included."""
    config = Path(folder, "lb.yaml")
    logs = f"log_file: {folder}/lb.log\naccess_log_file: {folder}/access.jsonl\n"
    config.write_text(f"nodes: [{{name: node1, port: {backend_port}}}]\nhealth: {{inter: 200ms}}\n{logs}")
    return config


async def main() -> None:
    """Measure and print."""
    backend = await asyncio.get_running_loop().create_server(Backend, "127.0.0.1", 0)
    backend_port = backend.sockets[0].getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        config = write_config(folder, backend_port)
        async with asyncio.TaskGroup() as tasks:
            supervisor = Supervisor(tasks, lambda _: None)
            balancer = await supervisor.start("lb", ["lb", "--config", str(config)], Path(folder, "lb.err"))
            pin(balancer.pid, 0)
            pin(0, 1)
            port = int(balancer.ready["url"].rpartition(":")[2])
            direct, through, cpu_us = [], [], []
            for _ in range(ROUNDS + 1):
                direct.append(await requests_per_s(backend_port))
                before_s = cpu_s(balancer.pid)
                through.append(await requests_per_s(port))
                cpu_us.append((cpu_s(balancer.pid) - before_s) / (CONNECTIONS * REQUESTS_PER_CONNECTION) * 1e6)
            await supervisor.stop_all(within_s=5)
    backend.close()
    # The first round warms up: connections, caches, the first health checks.
    rates = statistics.median(direct[1:]), statistics.median(through[1:])
    print(f"directly      {rates[0]:8,.0f} requests/s")
    print(f"through lb    {rates[1]:8,.0f} requests/s, {rates[1] / rates[0]:.3f} of directly")
    print(f"lb's CPU      {statistics.median(cpu_us[1:]):8,.0f} µs per request, logging included")
    print(
        f"{ROUNDS} interleaved rounds of {CONNECTIONS * REQUESTS_PER_CONNECTION} requests, {CONNECTIONS} connections"
    )


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
