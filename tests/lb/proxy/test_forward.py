"""Heads as they are written: what a node is told of a client, and a client of a node."""

import pytest

from lb.config import Limits
from lb.http.request import RequestHead, RequestScanner
from lb.http.response import ResponseHead, ResponseScanner
from lb.proxy.forward import (
    Peer,
    interim_to_client,
    request_id_of,
    request_to_node,
    response_to_client,
    switching_to_client,
)
from tests.support.http_readers import FRIEND, STRANGER, VIA


def scan(*lines: bytes, start: bytes = b"GET /a HTTP/1.1", host: bytes = b"Host: lb.test:80") -> RequestHead:
    return RequestScanner(Limits()).scan(b"\r\n".join([start, host, *lines]))


def to_node(request: RequestHead, peer: Peer = STRANGER, cookies: bytes = b"") -> list[bytes]:
    """The lines a node gets."""
    written = request_to_node(request, peer, cookies, b"id1", VIA)
    assert written.endswith(b"\r\n\r\n")
    return written[:-4].split(b"\r\n")


def scan_response(*lines: bytes, start: bytes = b"HTTP/1.1 200 OK", method: bytes = b"GET") -> ResponseHead:
    return ResponseScanner(Limits()).scan(b"\r\n".join([start, *lines]), method)


def to_client(
    response: ResponseHead,
    *extras: bytes,
    chunked: bool = False,
    close: bool = False,
    http11: bool = True,
    te_trailers: bool = False,
) -> list[bytes]:
    """The lines a client gets."""
    written = response_to_client(
        response, extras, chunked=chunked, close=close, http11=http11, te_trailers=te_trailers
    )
    assert written.endswith(b"\r\n\r\n")
    return written[:-4].split(b"\r\n")


# Requests.


def test_a_node_gets_the_request_and_who_asked_for_what_on_which_way() -> None:
    assert to_node(scan(b"accept:*/*", b"X-A: 1")) == [
        b"GET /a HTTP/1.1",
        b"Host: lb.test:80",
        b"accept: */*",
        b"X-A: 1",
        b"X-Forwarded-For: 192.0.2.7",
        b"X-Forwarded-Proto: http",
        b"X-Forwarded-Port: 8080",
        b"Via: " + VIA,
        b"X-Forwarded-Host: lb.test:80",
        b"X-Request-Id: id1",
    ]


@pytest.mark.parametrize("start", [b"GET /a HTTP/1.0", b"GET /a HTTP/1.1"])
def test_the_version_is_our_own(start: bytes) -> None:
    assert to_node(scan(start=start))[0] == b"GET /a HTTP/1.1"


def test_of_an_absolute_target_the_node_gets_path_and_host() -> None:
    lines = to_node(scan(start=b"GET http://other.test?b HTTP/1.1"))
    assert lines[:2] == [b"GET /?b HTTP/1.1", b"Host: other.test"]
    assert b"X-Forwarded-Host: other.test" in lines


def test_the_cookies_are_those_that_the_caller_leaves_over() -> None:
    request = scan(b"Cookie: a=b; ROUTEID=.node1")
    assert [line for line in to_node(request, cookies=b"a=b") if line.startswith(b"Cookie")] == [b"Cookie: a=b"]
    assert not [line for line in to_node(request) if line.startswith(b"Cookie")]


@pytest.mark.parametrize(
    ("framing", "written"),
    [
        ([b"Content-Length: 005"], [b"Content-Length: 5"]),
        ([b"Content-Length: 0"], [b"Content-Length: 0"]),
        ([], []),
        ([b"Transfer-Encoding: Chunked"], [b"Transfer-Encoding: chunked"]),
        ([b"Transfer-Encoding: chunked", b"Trailer: X-Sum"], [b"Transfer-Encoding: chunked", b"Trailer: X-Sum"]),
        ([b"Content-Length: 5", b"Trailer: X-Sum"], [b"Content-Length: 5"]),
        ([b"Content-Length: 5", b"Expect: 100-Continue"], [b"Content-Length: 5", b"Expect: 100-continue"]),
        ([b"Expect: 100-continue"], []),
    ],
)
def test_the_framing_is_our_own(framing: list[bytes], written: list[bytes]) -> None:
    assert to_node(scan(*framing, start=b"POST /a HTTP/1.1"))[8:] == written


