"""Whole connections: whatever the pieces in which requests and responses come, each request gets its own answer."""

from dataclasses import dataclass

import h11
import httptools
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from lb.config import Limits
from tests.support.http_messages import Mutation, mutated, mutations, requests, responses
from tests.support.http_readers import Message, cut, h11_response, httptools_response
from tests.support.wireless_proxy import WirelessProxy

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")
ANSWERS = ("length", "chunks", "empty", "none", "unchanged", "hints", "1.0", "until-close")
FRAMINGS = ("none", "zero", "length", "chunks", "continue")
WITHOUT_BODY = ("none", "unchanged", "empty")


@dataclass(frozen=True)
class Asked:
    """A request, and how its node is to answer."""

    method: str
    framing: str
    answer: str
    trailers: bool
    empty_lines: int = 0

    def raw(self, number: int) -> bytes:
        lines = [f"{self.method} /{number}/{self.answer} HTTP/1.1", "Host: lb.test", "Cookie: a=b"]
        if self.trailers:
            lines += ["TE: trailers", "Connection: te"]
        body = f"body of {number}"
        match self.framing:
            case "zero":
                lines, body = [*lines, "Content-Length: 0"], ""
            case "length":
                lines.append(f"Content-Length: {len(body)}")
            case "continue":
                lines += [f"Content-Length: {len(body)}", "Expect: 100-continue"]
            case "chunks":
                lines.append("Transfer-Encoding: chunked")
                body = f"4;x=y\r\nbody\r\n{len(body) - 4:x}\r\n{body[4:]}\r\n0\r\nX-Sum: 1\r\n\r\n"
            case _:
                body = ""
        return ("\r\n" * self.empty_lines + "\r\n".join([*lines, "", body])).encode()

    def content(self, number: int) -> bytes:
        return b"" if self.framing in {"none", "zero"} else f"body of {number}".encode()


def answer(request: h11.Request, body: bytes) -> bytes:
    """As the target wishes; it tells which request it answers, and with what body that came."""
    number, wish = request.target.decode().split("/")[1:]
    text = b"" if request.method == b"HEAD" else b"answer to %b: %b" % (number.encode(), body)
    fields = b"X-Number: %b\r\nX-Body: %b\r\n" % (number.encode(), body)
    length = b"Content-Length: %d\r\n" % len(text)
    match wish:
        case "chunks":
            chunks = (
                b""
                if request.method == b"HEAD"
                else b"1\r\n%b\r\n%x\r\n%b\r\n0\r\nX-Sum: 1\r\n\r\n"
                % (
                    text[:1],
                    len(text) - 1,
                    text[1:],
                )
            )
            return b"HTTP/1.1 200 OK\r\n" + fields + b"Transfer-Encoding: chunked\r\n\r\n" + chunks
        case "empty":
            return b"HTTP/1.1 200 OK\r\n" + fields + b"Content-Length: 0\r\n\r\n"
        case "none":
            return b"HTTP/1.1 204 No Content\r\n" + fields + b"\r\n"
        case "unchanged":
            return b"HTTP/1.1 304 Not Modified\r\n" + fields + b"Content-Length: 99\r\n\r\n"
        case "hints":
            hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 2
            return hints + b"HTTP/1.1 200 OK\r\n" + fields + length + b"\r\n" + text
        case "1.0":
            return b"HTTP/1.0 200 OK\r\n" + fields + length + b"\r\n" + text
        case "until-close":
            return b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n" + text
        case _:
            return b"HTTP/1.1 200 OK\r\n" + fields + length + b"\r\n" + text


def end_those_that_wait_for_it(proxy: WirelessProxy) -> bool:
    """The nodes that answer until the close have said all, and close."""
    ended = False
    for node in proxy.nodes:
        if not node.outbox and node.transport.written and not node.transport.told and _until_close(node.connection):
            node.end()
            ended = True
    return ended


def _until_close(connection: object) -> bool:
    return bool(getattr(connection, "_until_close", False))


asked = st.builds(
    Asked,
    st.sampled_from(METHODS),
    st.sampled_from(FRAMINGS),
    st.sampled_from(ANSWERS),
    st.booleans(),
    st.sampled_from([0, 0, 0, 1, 2]),
)


