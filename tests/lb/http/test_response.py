"""What a response's head says, rule by rule, and which of them a client never sees."""

import pytest

from lb.config import Limits
from lb.http.response import CHUNKED, UNTIL_CLOSE, BadResponseError, ResponseHead, ResponseScanner


def scan(*lines: bytes, start: bytes = b"HTTP/1.1 200 OK", method: bytes = b"GET") -> ResponseHead:
    return ResponseScanner(Limits()).scan(b"\r\n".join([start, *lines]), method)


# Status lines (RFC 9112 4).


@pytest.mark.parametrize(
    ("start", "status", "written"),
    [
        (b"HTTP/1.1 200 OK", 200, b"200 OK"),
        (b"HTTP/1.0 404 Not Found", 404, b"404 Not Found"),
        (b"HTTP/1.1 200 ", 200, b"200 "),
        (b"HTTP/1.1 200", 200, b"200 "),
        (b"HTTP/1.1 999 caf\xe9\tbar", 999, b"999 caf\xe9\tbar"),
    ],
)
def test_a_status_line_is_written_anew(start: bytes, status: int, written: bytes) -> None:
    response = scan(start=start)
    assert (response.status, response.line) == (status, written)


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"<html>",
        b"ICY 200 OK",
        b"HTTP/2 200 OK",
        b"HTTP/2.0 200 OK",
        b"HTTP/1.2 200 OK",
        b"HTTP/0.9 200 OK",
        b"http/1.1 200 OK",
        b"HTTP/1.1",
        b"HTTP/1.1 ",
        b"HTTP/1.1 20 OK",
        b"HTTP/1.1 2000 OK",
        b"HTTP/1.1 099 Low",
        b"HTTP/1.1 000 Null",
        b"HTTP/1.1 -20 OK",
        b"HTTP/1.1 2x0 OK",
        b"HTTP/1.1 \xb2\xb2\xb2 OK",
        b"HTTP/1.1  200 OK",
        b"HTTP/1.1\t200\tOK",
        b"HTTP/1.1 200OK",
        b" HTTP/1.1 200 OK",
        b"HTTP/1.1 200 O\x00K",
        b"HTTP/1.1 200 O\rK",
        b"HTTP/1.1 200 O\nK",
        b"HTTP/1.1 200 \x1b[2J",
    ],
)
def test_what_is_no_status_line_is_refused(start: bytes) -> None:
    scanner = ResponseScanner(Limits())
    for _ in range(2):
        with pytest.raises(BadResponseError, match="status line"):
            scanner.scan(start + b"\r\nContent-Length: 0", b"GET")


# Framing (RFC 9112 6.3).


@pytest.mark.parametrize(
    ("start", "lines", "length", "reusable"),
    [
        (b"HTTP/1.1 200 OK", [b"Content-Length: 5"], 5, True),
        (b"HTTP/1.1 200 OK", [b"content-length:005\t"], 5, True),
        (b"HTTP/1.1 200 OK", [b"Content-Length: 0"], 0, True),
        (b"HTTP/1.1 200 OK", [b"Transfer-Encoding: chunked"], CHUNKED, True),
        (b"HTTP/1.1 200 OK", [b"transfer-encoding:CHUNKED"], CHUNKED, True),
        (b"HTTP/1.1 200 OK", [], UNTIL_CLOSE, False),
        (b"HTTP/1.1 200 OK", [b"Connection: keep-alive"], UNTIL_CLOSE, False),
        (b"HTTP/1.1 200 OK", [b"Content-Length: 5", b"Connection: close"], 5, False),
        (b"HTTP/1.1 200 OK", [b"Content-Length: 5", b"Connection: close, keep-alive"], 5, False),
        (b"HTTP/1.1 205 Reset Content", [b"Content-Length: 0"], 0, True),
        (b"HTTP/1.0 200 OK", [b"Content-Length: 5"], 5, False),
        (b"HTTP/1.0 200 OK", [b"Content-Length: 5", b"Connection: keep-alive"], 5, True),
        (b"HTTP/1.0 200 OK", [], UNTIL_CLOSE, False),
    ],
)
def test_where_the_body_ends_is_said_by_one_field_or_by_the_close(
    start: bytes, lines: list[bytes], length: int, reusable: bool
) -> None:
    response = scan(*lines, start=start)
    assert (response.length, response.keep_alive) == (length, reusable)


