"""What a request's head says, rule by rule. What is refused is in test_refused_requests.py."""

import pytest

from lb.config import Limits
from lb.http.request import CHUNKED, Refusal, RequestHead, RequestScanner


def scan(*lines: bytes, start: bytes = b"GET / HTTP/1.1", host: bytes = b"Host: lb.test") -> RequestHead:
    return RequestScanner(Limits()).scan(b"\r\n".join([start, *([host] if host else []), *lines]))


# Request line, target, Host (RFC 9112 3).


def test_the_request_line_is_taken_apart() -> None:
    request = scan(start=b"PROPFIND /a?b=c HTTP/1.1")
    assert (request.method, request.target, request.http11) == (b"PROPFIND", b"/a?b=c", True)


@pytest.mark.parametrize(
    "target", [b"/", b"/a%20b;c=d?e=/f?g", b"//double", b"/http://inner/", b'/<>"{}|\\^`', b"/" + b"a" * 8191]
)
def test_a_path_passes_as_it_is(target: bytes) -> None:
    assert scan(start=b"GET " + target + b" HTTP/1.1").target == target


@pytest.mark.parametrize(
    ("target", "path", "host"),
    [
        (b"http://other.test/a?b", b"/a?b", b"other.test"),
        (b"HTTP://Other.test:81/", b"/", b"Other.test:81"),
        (b"http://other.test", b"/", b"other.test"),
        (b"http://other.test?b", b"/?b", b"other.test"),
        (b"http://[::1]:80/a", b"/a", b"[::1]:80"),
    ],
)
def test_of_an_absolute_target_the_authority_replaces_host(target: bytes, path: bytes, host: bytes) -> None:
    request = scan(start=b"GET " + target + b" HTTP/1.1")
    assert (request.target, request.host) == (path, host)


@pytest.mark.parametrize("target", [b"*", b"http://lb.test"])
def test_options_may_ask_the_whole_server(target: bytes) -> None:
    assert scan(start=b"OPTIONS " + target + b" HTTP/1.1").target == b"*"


@pytest.mark.parametrize(
    "host",
    [
        b"lb.test",
        b"lb.test:8080",
        b"LB.test.",
        b"127.0.0.1:1",
        b"[::1]",
        b"[2001:db8::1]:80",
        b"a_b-c",
        b"a%41",
        b"lb.test:",
    ],
)
def test_a_host_with_or_without_a_port_is_one(host: bytes) -> None:
    assert scan(host=b"Host: " + host + b" \t").host == host


def test_http_1_0_needs_no_host() -> None:
    assert scan(start=b"GET / HTTP/1.0", host=b"").host == b""


# Persistence (RFC 9112 9.3).


@pytest.mark.parametrize(
    ("version", "connection", "stays"),
    [
        (b"1.1", b"", True),
        (b"1.1", b"keep-alive", True),
        (b"1.1", b"close", False),
        (b"1.1", b"Keep-Alive, Close", False),
        (b"1.1", b"X-A,\tCLOSE ,", False),
        (b"1.0", b"", False),
        (b"1.0", b"Keep-Alive", True),
        (b"1.0", b"keep-alive, close", False),
    ],
)
def test_whether_the_connection_stays_is_said_by_version_and_connection(
    version: bytes, connection: bytes, stays: bool
) -> None:
    lines = [b"Connection: " + connection] if connection else []
    assert scan(*lines, start=b"GET / HTTP/" + version).keep_alive is stays


def test_several_connection_fields_are_one() -> None:
    request = scan(b"Connection: close", b"Connection: X-A", b"Connection: keep-alive", b"X-A: 1")
    assert request.keep_alive is False
    assert request.fields == []


def test_proxy_connection_means_nothing() -> None:
    request = scan(b"Proxy-Connection: close")
    assert request.keep_alive is True
    assert request.fields == []