@settings(max_examples=250, deadline=None, derandomize=True)
@given(
    st.lists(asked, min_size=1, max_size=5),
    st.lists(st.integers(0, 1500), max_size=12),
    st.lists(st.sampled_from([0, 0, 1, 7, 40, 400]), min_size=1, max_size=8),
)
def test_pipelined_requests_are_answered_each_with_its_own_and_in_their_order(
    line: list[Asked], cuts: list[int], sizes: list[int]
) -> None:
    raw = b"".join(one.raw(number) for number, one in enumerate(line))
    note(f"sent: {raw!r}")
    proxy = WirelessProxy(answer)
    for turn, piece in enumerate(cut(raw, cuts)):
        proxy.send(piece)
        size = sizes[turn % len(sizes)]
        if size:
            proxy.step(size)
    while proxy.step(sizes[0] or 1 << 20) or end_those_that_wait_for_it(proxy):
        pass
    check_answers(proxy, line)
    check_what_the_nodes_got(proxy, line)
    assert proxy.open
    assert [record.status for record in proxy.records] == [_status(one) for one in line]
    assert {record.ended for record in proxy.records} == {"--"}


def _status(one: Asked) -> int:
    return {"none": 204, "unchanged": 304}.get(one.answer, 200)


def check_answers(proxy: WirelessProxy, line: list[Asked]) -> None:
    received = proxy.received
    note(f"received: {received!r}")
    for number, one in enumerate(line):
        read = h11_response(received, one.method.encode())
        assert isinstance(read, Message)
        assert read.start == (b"%d" % _status(one),)
        assert read.values(b"x-number") == [b"%d" % number]
        assert read.values(b"x-body") == [one.content(number)]
        silent = one.method == "HEAD" or one.answer in WITHOUT_BODY
        assert read.body == (b"" if silent else b"answer to %d: %b" % (number, one.content(number)))
        told = one.trailers and one.answer == "chunks" and not silent
        assert read.trailers == (((b"x-sum", b"1"),) if told else ())
        received = read.rest
    assert received == b""


def check_what_the_nodes_got(proxy: WirelessProxy, line: list[Asked]) -> None:
    """Once more with httptools: as many messages, to the same targets; h11 has read them on the way."""
    targets: list[bytes] = []

    class Listener:
        def on_url(self, url: bytes) -> None:
            targets.append(url)

    for node in proxy.nodes:
        httptools.HttpRequestParser(Listener()).feed_data(node.transport.written)
    assert sorted(targets) == sorted(f"/{number}/{one.answer}".encode() for number, one in enumerate(line))


@settings(max_examples=250, deadline=None, derandomize=True)
@given(st.lists(requests(), min_size=1, max_size=3), mutations, st.lists(st.integers(0, 1500), max_size=6))
def test_whatever_a_client_sends_nodes_get_whole_messages_and_it_gets_whole_answers(
    raws: list[bytes], changes: list[Mutation], cuts: list[int]
) -> None:
    raw = mutated(b"".join(raws), changes)
    note(f"sent: {raw!r}")
    methods: list[bytes] = []
    contents: list[bytes] = []

    def echo(request: h11.Request, body: bytes) -> bytes:
        methods.append(request.method)
        contents.append(body)
        text = b"" if request.method == b"HEAD" else b"number %d" % len(methods)
        return b"HTTP/1.1 200 OK\r\nX-Number: %d\r\nContent-Length: %d\r\n\r\n" % (len(methods), len(text)) + text

    proxy = WirelessProxy(echo)
    for piece in cut(raw, cuts):
        proxy.send(piece)
        proxy.step(30)
    proxy.finish()
    received, answers = proxy.received, 0
    note(f"received: {received!r}")
    while received not in {b"", b"HTTP/1.1 100 Continue\r\n\r\n"}:  # which is all there is while the body is missing
        read = h11_response(received, methods[answers] if answers < len(methods) else b"GET")
        if not isinstance(read, Message):
            read = h11_response(received, b"HEAD")  # refused, in the middle of its body
        assert isinstance(read, Message)
        received = read.rest
        if read.values(b"x-lb-error"):
            assert received == b"", "after a refusal nothing more is read"
        else:
            answers += 1
            assert read.values(b"x-number") == [b"%d" % answers]
    assert answers == len(methods)


