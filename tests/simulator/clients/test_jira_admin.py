"""The administrator's requests come to a node once, whatever the node does with connections that were idle."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from simulator.clients.jira_admin import JiraAdmin

ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 19\r\n\r\n{"state": "STABLE"}'


class Node:
    """It closes a connection that was used before as a change comes in, as a node with a short keep-alive may."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, int]] = []
        """Method and path, and how many requests the connection had carried before."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        before = 0
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                line = " ".join(head.decode().split()[:2])
                self.requests.append((line, before))
                if before and line.startswith("POST"):
                    break
                writer.write(ANSWER)
                before += 1
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


@pytest.fixture
async def node() -> AsyncIterator[tuple[Node, str]]:
    node = Node()
    server = await asyncio.start_server(node.serve, "127.0.0.1", 0)
    async with server:
        yield node, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_change_does_not_meet_the_end_of_a_connection_that_was_idle(node: tuple[Node, str]) -> None:
    the_node, url = node
    admin = JiraAdmin(url)
    try:
        assert await admin.cluster_state() == "STABLE"
        await admin.start_upgrade()
        await admin.approve()
        assert await admin.cluster_state() == "STABLE"
    finally:
        await admin.close()
    zdu = "/rest/api/2/cluster/zdu"
    assert the_node.requests == [
        (f"GET {zdu}/state", 0),
        (f"POST {zdu}/start", 0),
        (f"POST {zdu}/approve", 0),
        (f"GET {zdu}/state", 1),
    ]
