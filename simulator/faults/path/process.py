"""``zdu path-proxy``: the path proxy as a process of its own, so that what it delays delays nothing else.

Its control port takes ``PUT`` and ``DELETE`` on ``/paths/NODE/NUMBER``, and ``GET`` on ``/counts``.
"""

import asyncio

import click
from aiohttp import web

from simulator.faults.path.gate import Gate
from simulator.faults.path.paths import to_database
from simulator.faults.path.rules import HEALTH_TARGET, KINDS, Rule
from zdu.clock import Entropy
from zdu.errors import UsageError
from zdu.process import Shutdown, announce_ready, run_process

_HOST = "127.0.0.1"


@click.command()
@click.option("--to", "nodes", metavar="NODE=HOST:PORT", multiple=True, help="A node; once for each.")
@click.option(
    "--to-database", "databases", metavar="NODE=HOST:PORT", multiple=True, help="A node's way to its database."
)
@click.option("--health", default=HEALTH_TARGET, metavar="PATH", help="What health checks ask for.")
@click.option("--seed", type=int, help="Make chance decide as in an earlier run.")
@click.option("--exit-with-parent", is_flag=True, help="Stop when standard input closes: leave no orphan behind.")
def path_proxy(
    nodes: tuple[str, ...], databases: tuple[str, ...], health: str, seed: int | None, exit_with_parent: bool
) -> int:
    """Stand between a load balancer and its nodes, and do harm when told to. zdu run starts it by itself."""
    to_nodes, to_databases = dict(map(_target, nodes)), dict(map(_target, databases))
    if not to_nodes and not to_databases:
        raise UsageError("nowhere to go", hint="Name a node: --to node1=127.0.0.1:8080")

    def gates() -> dict[str, Gate]:
        rng = Entropy(seed).rng
        found = {name: Gate(host, port, rng, health) for name, (host, port) in to_nodes.items()}
        ways = to_databases.items()
        return found | {to_database(name): Gate(host, port, rng, http=False) for name, (host, port) in ways}

    return run_process(lambda shutdown: _serve(gates(), shutdown), exit_with_parent=exit_with_parent)


def _target(text: str) -> tuple[str, tuple[str, int]]:
    name, equals, address = text.partition("=")
    host, colon, port = address.rpartition(":")
    if not (name and equals and host and colon and port.isdecimal() and 0 < int(port) <= 65535):
        raise UsageError(f"--to {text}: expected NODE=HOST:PORT, such as node1=127.0.0.1:8080")
    return name, (host, int(port))


async def _serve(gates: dict[str, Gate], shutdown: Shutdown) -> int:
    runner = web.AppRunner(_control(gates), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, _HOST, 0)
    await site.start()
    url = f"http://{_HOST}:{runner.addresses[0][1]}"
    try:
        async with asyncio.TaskGroup() as watching:
            tasks = [watching.create_task(gate.watch()) for gate in gates.values()]
            announce_ready(url=url, ports={name: gate.port for name, gate in gates.items()})
            await shutdown.requested.wait()
            for task in tasks:
                task.cancel()
    finally:
        await runner.cleanup()
    return 0


def _control(gates: dict[str, Gate]) -> web.Application:
    def gate_of(request: web.Request) -> tuple[Gate, int]:
        gate, number = gates.get(request.match_info["node"]), request.match_info["number"]
        if gate is None:
            raise web.HTTPNotFound(text="there is no path to that node")
        return gate, int(number)

    async def put(request: web.Request) -> web.Response:
        gate, number = gate_of(request)
        words = await request.json()
        if words["kind"] not in KINDS:
            raise web.HTTPBadRequest(text=f"unknown kind {words['kind']!r}")
        now_s = asyncio.get_running_loop().time()
        gate.put_on(number, Rule(words["kind"], words["probability"], words["values"], since_s=now_s))
        return web.json_response({})

    async def delete(request: web.Request) -> web.Response:
        gate, number = gate_of(request)
        if number not in gate.counts():
            raise web.HTTPNotFound(text="that rule is not on")
        return web.json_response({"count": gate.take_off(number)})

    async def counts(_request: web.Request) -> web.Response:
        return web.json_response({str(n): count for gate in gates.values() for n, count in gate.counts().items()})

    app = web.Application()
    app.router.add_put(r"/paths/{node}/{number:\d+}", put)
    app.router.add_delete(r"/paths/{node}/{number:\d+}", delete)
    app.router.add_get("/counts", counts)
    return app
