"""What goes through unchanged, what is added, and that nothing is held back on the way."""

import asyncio
import re
from collections.abc import AsyncIterator

import pytest

from tests.support.balancers import running_balancer
from tests.support.http_nodes import Connection, Gate, HttpNode, Request, answering, ok, raw_connection
from tests.support.waiting import at_rest, until

LIMIT_S = 5.0
HEAD_END = b"\r\n\r\n"


async def exchange(url: str, data: bytes) -> bytes:
    """Send ``data`` on a connection of its own and read until the other side closes."""
    async with asyncio.timeout(LIMIT_S), raw_connection(url) as (reader, writer):
        writer.write(data)
        return await reader.read()


def get(path: str = "/", *headers: str, method: str = "GET", version: str = "1.1") -> bytes:
    lines = [f"{method} {path} HTTP/{version}", "Host: jira.example", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode()


async def test_the_node_gets_the_request_as_sent_plus_where_it_came_from() -> None:
    async with HttpNode() as node, running_balancer(node) as lb:
        headers = ["X-Forwarded-For: 9.9.9.9", "Keep-Alive: 5", "X-Twice: 1", "X-Twice: 2", "Cookie: a=1; ROUTEID=.x"]
        await exchange(lb.url, get("/a%2Fb//c?q=%20x&y", *headers))

    [request] = node.received
    assert (request.method, request.target) == ("GET", "/a%2Fb//c?q=%20x&y")
    port = lb.url.rpartition(":")[2]
    assert request.headers[:-2] == (
        ("Host", "jira.example"),
        ("X-Twice", "1"),
        ("X-Twice", "2"),
        ("Cookie", "a=1"),
        ("X-Forwarded-For", "9.9.9.9, 127.0.0.1"),
        ("Via", request.get("Via")),
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-Port", port),
    )
    assert re.fullmatch(r"1\.1 zdu-lb-[0-9a-f]{8}", request.get("Via") or "")
    assert request.headers[-2] == ("X-Forwarded-Host", "jira.example")
    assert request.headers[-1][0] == "X-Request-Id"


async def test_the_client_gets_the_response_as_sent_with_every_set_cookie_in_order() -> None:
    response = ok("hi", "Set-Cookie: b=2; Path=/", "X-A: 1", "Set-Cookie: a=1", "Connection: X-Hop", "X-Hop: gone")
    async with HttpNode() as node, running_balancer(node) as lb:
        node.on("/", answering(response))
        answer = await exchange(lb.url, get("/", "Cookie: ROUTEID=.node1"))

    head, _, body = answer.partition(HEAD_END)
    assert head.split(b"\r\n") == [
        b"HTTP/1.1 200 OK",
        b"Set-Cookie: b=2; Path=/",
        b"X-A: 1",
        b"Set-Cookie: a=1",
        b"Content-Length: 2",
        b"Connection: close",
    ]
    assert body == b"hi"


async def test_the_cookie_is_set_when_it_changes_and_only_then() -> None:
    async with HttpNode() as node, running_balancer(node) as lb:
        first, _ = await lb.request("/")
        bound, _ = await lb.request("/", "node1")
        unknown, _ = await lb.request("/", "node9")

    expected = ["ROUTEID=.node1; Path=/; HttpOnly; SameSite=Lax"]
    assert first.headers.getall("Set-Cookie") == expected
    assert "Set-Cookie" not in bound.headers
    assert unknown.headers.getall("Set-Cookie") == expected
    assert lb.meter.moved == 0


async def test_sessions_stay_on_their_nodes_and_new_ones_take_turns() -> None:
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two) as lb:
        new = [(await lb.request("/"))[1] for _ in range(4)]
        bound = [(await lb.request("/", "node2"))[1] for _ in range(3)]
    assert sorted(new) == [b"node1", b"node1", b"node2", b"node2"]
    assert bound == [b"node2"] * 3