# Framing (RFC 9112 6).


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"POST", b"OPTIONS", b"DELETE", b"BREW"])
@pytest.mark.parametrize(
    ("lines", "length"),
    [
        ([], 0),
        ([b"Content-Length: 0"], 0),
        ([b"Content-Length: 5"], 5),
        ([b"CONTENT-LENGTH:\t005 "], 5),
        ([b"Content-Length: 999999999999999999"], 999999999999999999),
        ([b"Transfer-Encoding: chunked"], CHUNKED),
        ([b"transfer-encoding:Chunked \t"], CHUNKED),
    ],
)
def test_the_length_is_said_by_one_field_whatever_the_method(method: bytes, lines: list[bytes], length: int) -> None:
    request = scan(*lines, start=method + b" / HTTP/1.1")
    assert request.length == length
    assert request.fields == []


@pytest.mark.parametrize("name", [b"Content_Length", b"Transfer_Encoding", b"X_Forwarded_For", b"X_A"])
def test_a_name_with_an_underscore_is_dropped(name: bytes) -> None:
    request = scan(name + b": chunked")
    assert (request.length, request.fields, request.chain) == (0, [], b"")


# Fields (RFC 9112 5, RFC 9110 5).


def test_fields_pass_in_their_order_with_their_spelling() -> None:
    assert scan(b"b: 1", b"A:2", b"b: 3", b"C:").fields == [b"b: 1", b"A: 2", b"b: 3", b"C: "]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (b"\t 1 \t", b"1"),
        (b"a\tb  c", b"a\tb  c"),
        (b"caf\xe9 \xff", b"caf\xe9 \xff"),
        (b"a: b:", b"a: b:"),
        (b"", b""),
    ],
)
def test_a_value_loses_the_white_space_around_it_and_nothing_else(value: bytes, written: bytes) -> None:
    assert scan(b"X-A:" + value).fields == [b"X-A: " + written]


def test_a_line_that_was_seen_before_means_the_same_again() -> None:
    scanner = RequestScanner(Limits())
    lines = (b"Host: a", b"X-A: 1", b"Connection: X-B, close", b"X-B: 2", b"Cookie: c=d", b"Content-Length: 7")
    head = b"\r\n".join([b"POST / HTTP/1.1", *lines])
    first, second = scanner.scan(head), scanner.scan(head)
    for request in (first, second):
        assert request.fields == [b"X-A: 1"]
        assert (request.length, request.cookies, request.keep_alive) == (7, b"c=d", False)