@settings(max_examples=250, deadline=None, derandomize=True)
@given(responses(), mutations, st.sampled_from(["GET", "HEAD", "POST"]))
def test_whatever_a_node_answers_the_client_gets_it_whole_or_not_and_never_as_the_next_answer(
    raw: bytes, changes: list[Mutation], method: str
) -> None:
    bent = mutated(raw, changes)
    note(f"answered: {bent!r}")
    first = [True]

    def answer_bent(_request: h11.Request, _body: bytes) -> bytes:
        if first.pop() if first else False:
            return bent
        return b"HTTP/1.1 200 OK\r\nX-Number: 2\r\nContent-Length: 6\r\n\r\nsecond"

    proxy = WirelessProxy(answer_bent)
    proxy.send(
        f"{method} /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    )
    proxy.finish()
    if len(proxy.records) < 2 and proxy.open:
        proxy.nodes[0].end()  # what is not complete breaks off, or is complete because of it
        proxy.finish()
    note(f"received: {proxy.received!r}")
    if proxy.transport.aborted:
        assert len(proxy.records) == 1
        assert not isinstance(h11_response(proxy.received, method.encode()), Message)
        return
    read = h11_response(proxy.received, method.encode())
    assert isinstance(read, Message)
    if method != "HEAD" and b" 103 " not in proxy.received:
        alone = proxy.received[: len(proxy.received) - len(read.rest)]
        assert httptools_response(alone) == Message(read.start, read.fields, read.body, read.trailers)
    second = h11_response(read.rest)
    assert isinstance(second, Message)
    assert (second.body, second.rest) == (b"second", b"")
    assert [record.status for record in proxy.records] == [int(read.start[0]), 200]


# Found by the above, or by reading; each on its own.


def test_empty_lines_before_a_request_may_come_in_any_pieces() -> None:
    proxy = WirelessProxy(answer)
    for piece in (b"\r\n\r\n\r", b"\nGET /0/length HTTP/1.1\r\nHost: a\r\n\r\n\r", b"\n\r\n", b"\r", b"\n"):
        proxy.send(piece)
    proxy.finish()
    assert [record.status for record in proxy.records] == [200]
    assert proxy.open


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX-A: " + b"a" * 40_000 + b"\r\n\r\n", 431),
    ],
    ids=["a long target", "a long field"],
)
@pytest.mark.parametrize("size", [100_000, 1_000])
def test_which_limit_a_head_is_over_does_not_depend_on_its_pieces(head: bytes, status: int, size: int) -> None:
    proxy = WirelessProxy(answer)
    for begin in range(0, len(head), size):
        proxy.send(head[begin : begin + size])
    assert proxy.received.startswith(b"HTTP/1.1 %d " % status)


@pytest.mark.parametrize("half", [b"\r", b"\r\n", b"\r\n\r"])
def test_a_head_as_long_as_it_may_be_may_be_cut_within_its_end(half: bytes) -> None:
    start = b"GET /0/length HTTP/1.1\r\nHost: a\r\nX-A: "
    head = start + b"a" * (Limits().header_bytes - len(start))
    rest = b"\r\n\r\n".removeprefix(half)
    proxy = WirelessProxy(lambda _request, _body: b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 32_000 + b"\r\n\r\n")
    proxy.send(head + half)
    proxy.send(rest)
    assert len(proxy.nodes) == 1
    answer_start = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-A: "
    proxy.nodes[0].outbox = answer_start + b"a" * (Limits().header_bytes - len(answer_start)) + half
    proxy.finish()
    proxy.nodes[0].outbox = rest
    proxy.finish()
    assert [record.status for record in proxy.records] == [200]


def test_a_node_whose_lines_end_with_lf_is_not_waited_for() -> None:
    proxy = WirelessProxy(lambda _request, _body: b"HTTP/1.1 200 OK\nContent-Length: 0\n\n")
    proxy.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    proxy.finish()
    assert proxy.received.startswith(b"HTTP/1.1 502 ")


def test_a_body_behind_an_upgrade_is_never_a_request_at_the_node() -> None:
    smuggled = b"GET /admin HTTP/1.1\r\nHost: a\r\n\r\n"
    targets: list[bytes] = []

    def see(request: h11.Request, body: bytes) -> bytes:
        targets.append(bytes(request.target))
        return b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

    proxy = WirelessProxy(see)
    proxy.send(b"POST /a HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n")
    proxy.send(b"Content-Length: %d\r\n\r\n" % len(smuggled) + smuggled)
    proxy.finish()
    httptools.HttpRequestParser(object()).feed_data(proxy.nodes[0].transport.written)  # raises if it sees an upgrade
    assert targets == [b"/a"]


@pytest.mark.parametrize(
    ("method", "response"),
    [
        ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokMORE"),
        ("GET", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nMORE"),
        ("GET", b"HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nMORE"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nMORE"),
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nMORE"),
        ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"),
    ],
    ids=["length", "chunked", "204", "304", "HEAD", "close"],
)
def test_a_node_that_says_more_than_it_should_or_its_last_word_is_not_asked_again_there(
    method: str, response: bytes
) -> None:
    proxy = WirelessProxy(lambda _request, _body: response)
    for _ in range(4):
        proxy.send(f"{method} / HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        proxy.finish()
    assert len(proxy.records) == 4
    assert len(proxy.nodes) == 4
    assert b"MORE" not in proxy.received


def test_a_node_that_says_what_it_should_is_asked_again_on_the_same_connection() -> None:
    proxy = WirelessProxy(answer)
    for number in range(6):
        proxy.send(b"GET /%d/chunks HTTP/1.1\r\nHost: a\r\n\r\n" % number)
        proxy.finish()
    assert len(proxy.records) == 6
    assert len(proxy.nodes) == 2
