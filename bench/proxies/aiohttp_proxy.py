"""What one writes first in Python: aiohttp.web in front, one ClientSession behind. No checks, no log, no limits."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import uvloop
from aiohttp import ClientSession, DummyCookieJar, TCPConnector, web
from multidict import CIMultiDict

from bench.proxies.setup import Admin, Setup

HOP_BY_HOP = ("Connection", "Keep-Alive", "Transfer-Encoding", "Upgrade")


class AiohttpProxy:
    """This very file as a process."""

    name = "aiohttp proxy"
    program = ""

    def command(self, setup: Setup) -> list[str]:
        """Its configuration is its command line."""
        nodes = [f"{node.name}={node.port}" for node in setup.nodes]
        setup.access_log.write_text("(it writes none)\n")
        environment = f"PYTHONPATH={Path(__file__).parents[2]}"
        return ["env", environment, sys.executable, "-P", "-m", __name__, str(setup.port), *nodes]

    def can(self, admin: Admin) -> bool:
        """It has no states."""
        return admin is Admin.READY

    def settle(self, setup: Setup) -> None:
        """Nothing to set."""


def application(nodes: dict[str, int]) -> web.Application:
    """The proxy."""
    names = list(nodes)
    turn = 0
    session: ClientSession

    async def forward(request: web.Request) -> web.StreamResponse:
        nonlocal turn
        node = request.cookies.get("ROUTEID", "").removeprefix(".")
        new = node not in nodes
        if new:
            turn += 1
            node = names[turn % len(names)]
        headers = CIMultiDict(request.headers)
        for name in HOP_BY_HOP:
            headers.popall(name, None)
        url = f"http://127.0.0.1:{nodes[node]}{request.path_qs}"
        body = request.content if request.can_read_body else None
        async with session.request(request.method, url, headers=headers, data=body, allow_redirects=False) as got:
            response = web.StreamResponse(status=got.status, headers=got.headers)
            response.headers.popall("Transfer-Encoding", None)
            if new:
                response.set_cookie("ROUTEID", f".{node}", httponly=True)
            await response.prepare(request)
            async for piece in got.content.iter_any():
                await response.write(piece)
            await response.write_eof()
            return response

    async def client(_: web.Application) -> AsyncIterator[None]:
        nonlocal session
        connector = TCPConnector(limit=0)
        async with ClientSession(connector=connector, auto_decompress=False, cookie_jar=DummyCookieJar()) as session:
            yield

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", forward)
    app.cleanup_ctx.append(client)
    return app


if __name__ == "__main__":
    uvloop.install()
    known = {name: int(port) for name, _, port in (word.partition("=") for word in sys.argv[2:])}
    web.run_app(application(known), host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)
