"""Single requests that must not pass, each with the rule that says so. None of them may be mended or guessed at."""

import pytest

from lb.config import Limits
from lb.http.request import Refusal, RequestScanner

HOST = b"Host: lb.test\r\n"


def line(start: bytes) -> bytes:
    return start + b"\r\n" + HOST


def field(text: bytes) -> bytes:
    return b"POST / HTTP/1.1\r\n" + HOST + text + b"\r\n"


def host(text: bytes) -> bytes:
    return b"GET / HTTP/1.1\r\n" + text


VECTORS: list[tuple[str, int, bytes]] = [
    # The request line.
    ("RFC 9112 3: two spaces after the method", 400, line(b"GET  / HTTP/1.1")),
    ("RFC 9112 3: two spaces before the version", 400, line(b"GET /  HTTP/1.1")),
    ("RFC 9112 3: a space after the version", 400, line(b"GET / HTTP/1.1 ")),
    ("RFC 9112 3: a space before the method", 400, line(b" GET / HTTP/1.1")),
    ("RFC 9112 3: a tab for a space", 400, line(b"GET\t/ HTTP/1.1")),
    ("RFC 9112 3: no version (HTTP/0.9)", 400, line(b"GET /")),
    ("RFC 9112 3: only a method", 400, line(b"GET")),
    ("RFC 9112 3: a space in the target", 400, line(b"GET /a b HTTP/1.1")),
    ("RFC 9112 3.1: no method", 400, line(b" / HTTP/1.1")),
    ("RFC 9110 9.1: a method that is no token", 400, line(b"G(ET / HTTP/1.1")),
    ("RFC 9110 9.1: a control character in the method", 400, line(b"GE\x00T / HTTP/1.1")),
    ("RFC 9110 9.1: a method beyond ASCII", 400, line(b"G\xc3\x89T / HTTP/1.1")),
    ("RFC 9112 2.3: a lower-case version", 400, line(b"GET / http/1.1")),
    ("RFC 9112 2.3: a version of two digits", 400, line(b"GET / HTTP/1.10")),
    ("RFC 9112 2.3: a version without a dot", 400, line(b"GET / HTTP/11")),
    ("RFC 9112 2.3: a version with a comma", 400, line(b"GET / HTTP/1,1")),
    ("RFC 9112 2.3: white space within the version", 400, line(b"GET / HTTP/ 1.1")),
    ("RFC 9112 2.3: another protocol's name", 400, line(b"GET / ICE/1.0")),
    ("RFC 9110 15.6.6: a later major version", 505, line(b"GET / HTTP/2.0")),
    ("RFC 9110 15.6.6: HTTP/2's preface", 505, b"PRI * HTTP/2.0"),
    ("RFC 9110 15.6.6: an earlier version", 505, line(b"GET / HTTP/0.9")),
    ("RFC 9110 15.6.6: a minor version nobody knows", 505, line(b"GET / HTTP/1.2")),
    ("RFC 9112 2.2: a bare LF after the request line", 400, b"GET / HTTP/1.1\nHost: lb.test\r\n"),
    ("RFC 9112 2.2: a bare CR in the request line", 400, line(b"GET /\r HTTP/1.1")),
    # The target.
    ("RFC 9112 3.2: a fragment", 400, line(b"GET /#top HTTP/1.1")),
    ("RFC 9112 3.2: a fragment in an http URI", 400, line(b"GET http://lb.test/#top HTTP/1.1")),
    ("RFC 9112 3.2: no form of a target", 400, line(b"GET index.html HTTP/1.1")),
    ("RFC 9112 3.2: only a query", 400, line(b"GET ?a=b HTTP/1.1")),
    ("RFC 9112 3.2: a control character", 400, line(b"GET /\x01 HTTP/1.1")),
    ("RFC 9112 3.2: NUL", 400, line(b"GET /\x00 HTTP/1.1")),
    ("RFC 9112 3.2: DEL", 400, line(b"GET /\x7f HTTP/1.1")),
    ("RFC 9112 3.2: bytes that should have been escaped", 400, line(b"GET /\xc3\xa4 HTTP/1.1")),
    ("RFC 9112 3.2.2: an http URI without a host", 400, line(b"GET http:///x HTTP/1.1")),
    ("RFC 9110 4.2.4: user information in an http URI", 400, line(b"GET http://user@lb.test/ HTTP/1.1")),
    ("RFC 9110 7.4: a URI that is not ours", 400, line(b"GET https://lb.test/ HTTP/1.1")),
    ("RFC 9110 7.4: a URI of another scheme", 400, line(b"GET ftp://lb.test/ HTTP/1.1")),
    ("RFC 9112 3.2.4: an asterisk without OPTIONS", 400, line(b"GET * HTTP/1.1")),
    ("RFC 9112 3.2.3: an authority without CONNECT", 400, line(b"GET lb.test:80 HTTP/1.1")),
    ("RFC 9110 9.3.6: CONNECT", 501, line(b"CONNECT lb.test:443 HTTP/1.1")),
    ("RFC 9110 9.3.6: CONNECT with a path", 501, line(b"CONNECT /tunnel HTTP/1.1")),
    ("RFC 9110 9.3.6: CONNECT with a body", 501, line(b"CONNECT / HTTP/1.1") + b"Content-Length: 5\r\n"),
    ("RFC 9110 9.3.6: CONNECT with an http URI", 501, line(b"CONNECT http://lb.test/ HTTP/1.1")),
    ("RFC 9113 3.4: the method of HTTP/2's preface", 501, line(b"PRI / HTTP/1.1")),
    ("RFC 9113 3.4: the same in HTTP/1.0", 501, b"PRI / HTTP/1.0"),
    # Host.
    ("RFC 9112 3.2: no Host", 400, host(b"Accept: */*\r\n")),
    ("RFC 9112 3.2: no fields at all", 400, host(b"")),
    ("RFC 9112 3.2: two of Host", 400, host(b"Host: a\r\nHost: b\r\n")),
    ("RFC 9112 3.2: the same Host twice", 400, host(b"Host: a\r\nHost: a\r\n")),
    ("RFC 9112 3.2: two of Host, spelt in two ways", 400, host(b"Host: a\r\nhOST: a\r\n")),
    ("RFC 9112 3.2: two of Host in HTTP/1.0", 400, b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n"),
    ("RFC 9110 7.2: an empty Host", 400, host(b"Host:\r\n")),
    ("RFC 9110 7.2: a list of hosts", 400, host(b"Host: a, b\r\n")),
    ("RFC 9110 7.2: a space in Host", 400, host(b"Host: a b\r\n")),
    ("RFC 9110 7.2: a tab in Host", 400, host(b"Host: a\tb\r\n")),
    ("RFC 9110 7.2: user information in Host", 400, host(b"Host: user@a\r\n")),
    ("RFC 9110 7.2: a path in Host", 400, host(b"Host: a/b\r\n")),
    ("RFC 9110 7.2: a query in Host", 400, host(b"Host: a?b\r\n")),
    ("RFC 9110 7.2: a scheme in Host", 400, host(b"Host: http://a\r\n")),
    ("RFC 9110 7.2: a port that is no number", 400, host(b"Host: a:8o\r\n")),
    ("RFC 9110 7.2: a port of six digits", 400, host(b"Host: a:800000\r\n")),
    ("RFC 9110 7.2: two ports", 400, host(b"Host: a:80:80\r\n")),
    ("RFC 9110 7.2: only a port", 400, host(b"Host: :80\r\n")),
    ("RFC 9110 7.2: an IPv6 address that is not closed", 400, host(b"Host: [::1\r\n")),
    ("RFC 9110 7.2: an IPv6 address without brackets", 400, host(b"Host: ::1\r\n")),
    ("RFC 9110 7.2: half an escape", 400, host(b"Host: a%2\r\n")),
    ("RFC 9110 7.2: a host beyond ASCII", 400, host(b"Host: caf\xc3\xa9\r\n")),
    # Framing.
    (
        "RFC 9112 6.1: Content-Length and Transfer-Encoding",
        400,
        field(b"Content-Length: 5\r\nTransfer-Encoding: chunked"),
    ),
    (
        "RFC 9112 6.1: Transfer-Encoding and Content-Length",
        400,
        field(b"Transfer-Encoding: chunked\r\nContent-Length: 5"),
    ),
    (
        "RFC 9112 6.3: Content-Length of nothing and chunked",
        400,
        field(b"Content-Length: 0\r\nTransfer-Encoding: chunked"),
    ),
    ("RFC 9112 6.1: chunked in HTTP/1.0", 400, b"POST / HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n"),
    ("RFC 9112 6.3: two lengths", 400, field(b"Content-Length: 5\r\nContent-Length: 6")),
    ("RFC 9112 6.3: the same length twice", 400, field(b"Content-Length: 5\r\nContent-Length: 5")),
    ("RFC 9112 6.3: a list of lengths", 400, field(b"Content-Length: 5, 6")),
    ("RFC 9112 6.3: a list of the same length", 400, field(b"Content-Length: 5, 5")),
    ("RFC 9110 8.6: an empty length", 400, field(b"Content-Length:")),
    ("RFC 9110 8.6: a negative length", 400, field(b"Content-Length: -1")),
    ("RFC 9110 8.6: a length with a plus", 400, field(b"Content-Length: +5")),
    ("RFC 9110 8.6: a hexadecimal length", 400, field(b"Content-Length: 0x5")),
    ("RFC 9110 8.6: a length with an underscore", 400, field(b"Content-Length: 1_0")),
    ("RFC 9110 8.6: a length with a space", 400, field(b"Content-Length: 1 0")),
    ("RFC 9110 8.6: a length with a fraction", 400, field(b"Content-Length: 5.0")),
    ("RFC 9110 8.6: a length with a parameter", 400, field(b"Content-Length: 5;a")),
    ("RFC 9110 8.6: a quoted length", 400, field(b'Content-Length: "5"')),
    ("RFC 9110 8.6: digits beyond ASCII", 400, field(b"Content-Length: \xb2")),
    ("RFC 9110 8.6: a length above 64 bits", 400, field(b"Content-Length: 18446744073709551621")),
    ("RFC 9112 6.1: chunked twice", 400, field(b"Transfer-Encoding: chunked, chunked")),
    (
        "RFC 9112 6.1: chunked twice, on two lines",
        400,
        field(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
    ),
    ("RFC 9112 6.1: chunked is not the last", 400, field(b"Transfer-Encoding: chunked, gzip")),
    ("RFC 9112 6.1: chunked is not there", 400, field(b"Transfer-Encoding: gzip")),
    ("RFC 9112 7: identity", 400, field(b"Transfer-Encoding: identity")),
    (
        "RFC 9112 7: chunked and identity on two lines",
        400,
        field(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity"),
    ),
    ("RFC 9112 6.1: an empty coding", 400, field(b"Transfer-Encoding:")),
    ("RFC 9112 6.1: a list with an empty member", 400, field(b"Transfer-Encoding: , chunked")),
    ("RFC 9112 6.1: a coding that only ends like it", 400, field(b"Transfer-Encoding: xchunked")),
    ("RFC 9112 6.1: a coding that only begins like it", 400, field(b"Transfer-Encoding: chunkedx")),
    ("RFC 9112 7: chunked has no parameters", 400, field(b"Transfer-Encoding: chunked;q=1")),
    ("RFC 9112 7: chunked in quotes", 400, field(b'Transfer-Encoding: "chunked"')),
    ("RFC 9112 6.1: a vertical tab before chunked", 400, field(b"Transfer-Encoding: \x0bchunked")),
    ("RFC 9112 6.1: a no-break space after chunked", 400, field(b"Transfer-Encoding: chunked\xa0")),
    ("RFC 9112 6.1: a coding we do not know", 400, field(b"Transfer-Encoding: what, chunked")),
    ("RFC 9112 6.1: a coding we do not do", 501, field(b"Transfer-Encoding: gzip, chunked")),
    (
        "RFC 9112 6.1: a coding we do not do, on two lines",
        501,
        field(b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked"),
    ),
    # Fields.
    ("RFC 9112 5.1: a space before the colon", 400, field(b"X-A : 1")),
    ("RFC 9112 5.1: a tab before the colon", 400, field(b"X-A\t: 1")),
    ("RFC 9112 5.1: a space before the colon of Transfer-Encoding", 400, field(b"Transfer-Encoding : chunked")),
    ("RFC 9112 5.1: a space before the colon of Content-Length", 400, field(b"Content-Length : 5")),
    ("RFC 9112 5.2: a folded line", 400, field(b"X-A: 1\r\n 2")),
    ("RFC 9112 5.2: a line folded with a tab", 400, field(b"X-A: 1\r\n\t2")),
    ("RFC 9112 5.2: a folded Transfer-Encoding", 400, field(b"Transfer-Encoding:\r\n chunked")),
    ("RFC 9112 2.2: white space before the first field", 400, b"GET / HTTP/1.1\r\n X-A: 1\r\n" + HOST),
    ("RFC 9112 5: a line without a colon", 400, field(b"X-A")),
    ("RFC 9112 5: a field without a name", 400, field(b": 1")),
    ("RFC 9110 5.1: a space in a name", 400, field(b"X A: 1")),
    ("RFC 9110 5.1: a name that is no token", 400, field(b"X(A): 1")),
    ("RFC 9110 5.1: a name with a slash", 400, field(b"X/A: 1")),
    ("RFC 9110 5.1: a name beyond ASCII", 400, field(b"X-\xc3\xa4: 1")),
    ("RFC 9110 5.1: NUL in a name", 400, field(b"X-\x00A: 1")),
    ("RFC 9110 5.5: NUL in a value", 400, field(b"X-A: 1\x002")),
    ("RFC 9110 5.5: a bare CR in a value", 400, field(b"X-A: 1\r2")),
    ("RFC 9110 5.5: a CR at a value's end", 400, field(b"X-A: 1\r")),
    ("RFC 9110 5.5: a bare LF in a value", 400, field(b"X-A: 1\nContent-Length: 5")),
    ("RFC 9110 5.5: a control character in a value", 400, field(b"X-A: \x1b[2J")),
    ("RFC 9110 5.5: DEL in a value", 400, field(b"X-A: \x7f")),
    ("RFC 9110 5.5: NUL in a cookie", 400, field(b"Cookie: a=\x00")),
    ("RFC 9110 10.1.1: an expectation nobody knows", 417, field(b"Expect: the-unexpected")),
    ("RFC 9110 10.1.1: an expectation and another", 417, field(b"Expect: 100-continue, the-unexpected")),
    ("RFC 9110 7.6.2: Max-Forwards is no number", 400, field(b"Max-Forwards: -1")),
]


@pytest.mark.parametrize(("status", "request_"), [vector[1:] for vector in VECTORS], ids=[v[0] for v in VECTORS])
def test_a_request_that_breaks_a_rule_is_refused_with_its_status(status: int, request_: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        RequestScanner(Limits()).scan(request_.removesuffix(b"\r\n"))
    assert refused.value.status == status
    assert refused.value.text
    assert refused.value.reason


def test_what_was_refused_once_is_refused_again_and_spoils_nothing_after_it() -> None:
    scanner = RequestScanner(Limits())
    for _, status, request in [*VECTORS, *VECTORS]:
        with pytest.raises(Refusal) as refused:
            scanner.scan(request.removesuffix(b"\r\n"))
        assert refused.value.status == status
        assert scanner.scan(b"GET / HTTP/1.1\r\nHost: lb.test").length == 0


def test_there_are_many_of_them_and_each_is_named_once() -> None:
    assert len({name for name, _, _ in VECTORS}) == len(VECTORS) >= 49


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /" + b"a" * 99 + b" HTTP/1.1\r\nHost: a", 200),
        (b"GET /" + b"a" * 100 + b" HTTP/1.1\r\nHost: a", 414),
        (b"GET / HTTP/1.1\r\nHost: a" + b"\r\nX-A: 1" * 9, 200),
        (b"GET / HTTP/1.1\r\nHost: a" + b"\r\nX-A: 1" * 10, 431),
    ],
    ids=["target as long as it may be", "target too long", "as many fields as there may be", "too many fields"],
)
def test_a_limit_is_kept_to_the_byte(head: bytes, status: int) -> None:
    scanner = RequestScanner(Limits(target_bytes=100, header_count=10))
    try:
        scanner.scan(head)
    except Refusal as refusal:
        assert refusal.status == status
    else:
        assert status == 200
