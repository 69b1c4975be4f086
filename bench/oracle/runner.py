"""Runs all cases and vectors against one load balancer, with a pair of misbehaving nodes of its own."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from bench.common.errors import progress
from bench.common.processes import Children, free_ports
from bench.oracle.backend import Backend
from bench.oracle.case import BOTH, WORLDS, Case, Seen, Vector, VectorSeen, World
from bench.oracle.client import ClientSaw, play
from bench.proxies.setup import Admin, Node, Proxy, Setup, launch, settle, wait_until_bound

VECTOR_WAIT_S = 1.5
PARALLEL = 6
"""Cases with long waits that run at once: they are not about load."""
LONG_WAIT_S = 6.0
"""A case whose client has this much patience is one that waits for a time-out."""
CLIENT_TIMEOUT_S = 2.0
SERVER_TIMEOUT_S = 3.0


class Runner:
    """One product and what came of everything."""

    def __init__(self, proxy: Proxy, folder: Path, cases: Sequence[Case], vectors: Sequence[Vector]) -> None:
        self.proxy = proxy
        self.seen: dict[str, Seen] = {}
        self.vectors_seen: dict[str, VectorSeen] = {}
        self._folder = folder / proxy.name.replace(" ", "-")
        self._cases, self._vectors = cases, vectors
        self._ids: Iterator[int] = itertools.count(1)

    async def run(self) -> None:
        """Everything, one world after the other."""
        for world in WORLDS:
            cases = [case for case in self._cases if case.world is world]
            vectors = self._vectors if world is BOTH else ()
            if (not cases and not vectors) or not all(map(self.proxy.can, world.admin.values())):
                continue
            async with self._serving(world) as (setup, backends):
                await self._play_all(cases, setup, backends)
                for vector in vectors:
                    await self._try(vector, setup, backends)
            progress(f"{self.proxy.name}: {world.name}: done")

    @asynccontextmanager
    async def _serving(self, world: World) -> AsyncIterator[tuple[Setup, dict[str, Backend]]]:
        ports = free_ports(4)
        backends = {name: Backend(name, port) for name, port in zip("ab", ports, strict=False)}
        nodes = tuple(Node(name, node.port, world.admin.get(name, Admin.READY)) for name, node in backends.items())
        setup = Setup(self._folder / world.name.replace(" ", "-"), ports[2], ports[3], nodes,
                      inter_s=60, client_timeout_s=CLIENT_TIMEOUT_S, server_timeout_s=SERVER_TIMEOUT_S,
                      keep_alive_s=2, queue_s=1, passive=bool(world.stopped))  # fmt: skip
        for backend in backends.values():
            await backend.start()
        try:
            with Children() as children:
                child = launch(children, self.proxy, setup)
                await asyncio.to_thread(settle, child, self.proxy, setup)
                # Checks are a minute apart: a node that serves its bound sessions now does so for the whole world.
                serving = tuple(node for node in nodes if node.admin is not Admin.MAINT)
                await asyncio.to_thread(wait_until_bound, child, replace(setup, nodes=serving))
                for name in world.stopped:
                    await backends[name].stop()
                yield setup, backends
                await asyncio.to_thread(children.close)
        finally:
            for backend in backends.values():
                await backend.stop()

    async def _play_all(self, cases: Iterable[Case], setup: Setup, backends: dict[str, Backend]) -> None:
        quick: list[Case] = []
        long: list[Case] = []
        for case in cases:
            (long if case.wait_s >= LONG_WAIT_S else quick).append(case)
        for case in quick:
            await self._play(case, setup, backends)
        gate = asyncio.Semaphore(PARALLEL)

        async def patiently(case: Case) -> None:
            async with gate:
                await self._play(case, setup, backends)

        await asyncio.gather(*map(patiently, long))

    async def _play(self, case: Case, setup: Setup, backends: dict[str, Backend]) -> None:
        case_id = f"c{next(self._ids)}"
        try:
            saw = await play(case, setup.port, case_id)
        except OSError as error:
            saw = ClientSaw(f"no connection: {error.strerror}", True, 0.0)
        at = {name: backend.by_case[case_id] for name, backend in backends.items()}
        self.seen[case.name] = Seen(
            client=saw.words,
            closed=saw.closed,
            executions={name: executed.count for name, executed in at.items()},
            heads=[head for executed in at.values() for head in executed.heads],
            notes=[note for executed in at.values() for note in executed.notes],
            seconds=saw.seconds,
        )

    async def _try(self, vector: Vector, setup: Setup, backends: dict[str, Backend]) -> None:
        vector_id = f"v{next(self._ids)}"
        try:
            words = await _send_once(setup.port, vector.raw.replace(b"{id}", vector_id.encode()))
        except ConnectionError:
            words = "reset"
        executions = sum(backend.by_case[vector_id].count for backend in backends.values())
        self.vectors_seen[vector.name] = VectorSeen(words, executions)


async def _send_once(port: int, data: bytes) -> str:
    """Send everything and read until the end: the statuses in order, or what happened instead."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    got = bytearray()
    try:
        writer.write(data)
        async with asyncio.timeout(VECTOR_WAIT_S):
            while piece := await reader.read(65536):
                got += piece
        silent = "closed"
    except TimeoutError:
        silent = "silent"
    except ConnectionError:
        silent = "reset"
    finally:
        writer.transport.abort()
    statuses = [line.split()[1].decode() for line in got.split(b"\r\n") if line.startswith(b"HTTP/") and b" " in line]
    return "+".join(statuses) or ("raw" if got else silent)