@pytest.mark.parametrize(
    ("start", "lines"),
    [
        (b"HTTP/1.1 200 OK", [b"Content-Length: 5", b"Content-Length: 6"]),
        (b"HTTP/1.1 200 OK", [b"Content-Length: 5", b"Content-Length: 5"]),
        (b"HTTP/1.1 200 OK", [b"Content-Length: 5, 5"]),
        (b"HTTP/1.1 200 OK", [b"Content-Length: +5"]),
        (b"HTTP/1.1 200 OK", [b"Content-Length: -5"]),
        (b"HTTP/1.1 200 OK", [b"Content-Length: 0x5"]),
        (b"HTTP/1.1 200 OK", [b"Content-Length:"]),
        (b"HTTP/1.1 200 OK", [b"Content-Length: \xb2"]),
        (b"HTTP/1.1 200 OK", [b"Content-Length: 18446744073709551621"]),
        (b"HTTP/1.1 200 OK", [b"Content-Length: 5", b"Transfer-Encoding: chunked"]),
        (b"HTTP/1.1 200 OK", [b"Transfer-Encoding: chunked", b"Content-Length: 5"]),
        (b"HTTP/1.1 200 OK", [b"Transfer-Encoding: chunked, chunked"]),
        (b"HTTP/1.1 200 OK", [b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"]),
        (b"HTTP/1.1 200 OK", [b"Transfer-Encoding: gzip"]),
        (b"HTTP/1.1 200 OK", [b"Transfer-Encoding: gzip, chunked"]),
        (b"HTTP/1.1 200 OK", [b"Transfer-Encoding: chunked, gzip"]),
        (b"HTTP/1.1 200 OK", [b"Transfer-Encoding: identity"]),
        (b"HTTP/1.1 200 OK", [b"Transfer-Encoding: xchunked"]),
        (b"HTTP/1.1 200 OK", [b"Transfer-Encoding:"]),
        (b"HTTP/1.0 200 OK", [b"Transfer-Encoding: chunked"]),
        (b"HTTP/1.1 204 No Content", [b"Content-Length: 5", b"Transfer-Encoding: chunked"]),
        (b"HTTP/1.1 304 Not Modified", [b"Content-Length: 5", b"Content-Length: 6"]),
    ],
)
def test_a_body_that_could_be_read_in_two_ways_is_refused(start: bytes, lines: list[bytes]) -> None:
    with pytest.raises(BadResponseError):
        scan(*lines, start=start)


@pytest.mark.parametrize("framing", [b"Content-Length: 5", b"Transfer-Encoding: chunked", b"X-A: 1"])
@pytest.mark.parametrize(
    ("start", "method"),
    [
        (b"HTTP/1.1 200 OK", b"HEAD"),
        (b"HTTP/1.1 204 No Content", b"GET"),
        (b"HTTP/1.1 304 Not Modified", b"GET"),
        (b"HTTP/1.1 100 Continue", b"GET"),
        (b"HTTP/1.1 103 Early Hints", b"POST"),
    ],
)
def test_some_responses_have_no_body_whatever_their_fields_say(start: bytes, method: bytes, framing: bytes) -> None:
    response = scan(framing, start=start, method=method)
    assert response.length == 0
    assert response.keep_alive is True


@pytest.mark.parametrize(
    ("start", "method", "told"),
    [
        (b"HTTP/1.1 200 OK", b"HEAD", True),
        (b"HTTP/1.1 304 Not Modified", b"GET", True),
        (b"HTTP/1.1 204 No Content", b"GET", False),
        (b"HTTP/1.1 204 No Content", b"HEAD", False),
        (b"HTTP/1.1 103 Early Hints", b"GET", False),
    ],
)
def test_the_length_that_a_body_would_have_is_told_where_it_may_be(start: bytes, method: bytes, told: bool) -> None:
    response = scan(b"X-A: 1", b"content-length: 5", start=start, method=method)
    assert response.fields == ([b"X-A: 1", b"content-length: 5"] if told else [b"X-A: 1"])


# Fields.


@pytest.mark.parametrize(
    "line",
    [
        b" folded",
        b"\tfolded",
        b"X-A : 1",
        b"X-A",
        b": 1",
        b"X A: 1",
        b"X-A: \x00",
        b"X-A: 1\r2",
        b"X-A: 1\n2",
        b"X-A: \x7f",
    ],
)
def test_what_is_no_field_is_refused(line: bytes) -> None:
    with pytest.raises(BadResponseError):
        scan(b"Content-Length: 0", line)


def test_more_fields_than_allowed_are_refused() -> None:
    scanner = ResponseScanner(Limits(header_count=10))
    assert len(scanner.scan(b"HTTP/1.1 200 OK" + b"\r\nX-A: 1" * 10, b"GET").fields) == 10
    with pytest.raises(BadResponseError, match="more than 10"):
        scanner.scan(b"HTTP/1.1 200 OK" + b"\r\nX-A: 1" * 11, b"GET")


def test_what_the_application_says_passes_in_its_order() -> None:
    lines = (
        b"Retry-After: 7",
        b"Allow: GET",
        b"WWW-Authenticate: Basic realm=x",
        b"Set-Cookie: a=b",
        b"Set-Cookie: c=d",
        b"Content-Type: text/html",
        b"Via: 1.1 inner",
        b"Content-Length: 5",
        b"Location: /",
    )
    response = scan(*lines)
    assert response.fields == list(lines)
    assert response.set_cookies == (b"a=b", b"c=d")


def test_a_name_with_an_underscore_passes_to_a_client() -> None:
    assert scan(b"X_Trace: 1").fields == [b"X_Trace: 1"]


def test_what_is_meant_for_one_hop_is_dropped() -> None:
    response = scan(
        b"Connection: keep-alive, X-Hop",
        b"Keep-Alive: timeout=5",
        b"Proxy-Connection: keep-alive",
        b"Proxy-Authenticate: Basic",
        b"Transfer-Encoding: chunked",
        b"TE: trailers",
        b"Trailer: X-Sum",
        b"Upgrade: h2c",
        b"x-hop: 1",
        b"X-A: 1",
    )
    assert response.fields == [b"X-A: 1"]
    assert response.trailer == b"X-Sum"


@pytest.mark.parametrize("name", [b"Content-Length", b"Set-Cookie", b"Content-Type"])
def test_connection_does_not_take_away_what_the_body_and_the_session_need(name: bytes) -> None:
    response = scan(b"Connection: " + name, b"Content-Length: 5", b"Set-Cookie: a=b", b"Content-Type: a/b")
    assert response.fields == [b"Content-Length: 5", b"Set-Cookie: a=b", b"Content-Type: a/b"]


@pytest.mark.parametrize(
    ("lines", "timeout_s"),
    [
        ([], None),
        ([b"Keep-Alive: timeout=5"], 5.0),
        ([b"keep-alive: max=100, TIMEOUT = 15"], 15.0),
        ([b'Keep-Alive: timeout="7", max=1'], 7.0),
        ([b"Keep-Alive: max=100"], None),
        ([b"Keep-Alive: timeout=soon"], None),
        ([b"Keep-Alive: xtimeout=5"], None),
        ([b"Keep-Alive: timeout=5", b"Keep-Alive: max=100"], 5.0),
        ([b"Keep-Alive: timeout=9", b"Keep-Alive: timeout=5"], 5.0),
        ([b"Keep-Alive: timeout=5", b"Keep-Alive: timeout=9"], 5.0),
    ],
)
def test_how_long_a_node_keeps_an_idle_connection_is_heard(lines: list[bytes], timeout_s: float | None) -> None:
    assert scan(b"Content-Length: 0", *lines).idle_timeout_s == timeout_s


@pytest.mark.parametrize(
    ("value", "is_stream"),
    [(b"text/event-stream", True), (b"Text/Event-Stream; charset=utf-8", True), (b"text/html", False), (b"", False)],
)
def test_an_event_stream_is_known_by_its_type(value: bytes, is_stream: bool) -> None:
    assert scan(b"Content-Type: " + value).event_stream is is_stream


# Switching protocols (RFC 9110 7.8, 15.2.2).


def test_a_node_that_switches_says_to_which_protocol() -> None:
    response = scan(b"Upgrade: websocket", b"Connection: Upgrade", start=b"HTTP/1.1 101 Switching Protocols")
    assert (response.upgrade, response.length, response.fields) == (b"websocket", 0, [])


@pytest.mark.parametrize("lines", [[], [b"Connection: upgrade"], [b"Upgrade: websocket"]])
def test_a_node_that_switches_and_does_not_say_to_which_protocol_is_refused(lines: list[bytes]) -> None:
    with pytest.raises(BadResponseError, match="switches"):
        scan(*lines, start=b"HTTP/1.1 101 Switching Protocols")


def test_responses_share_nothing_through_what_is_remembered() -> None:
    scanner = ResponseScanner(Limits())
    scanner.scan(b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\nConnection: close", b"GET")
    response = scanner.scan(b"HTTP/1.1 200 OK\r\nContent-Length: 5", b"GET")
    assert (response.length, response.keep_alive, response.fields) == (5, True, [b"Content-Length: 5"])
    assert scanner.scan(b"HTTP/1.1 204 No Content", b"GET").keep_alive is True