@pytest.mark.parametrize(
    ("lines", "written"),
    [
        ([b"TE: trailers, gzip"], [b"TE: trailers", b"Connection: te"]),
        ([b"TE: gzip"], []),
        ([b"Upgrade: websocket", b"Connection: upgrade"], [b"Upgrade: websocket", b"Connection: upgrade"]),
        ([b"Upgrade: h2c", b"Connection: upgrade"], []),
        ([b"Upgrade: websocket"], []),
        (
            [b"Upgrade: websocket", b"TE: trailers", b"Connection: TE, Upgrade, close"],
            [b"Upgrade: websocket", b"TE: trailers", b"Connection: upgrade, te"],
        ),
        ([b"Connection: close"], []),
        ([b"Connection: keep-alive", b"Keep-Alive: timeout=5"], []),
    ],
)
def test_of_what_is_meant_for_one_hop_the_node_gets_what_we_ask_of_it(
    lines: list[bytes], written: list[bytes]
) -> None:
    assert to_node(scan(*lines))[8:] == written


@pytest.mark.parametrize(
    ("start", "given", "written"),
    [
        (b"OPTIONS /a HTTP/1.1", b"5", b"4"),
        (b"OPTIONS /a HTTP/1.1", b"1", b"0"),
        (b"GET /a HTTP/1.1", b"5", b"5"),
        (b"GET /a HTTP/1.1", b"0", b"0"),
    ],
)
def test_max_forwards_counts_down_where_it_means_something(start: bytes, given: bytes, written: bytes) -> None:
    assert to_node(scan(b"Max-Forwards: " + given, start=start))[8:] == [b"Max-Forwards: " + written]


def test_connection_cannot_take_away_what_we_add() -> None:
    named = b"Connection: X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host, Via, X-Request-Id, Host"
    assert to_node(scan(named, b"X-Forwarded-For: 1.2.3.4")) == to_node(scan())


# Who may say which way a request has come.

SAID = (
    b"X-Forwarded-For: 203.0.113.9",
    b"X-Forwarded-Proto: https",
    b"X-Forwarded-Host: outside.test",
    b"X-Forwarded-Port: 443",
    b"Forwarded: for=203.0.113.9;proto=https",
    b"Via: 1.1 edge",
    b"X-Request-Id: given",
)


def test_a_stranger_s_word_on_its_way_is_replaced_and_its_chain_is_continued() -> None:
    assert to_node(scan(*SAID))[2:] == [
        b"X-Forwarded-For: 203.0.113.9, 192.0.2.7",
        b"Via: 1.1 edge, " + VIA,
        b"X-Forwarded-Proto: http",
        b"X-Forwarded-Port: 8080",
        b"X-Forwarded-Host: lb.test:80",
        b"X-Request-Id: id1",
    ]


@pytest.mark.parametrize("line", SAID)
def test_no_single_word_of_a_stranger_passes_for_ours(line: bytes) -> None:
    written = to_node(scan(line))
    name = line.partition(b":")[0]
    if name in {b"X-Forwarded-For", b"Via"}:
        assert [known for known in written if known.startswith(name)] != [line]
    else:
        assert line not in written
    for known in (b"X-Forwarded-For", b"X-Forwarded-Proto", b"X-Forwarded-Port", b"X-Forwarded-Host", b"Via"):
        assert len([one for one in written if one.startswith(known + b":")]) == 1


def test_a_trusted_proxy_s_word_on_the_way_passes() -> None:
    assert to_node(scan(*SAID), FRIEND)[2:] == [
        b"X-Forwarded-For: 203.0.113.9, 192.0.2.8",
        b"Via: 1.1 edge, " + VIA,
        *SAID[1:5],
        b"X-Request-Id: id1",
    ]