def test_requests_share_nothing_through_what_is_remembered() -> None:
    scanner = RequestScanner(Limits())
    scanner.scan(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: X-A\r\nX-A: 1")
    assert scanner.scan(b"GET / HTTP/1.1\r\nHost: a\r\nX-A: 1").fields == [b"X-A: 1"]


def test_more_different_lines_than_are_remembered_change_nothing() -> None:
    scanner = RequestScanner(Limits())
    for number in range(10_000):
        request = scanner.scan(b"GET / HTTP/1.1\r\nHost: h%d\r\nX-A: %d\r\nX-Forwarded-For: %d" % ((number,) * 3))
        assert request.fields == [b"X-A: %d" % number]
        assert request.host == b"h%d" % number
        assert request.chain == b"%d" % number


# Hop by hop (RFC 9110 7.6.1).


def test_what_is_meant_for_one_hop_is_dropped() -> None:
    hop_by_hop = (
        b"Connection: keep-alive",
        b"Keep-Alive: timeout=5",
        b"Proxy-Connection: keep-alive",
        b"Proxy-Authorization: Basic eDp5",
        b"TE: deflate",
        b"Trailer: X-Sum",
        b"Upgrade: websocket",
        b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
    )
    assert scan(b"X-A: 1", *hop_by_hop, b"X-B: 2").fields == [b"X-A: 1", b"X-B: 2"]


def test_what_connection_names_is_dropped_wherever_it_stands() -> None:
    request = scan(b"X-Hop: 1", b"X-Hopper: 2", b"Connection: x-hop,\tX-OTHER , ,", b"x-HOP: 3", b"X-Other: 4")
    assert request.fields == [b"X-Hopper: 2"]


def test_connection_takes_away_what_another_proxy_said_of_the_way() -> None:
    request = scan(
        b"Connection: x-forwarded-for, x-forwarded-proto, forwarded, x-request-id",
        b"X-Forwarded-For: 1.2.3.4",
        b"X-Forwarded-Proto: https",
        b"X-Forwarded-Host: h",
        b"Forwarded: for=1.2.3.4",
        b"X-Request-Id: abc",
    )
    assert (request.chain, request.request_id) == (b"", b"")
    assert request.forwarded == (b"X-Forwarded-Host: h",)


@pytest.mark.parametrize("name", [b"Host", b"Cookie", b"Content-Length", b"Via", b"Max-Forwards"])
def test_connection_does_not_take_away_what_says_where_to_whom_and_how_much(name: bytes) -> None:
    request = scan(b"Connection: " + name, b"Cookie: a=b", b"Content-Length: 5", b"Via: 1.1 p", b"Max-Forwards: 3")
    assert (request.host, request.cookies, request.length) == (b"lb.test", b"a=b", 5)
    assert (request.via, request.max_forwards) == (b"1.1 p", 3)


@pytest.mark.parametrize("name", [b"Authorization", b"Content-Type"])
def test_connection_does_not_take_away_who_asks_and_with_what(name: bytes) -> None:
    assert scan(b"Connection: " + name, name + b": x").fields == [name + b": x"]


def test_a_request_that_loses_its_idempotency_key_is_not_sent_again_because_of_it() -> None:
    assert scan(b"Idempotency-Key: k").idempotency_key is True
    request = scan(b"Idempotency-Key: k", b"Connection: idempotency-key")
    assert request.fields == []
    assert request.idempotency_key is False


def test_an_empty_idempotency_key_is_none() -> None:
    assert scan(b"Idempotency-Key:").idempotency_key is False


# TE, Trailer, Expect, Upgrade (RFC 9110 10.1.1, 10.1.4, 6.6.2, 7.8).


@pytest.mark.parametrize(
    ("value", "trailers"),
    [
        (b"trailers", True),
        (b"deflate, Trailers", True),
        (b"deflate;q=0.5", False),
        (b"trailersx", False),
        (b"", False),
    ],
)
def test_of_te_only_trailers_is_heard(value: bytes, trailers: bool) -> None:
    assert scan(b"TE: " + value, b"Connection: te").te_trailers is trailers


def test_several_trailer_fields_are_one() -> None:
    assert scan(b"Trailer: X-A", b"Trailer: X-B").trailer == b"X-A, X-B"


@pytest.mark.parametrize(
    ("start", "lines", "expects"),
    [
        (b"POST / HTTP/1.1", [b"Expect: 100-continue", b"Content-Length: 5"], True),
        (b"POST / HTTP/1.1", [b"Transfer-Encoding: chunked", b"expect:100-Continue"], True),
        (b"POST / HTTP/1.0", [b"Expect: 100-continue", b"Content-Length: 5"], False),
        (b"GET / HTTP/1.1", [b"Expect: 100-continue"], False),
        (b"POST / HTTP/1.1", [b"Expect: 100-continue", b"Content-Length: 0"], False),
    ],
)
def test_expect_is_heard_of_a_request_with_a_body_in_1_1(start: bytes, lines: list[bytes], expects: bool) -> None:
    request = scan(*lines, start=start)
    assert request.expects_continue is expects
    assert request.fields == []


@pytest.mark.parametrize(
    ("lines", "upgrade"),
    [
        ([b"Upgrade: websocket", b"Connection: Upgrade"], b"websocket"),
        ([b"Connection: keep-alive, upgrade", b"Upgrade: WebSocket , foo/2"], b"WebSocket, foo/2"),
        ([b"Upgrade: a", b"Upgrade: b", b"Connection: upgrade"], b"a, b"),
        ([b"Upgrade: websocket"], b""),
        ([b"Upgrade: websocket", b"Connection: keep-alive"], b""),
        ([b"Connection: upgrade"], b""),
    ],
)
def test_an_upgrade_is_heard_if_connection_names_it(lines: list[bytes], upgrade: bytes) -> None:
    request = scan(*lines)
    assert request.upgrade == upgrade
    assert request.fields == []


@pytest.mark.parametrize(
    ("offered", "left"),
    [
        (b"h2c", b""),
        (b"H2C", b""),
        (b"h2", b""),
        (b"HTTP/2.0", b""),
        (b"http/2", b""),
        (b"h2c, websocket", b"websocket"),
        (b"websocket,h2c", b"websocket"),
    ],
)
def test_http_2_is_never_offered_to_a_node(offered: bytes, left: bytes) -> None:
    assert scan(b"Upgrade: " + offered, b"Connection: upgrade, http2-settings", b"HTTP2-Settings: x").upgrade == left


@pytest.mark.parametrize("offered", [b",", b", ,", b"", b"h2c;q=1", b"h2 c", b'"h2c"', b"a/b/c", b"h2c\t, ,"])
def test_what_is_no_protocols_name_is_not_offered_to_a_node(offered: bytes) -> None:
    assert scan(b"Upgrade: " + offered, b"Connection: upgrade").upgrade == b""


@pytest.mark.parametrize("framing", [b"Content-Length: 5", b"Transfer-Encoding: chunked"])
def test_with_a_body_no_upgrade_is_offered_to_a_node(framing: bytes) -> None:
    lines = (b"Upgrade: websocket", b"Connection: upgrade")
    assert scan(*lines, framing, start=b"POST / HTTP/1.1").upgrade == b""
    assert scan(framing, *lines, start=b"POST / HTTP/1.1").upgrade == b""
    assert scan(*lines, b"Content-Length: 0").upgrade == b"websocket"


def test_http_1_0_cannot_upgrade() -> None:
    assert scan(b"Upgrade: websocket", b"Connection: upgrade", start=b"GET / HTTP/1.0").upgrade == b""


# What is ours to say, and what others have said (RFC 9110 7.6.2, 7.6.3).


def test_what_other_proxies_said_is_kept_apart() -> None:
    request = scan(
        b"X-Forwarded-For: 1.1.1.1",
        b"x-forwarded-for: 2.2.2.2",
        b"X-FORWARDED-PROTO: https",
        b"X-Forwarded-Host: h",
        b"X-Forwarded-Port: 443",
        b"Forwarded: for=1.1.1.1",
        b"Via: 1.0 a",
        b"Via: 1.1 b",
        b"X-Request-Id: abc",
        b"Max-Forwards: 12",
    )
    assert request.fields == []
    assert request.chain == b"1.1.1.1, 2.2.2.2"
    assert request.forwarded == (
        b"X-Forwarded-Proto: https",
        b"X-Forwarded-Host: h",
        b"X-Forwarded-Port: 443",
        b"Forwarded: for=1.1.1.1",
    )
    assert (request.via, request.request_id, request.max_forwards) == (b"1.0 a, 1.1 b", b"abc", 12)


def test_several_cookie_fields_are_one() -> None:
    assert scan(b"Cookie: a=b", b"cookie:c=d; e=f").cookies == b"a=b; c=d; e=f"
    assert scan(b"Cookie:", b"Cookie: a=b").cookies == b"a=b"


def test_secrets_are_not_remembered() -> None:
    scanner = RequestScanner(Limits(), in_c=False)
    scanner.scan(
        b"GET / HTTP/1.1\r\nHost: a\r\nCookie: secret1=1\r\nAuthorization: Basic secret2\r\nX-Request-Id: secret3"
    )
    kept = [*scanner._lines.passing, *scanner._lines.special]
    assert kept == [b"Host: a"]


def test_a_refusal_has_a_status_a_reason_and_words() -> None:
    with pytest.raises(Refusal, match="Host") as refused:
        scan(host=b"")
    assert (refused.value.status, refused.value.reason) == (400, "bad-request")