@pytest.mark.parametrize(
    ("method", "response", "expected_headers", "expected_body"),
    [
        ("HEAD", ok("12345", head=True), [b"Content-Length: 5"], b""),
        ("HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", [], b""),
        ("GET", b"HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n", [b"X-A: 1"], b""),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n", [b"Content-Length: 77"], b""),
        ("GET", ok(""), [b"Content-Length: 0"], b""),
        (
            "GET",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            [b"Transfer-Encoding: chunked"],
            b"3\r\nabc\r\n0\r\n\r\n",
        ),
        ("GET", ok("hi", status="200 Fine By Me"), [b"Content-Length: 2"], b"hi"),
    ],
)
async def test_each_response_keeps_its_framing(
    method: str, response: bytes, expected_headers: list[bytes], expected_body: bytes
) -> None:
    async with HttpNode() as node, running_balancer(node) as lb:
        node.on("/", answering(response))
        async with asyncio.timeout(LIMIT_S), raw_connection(lb.url) as (reader, writer):
            request = f"{method} / HTTP/1.1\r\nHost: h\r\nCookie: ROUTEID=.node1\r\n\r\n".encode()
            writer.write(request)
            head = await reader.readuntil(HEAD_END)
            body = await reader.readexactly(len(expected_body))
            # The same connection serves again: nothing of the first response was left over or is missing.
            node.on("/", answering(ok("next")))
            writer.write(get("/", "Cookie: ROUTEID=.node1"))
            rest = await reader.read()

    first, *headers = head.rstrip(b"\r\n").split(b"\r\n")
    assert first == response.partition(b"\r\n")[0]
    assert headers == expected_headers
    assert body == expected_body
    assert rest.startswith(b"HTTP/1.1 200 OK\r\n")
    assert rest.endswith(b"next")


async def test_a_response_that_ends_with_its_connection_is_chunked_for_the_client() -> None:
    async with HttpNode() as node, running_balancer(node) as lb:
        node.on("/", answering(b"HTTP/1.1 200 OK\r\n\r\nuntil the end", keep=False))
        answer = await exchange(lb.url, get("/", "Cookie: ROUTEID=.node1"))
    assert answer.endswith(HEAD_END + b"d\r\nuntil the end\r\n0\r\n\r\n")