@pytest.mark.parametrize(
    ("said", "added"),
    [
        (SAID[1], [b"X-Forwarded-Host: lb.test:80"]),
        (SAID[3], [b"X-Forwarded-Host: lb.test:80"]),
        (SAID[2], [b"X-Forwarded-Proto: http", b"X-Forwarded-Port: 8080"]),
        (SAID[4], [b"X-Forwarded-Proto: http", b"X-Forwarded-Port: 8080", b"X-Forwarded-Host: lb.test:80"]),
    ],
)
def test_what_a_trusted_proxy_leaves_out_we_say(said: bytes, added: list[bytes]) -> None:
    assert to_node(scan(said), FRIEND)[4:-1] == [said, *added]


def test_a_trusted_proxy_that_says_nothing_is_introduced_as_a_stranger_is() -> None:
    assert to_node(scan(), FRIEND) == [line.replace(b"2.7", b"2.8") for line in to_node(scan())]


@pytest.mark.parametrize(
    ("peer", "given", "used"),
    [
        (FRIEND, b"abc-1.2_3", b"abc-1.2_3"),
        (STRANGER, b"abc", b""),
        (FRIEND, b"", b""),
        (FRIEND, b"a b", b""),
        (FRIEND, b'a"b', b""),
        (FRIEND, b"caf\xe9", b""),
        (FRIEND, b"a" * 128, b"a" * 128),
        (FRIEND, b"a" * 129, b""),
    ],
)
def test_a_request_s_identifier_is_taken_from_a_trusted_peer_if_it_is_fit_for_logs(
    peer: Peer, given: bytes, used: bytes
) -> None:
    assert request_id_of(scan(b"X-Request-Id: " + given), peer) == used


# Responses.


def test_a_client_gets_the_response_in_our_version_with_our_lines_after_it() -> None:
    response = scan_response(b"Content-Length: 5", b"x-a:1", start=b"HTTP/1.0 404 Gone Fishing")
    assert to_client(response, b"Set-Cookie: ROUTEID=.node1") == [
        b"HTTP/1.1 404 Gone Fishing",
        b"Content-Length: 5",
        b"x-a: 1",
        b"Set-Cookie: ROUTEID=.node1",
    ]


@pytest.mark.parametrize(
    ("close", "http11", "said"),
    [
        (False, True, []),
        (True, True, [b"Connection: close"]),
        (False, False, [b"Connection: keep-alive"]),
        (True, False, [b"Connection: close"]),
    ],
)
def test_a_client_hears_whether_the_connection_stays_if_its_version_does_not_say_it(
    close: bool, http11: bool, said: list[bytes]
) -> None:
    response = scan_response(b"Content-Length: 0", b"Connection: close")
    assert to_client(response, close=close, http11=http11)[2:] == said


@pytest.mark.parametrize(
    ("framing", "te_trailers", "said"),
    [
        (
            [b"Transfer-Encoding: chunked", b"Trailer: X-Sum"],
            True,
            [b"Transfer-Encoding: chunked", b"Trailer: X-Sum"],
        ),
        ([b"Transfer-Encoding: chunked", b"Trailer: X-Sum"], False, [b"Transfer-Encoding: chunked"]),
        ([b"Trailer: X-Sum"], True, [b"Transfer-Encoding: chunked"]),
    ],
)
def test_trailers_are_announced_to_a_client_that_takes_them_if_there_can_be_any(
    framing: list[bytes], te_trailers: bool, said: list[bytes]
) -> None:
    assert to_client(scan_response(*framing), chunked=True, te_trailers=te_trailers)[1:] == said


def test_an_informational_response_passes_without_what_is_meant_for_one_hop() -> None:
    response = scan_response(b"Link: </a.css>", b"Connection: X-Hop", b"X-Hop: 1", start=b"HTTP/1.1 103 Early Hints")
    assert interim_to_client(response) == b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"


def test_a_switch_of_protocols_is_said_in_our_own_words() -> None:
    lines = (b"connection: Upgrade, X-Hop", b"upgrade: websocket", b"X-Hop: 1", b"Sec-WebSocket-Accept: x")
    response = scan_response(*lines, start=b"HTTP/1.1 101 Switching Protocols")
    assert switching_to_client(response, (b"Set-Cookie: a=b",)) == (
        b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: x\r\nSet-Cookie: a=b\r\n"
        b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n"
    )