async def test_a_client_of_http_1_0_gets_no_chunks() -> None:
    async with HttpNode() as node, running_balancer(node) as lb:
        node.on("/", answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"))
        answer = await exchange(lb.url, b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert answer.endswith(HEAD_END + b"abc")
    assert b"Connection: close" in answer
    assert b"Transfer-Encoding" not in answer


async def test_a_client_of_http_1_0_that_asks_for_it_can_use_its_connection_again() -> None:
    async with HttpNode() as node, running_balancer(node) as lb, raw_connection(lb.url) as (reader, writer):
        async with asyncio.timeout(LIMIT_S):
            for _ in range(2):
                writer.write(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                assert b"\r\nConnection: keep-alive\r\n" in await reader.readuntil(HEAD_END)
                assert await reader.readexactly(5) == b"node1"


async def test_the_client_has_the_first_piece_before_the_node_makes_the_last() -> None:
    client_has_it = asyncio.Event()

    async def in_two_pieces(connection: Connection, request: Request) -> bool:
        await connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        async with asyncio.timeout(LIMIT_S):
            await client_has_it.wait()
        await connection.send("4\r\nlast\r\n0\r\n\r\n")
        return True

    async with HttpNode() as node, running_balancer(node) as lb:
        node.on("/", in_two_pieces)
        async with asyncio.timeout(LIMIT_S), lb.client.get(lb.url) as response:
            assert await response.content.readany() == b"first"
            client_has_it.set()
            assert await response.read() == b"last"


async def test_the_node_has_the_first_piece_of_an_upload_before_the_client_makes_the_last() -> None:
    node_has_it = asyncio.Event()
    pieces: list[bytes] = []

    async def upload(connection: Connection, request: Request) -> bool:
        async for chunk in connection.chunks():
            pieces.append(chunk)
            node_has_it.set()
        await connection.send(ok("taken"))
        return True

    async def body() -> AsyncIterator[bytes]:
        yield b"first"
        async with asyncio.timeout(LIMIT_S):
            await node_has_it.wait()
        yield b"last"

    async with HttpNode() as node, running_balancer(node) as lb:
        node.on("/", upload)
        _, answer = await lb.request("/", method="POST", data=body())
    assert (pieces, answer) == ([b"first", b"last"], b"taken")


async def test_a_node_is_read_no_faster_than_its_client_reads() -> None:
    piece = bytes(256 * 1024)
    sent = 0

    async def endless(connection: Connection, request: Request) -> bool:
        nonlocal sent
        await connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            await connection.send(b"%x\r\n%b\r\n" % (len(piece), piece))
            sent += len(piece)

    async with HttpNode() as node, running_balancer(node) as lb:
        node.on("/", endless)
        async with raw_connection(lb.url) as (reader, writer):
            reader._transport.pause_reading()  # type: ignore[attr-defined]  # a client that does not read at all
            writer.write(get("/"))
            await until(lambda: sent > 0, "the node began to send")
            level = await at_rest(lambda: sent)
    assert level < 24 * 1024 * 1024, "only buffers of bounded size lie between node and client"


async def test_a_client_is_read_no_faster_than_its_node_reads() -> None:
    release = asyncio.Event()

    async def reads_nothing(connection: Connection, request: Request) -> bool:
        await release.wait()
        return False

    sent = 0
    async with HttpNode() as node, running_balancer(node) as lb:
        node.on("/", reads_nothing)
        async with raw_connection(lb.url) as (_, writer):
            writer.write(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000\r\n\r\n")
            with pytest.raises(TimeoutError):
                while True:
                    writer.write(bytes(256 * 1024))
                    async with asyncio.timeout(0.5):
                        await writer.drain()
                    sent += 256 * 1024
        release.set()
    assert sent < 24 * 1024 * 1024, "only buffers of bounded size lie between client and node"


async def test_a_large_body_arrives_whole_in_both_directions() -> None:
    body = bytes(range(256)) * 4096 * 8

    async def mirror(connection: Connection, request: Request) -> bool:
        await connection.send(ok(await connection.read_body(request)))
        return True

    async def upload() -> AsyncIterator[bytes]:
        yield body

    async with HttpNode() as node, running_balancer(node) as lb:
        node.on("/", mirror)
        _, echoed = await lb.request("/", method="POST", data=upload())
    assert echoed == body


async def test_an_encoded_body_is_passed_on_encoded() -> None:
    async with HttpNode() as node, running_balancer(node) as lb:
        node.on("/", answering(ok(b"\x1f\x8bnot really", "Content-Encoding: gzip")))
        answer = await exchange(lb.url, get("/", "Accept-Encoding: gzip"))
    assert answer.endswith(HEAD_END + b"\x1f\x8bnot really")
    assert b"Content-Encoding: gzip" in answer


async def test_a_client_that_leaves_is_noticed_by_the_node() -> None:
    gate = Gate()
    async with HttpNode() as node, running_balancer(node) as lb:
        node.on("/slow", gate)
        async with raw_connection(lb.url) as (_, writer):
            writer.write(b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
            async with asyncio.timeout(LIMIT_S):
                await gate.entered.wait()
            assert lb.balancer.view("node1").in_flight == 1
        async with asyncio.timeout(LIMIT_S):
            await gate.client_left.wait()
        await until(lambda: lb.balancer.view("node1").in_flight == 0, "nothing is in flight")


async def test_it_is_the_node_that_asks_for_the_body_when_the_client_waits_to_be_told() -> None:
    async def asks(connection: Connection, request: Request) -> bool:
        assert request.get("Expect") == "100-continue"
        await connection.send("HTTP/1.1 100 Continue\r\n\r\n")
        await connection.send(ok("got " + (await connection.read_body(request)).decode()))
        return True

    async with HttpNode() as node, running_balancer(node) as lb, raw_connection(lb.url) as (reader, writer):
        node.on("/", asks)
        writer.write(b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        async with asyncio.timeout(LIMIT_S):
            assert await reader.readuntil(HEAD_END) == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b"hello")
            assert (await reader.readuntil(HEAD_END)).startswith(b"HTTP/1.1 200 OK\r\n")
            assert await reader.readexactly(9) == b"got hello"


async def test_a_node_that_refuses_a_body_before_it_came_is_heard_and_its_connection_not_used_again() -> None:
    async with HttpNode() as node, running_balancer(node) as lb, raw_connection(lb.url) as (reader, writer):

        async def refuses(connection: Connection, request: Request) -> bool:
            await connection.send(ok("no", status="417 Expectation Failed"))
            return True

        node.on("/", refuses)
        writer.write(b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        async with asyncio.timeout(LIMIT_S):
            answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 417 Expectation Failed\r\n")
        assert b"Connection: close" in answer, "the body may still come, and nobody could tell it from a request"
        assert lb.server.telemetry.idle_of("node1") == 0


async def test_early_hints_reach_the_client_before_the_response() -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
    async with HttpNode() as node, running_balancer(node) as lb:
        node.on("/", answering(hints + ok("page")))
        assert (await exchange(lb.url, get("/"))).startswith(hints + b"HTTP/1.1 200 OK\r\n")
        assert (await exchange(lb.url, get("/", version="1.0"))).startswith(b"HTTP/1.1 200 OK\r\n")


async def test_trailers_reach_a_client_that_wants_them() -> None:
    body = b"2\r\nhi\r\n0\r\nX-Sum: 12\r\nContent-Length: 9\r\n\r\n"
    async with HttpNode() as node, running_balancer(node) as lb:
        node.on("/", answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n" + body))
        wanted = await exchange(lb.url, get("/", "TE: trailers"))
        unwanted = await exchange(lb.url, get("/"))
    assert b"\r\nTrailer: X-Sum\r\n" in wanted
    assert wanted.endswith(b"2\r\nhi\r\n0\r\nX-Sum: 12\r\n\r\n"), "framing is no matter for trailers"
    assert unwanted.endswith(b"2\r\nhi\r\n0\r\n\r\n")


async def test_the_trailers_of_an_upload_reach_the_node() -> None:
    got = asyncio.get_running_loop().create_future()

    async def takes(connection: Connection, request: Request) -> bool:
        got.set_result(await connection.reader.readuntil(b"\r\n\r\n"))
        await connection.send(ok("hi"))
        return True

    async with HttpNode() as node, running_balancer(node) as lb:
        node.on("/", takes)
        sent = (
            get("/", "Transfer-Encoding: chunked", method="POST")
            + b"2;x=1\r\nhi\r\n0\r\nX-Sum: 12\r\nHost: evil\r\n\r\n"
        )
        assert (await exchange(lb.url, sent)).startswith(b"HTTP/1.1 200 OK")
        assert await got == b"2\r\nhi\r\n0\r\nX-Sum: 12\r\n\r\n"


@pytest.mark.parametrize("abortonclose", [True, False])
async def test_a_client_that_closes_its_side_is_gone_or_still_listens_as_configured(abortonclose: bool) -> None:
    gate = Gate("late")
    async with HttpNode() as node, running_balancer(node, abortonclose=abortonclose) as lb:
        node.on("/", gate)
        async with asyncio.timeout(LIMIT_S), raw_connection(lb.url) as (reader, writer):
            writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            await gate.entered.wait()
            writer.write_eof()
            if abortonclose:
                await gate.client_left.wait()
                assert await reader.read() == b""
            else:
                gate.release.set()
                assert (await reader.read()).endswith(HEAD_END + b"late")


async def test_connections_to_a_node_are_used_again() -> None:
    async with HttpNode() as node, running_balancer(node) as lb:
        before = node.connections - node.checks
        for _ in range(5):
            await lb.request("/")
        assert node.connections - node.checks == before + 1


async def test_several_requests_on_one_connection_are_answered_in_order() -> None:
    gate = Gate("slow")
    async with HttpNode() as node, running_balancer(node) as lb:
        node.on("/slow", gate)
        async with asyncio.timeout(LIMIT_S), raw_connection(lb.url) as (reader, writer):
            writer.write(b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n" + get("/quick"))
            await gate.entered.wait()
            gate.release.set()
            answers = await reader.read()
    first, second = answers.split(b"HTTP/1.1 200 OK\r\n")[1:]
    assert first.endswith(HEAD_END + b"slow")
    assert second.endswith(HEAD_END + b"node1")


@pytest.mark.parametrize(
    ("request_bytes", "status", "reason"),
    [
        (get("/", method="TRACE"), b"405", b"unsupported-method"),
        (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", b"400", b"bad-request"),
        (get("/", "Host: other"), b"400", b"bad-request"),
        (get("*"), b"400", b"bad-request"),
        (get("/", "Expect: 200-maybe", method="POST"), b"417", b"expectation"),
        (get("/", version="2.0"), b"505", b"unsupported-version"),
        (get("/" + "a" * 9000), b"414", b"target-length"),
        (get("/", *(f"X-{n}: 1" for n in range(120))), b"431", b"header-count"),
        (get("/", "X-Long: " + "a" * 40_000), b"431", b"header-bytes"),
        (get("/a#b"), b"400", b"bad-request"),
        (get("http://user:word@jira.example/"), b"400", b"bad-request"),
        (b"GET / HTTP/1.1\r\nHost: a/b?\r\nConnection: close\r\n\r\n", b"400", b"bad-request"),
        (
            get("/", "Transfer-Encoding: gzip, chunked", method="POST") + b"2\r\nhi\r\n0\r\n\r\n",
            b"501",
            b"unsupported-coding",
        ),
    ],
)
async def test_what_is_not_supported_is_refused_in_words_and_reaches_no_node(
    request_bytes: bytes, status: bytes, reason: bytes
) -> None:
    async with HttpNode() as node, running_balancer(node) as lb:
        answer = await exchange(lb.url, request_bytes)
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b"X-LB-Error: " + reason in answer
    assert b"Proxy-Status: zdu-lb; error=" in answer
    assert node.received == []


async def test_an_absolute_target_reaches_the_node_in_origin_form() -> None:
    async with HttpNode() as node, running_balancer(node) as lb:
        await exchange(lb.url, get("http://other.example:81/x?y=1"))
    [request] = node.received
    assert request.target == "/x?y=1"
    assert request.get("Host") == "other.example:81", "RFC 9112 3.2.2: the target overrules Host"
    assert request.get("X-Forwarded-Host") == "other.example:81"


async def test_text_beyond_ascii_passes_byte_for_byte_both_ways() -> None:
    async with HttpNode() as node, running_balancer(node) as lb:
        node.on("/", answering(ok("hi", "X-Name: Zoë ü")))
        answer = await exchange(lb.url, get("/", "Cookie: a=Zoë"))
    assert "X-Name: Zoë ü\r\n".encode() in answer
    assert node.received[0].get("Cookie") == "a=Zoë".encode().decode("latin-1")


async def test_bytes_that_are_no_text_at_all_pass_as_they_are() -> None:
    response = b"HTTP/1.1 200 Tr\xe8s bien\r\nX-Name: caf\xe9\r\nContent-Length: 2\r\n\r\nhi"
    async with HttpNode() as node, running_balancer(node) as lb:
        node.on("/", answering(response))
        answer = await exchange(
            lb.url, b"GET / HTTP/1.1\r\nHost: h\r\nCookie: a=caf\xe9\r\nConnection: close\r\n\r\n"
        )
    assert answer.startswith(b"HTTP/1.1 200 Tr\xe8s bien\r\nX-Name: caf\xe9\r\n")
    assert node.received[0].get("Cookie") == "a=caf\xe9"


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi!",
        b"HTTP/1.1 200 OK\r\nX: 1\r\n folded\r\nContent-Length: 2\r\n\r\nhi",
        b"hello, this is no HTTP at all",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 40_000 + b"\r\nContent-Length: 2\r\n\r\nhi",
    ],
    ids=["coding", "both", "two-lengths", "folded", "no-http", "unasked-switch", "too-long"],
)
async def test_a_response_that_cannot_be_passed_on_whole_becomes_502(response: bytes) -> None:
    async with HttpNode() as node, running_balancer(node) as lb:
        node.on("/", answering(response))
        answer = await exchange(lb.url, get("/"))
        assert lb.balancer.view("node1").in_flight == 0
    assert answer.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert b"X-LB-Error: bad-response" in answer
    assert node.executions["GET /"] == 1


async def test_an_upgrade_to_http_2_is_never_offered_to_a_node() -> None:
    async with HttpNode() as node, running_balancer(node) as lb:
        answer = await exchange(
            lb.url, b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close, Upgrade\r\nUpgrade: h2c\r\n\r\n"
        )
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert node.received[0].get("Upgrade") is None
