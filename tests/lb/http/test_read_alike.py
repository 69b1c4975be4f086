"""What we accept, others read as we do: h11 and httptools, on both sides.

Three things are held against them. What we write anew is one whole message to both, and the same to both as to us.
What came is never to one of them, if it accepts it too, another message than to us: other content, another end. And
the fields that pass are the fields they see. Where one of the two is known to be wrong, or to know less, it is said
below and left out; there are no other exceptions.
"""

import itertools
import re

import httptools
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from lb.config import Limits
from lb.http.request import RequestScanner
from lb.http.response import UNTIL_CLOSE, ResponseScanner
from lb.proxy.forward import Peer
from tests.support.http_messages import (
    CHUNKED_BODIES,
    CODINGS,
    HOSTS,
    LENGTHS,
    Mutation,
    message,
    mutated,
    mutations,
    requests,
    responses,
)
from tests.support.http_readers import (
    FRIEND,
    OUR_ID,
    STRANGER,
    Message,
    Nothing,
    OurRequest,
    OurResponse,
    h11_request,
    h11_response,
    httptools_request,
    httptools_response,
    our_request,
    our_response,
)

WRITTEN_BY_US = frozenset(
    {
        b"connection",
        b"content-length",
        b"cookie",
        b"expect",
        b"forwarded",
        b"host",
        b"max-forwards",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"via",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-port",
        b"x-forwarded-proto",
        b"x-request-id",
    }
)
FOR_ONE_HOP = frozenset(
    {b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"http2-settings"}
)
KEPT_ANYWAY = frozenset({b"authorization", b"content-type", b"content-length", b"set-cookie"})
TAB_AFTER_CHUNKED = re.compile(rb"chunked *\t[ \t]*\r\n", re.IGNORECASE)
"""RFC 9112 5 allows it, and httptools then knows chunked no more, and reads until the close."""
STATUSES_WITHOUT_BODY = (204, 304)
cuts = st.lists(st.integers(0, 100), max_size=3)


def known_to_httptools(method: bytes) -> bool:
    """httptools has a list of methods; to it others are no HTTP at all, so that nothing can be taken for another."""
    head = method + b" / HTTP/1.1\r\nHost: a\r\n\r\n"
    return isinstance(httptools_request(head), Message)


def passing(message_: Message) -> list[tuple[bytes, bytes]]:
    """Of all fields that another reader saw, those that should pass."""
    named = {name.strip(b" \t").lower() for value in message_.values(b"connection") for name in value.split(b",")}
    gone = WRITTEN_BY_US | FOR_ONE_HOP | (named - KEPT_ANYWAY)
    return [field for field in message_.fields if field[0] not in gone and b"_" not in field[0]]


def split(lines: list[bytes]) -> list[tuple[bytes, bytes]]:
    pairs = [line.split(b":", 1) for line in lines]
    return [(name.lower(), value.strip(b" \t")) for name, value in pairs]


# Requests.


def check_request_as_written(request: OurRequest, peer: Peer) -> None:
    head = request.head
    written = request.to_node(peer)
    read = h11_request(written)
    assert isinstance(read, Message)
    assert read.start == (head.method, head.target)
    assert read.body == request.body
    assert read.rest == b""
    assert list(read.trailers) == split(request.trailers)
    assert [field for field in read.fields if field[0] not in WRITTEN_BY_US] == split(list(head.fields))
    assert read.values(b"host") == [head.host]
    assert read.values(b"x-request-id") == [OUR_ID]
    assert len(read.values(b"content-length") + read.values(b"transfer-encoding")) <= 1
    for name in (b"cookie", b"via", b"x-forwarded-for", b"connection", b"upgrade", b"te", b"expect", b"max-forwards"):
        assert len(read.values(name)) <= 1
    if known_to_httptools(head.method):
        assert httptools_request(written) == read
    else:
        assert httptools_request(written) is Nothing.REFUSED


def check_request_as_it_came(request: OurRequest, raw: bytes) -> None:
    came = raw[: request.consumed]
    for reader in (h11_request, httptools_request):
        read = reader(came)
        if reader is httptools_request and offers_upgrade_with_a_body(read):
            continue
        if read is Nothing.REFUSED:
            continue
        assert isinstance(read, Message), "we saw its end, and they did not"
        assert read.start[0] == request.head.method
        assert read.start[1] in {request.head.target, *absolute_forms(request)}
        assert read.body == request.body
        assert read.rest == b""
        assert passing(read) == split(list(request.head.fields))


def offers_upgrade_with_a_body(read: object) -> bool:
    """httptools then takes the body for the other protocol's; so we pass no such offer on."""
    framing = (b"content-length", b"transfer-encoding")
    return isinstance(read, Message) and bool(read.values(b"upgrade")) and any(read.values(name) for name in framing)


def absolute_forms(request: OurRequest) -> set[bytes]:
    target, host = request.head.target, request.head.host
    paths = {target, target.removeprefix(b"/")} if target != b"*" else {b""}
    return {scheme + host + path for scheme in (b"http://", b"HTTP://") for path in paths}


@settings(max_examples=1200, deadline=None, derandomize=True)
@given(requests(), mutations, cuts, st.sampled_from([STRANGER, FRIEND]))
def test_a_request_we_accept_is_to_others_what_it_is_to_us(
    raw: bytes, changes: list[Mutation], places: list[int], peer: Peer
) -> None:
    raw = mutated(raw, changes)
    note(f"came: {raw!r}")
    request = our_request(raw, cuts=places)
    if isinstance(request, OurRequest):
        check_request_as_written(request, peer)
        check_request_as_it_came(request, raw)


def test_good_requests_are_accepted_and_so_put_to_the_test() -> None:
    framings = [([], b""), *(([line], b"hello") for line in LENGTHS)]
    framings += [([line], body) for line in CODINGS for body in CHUNKED_BODIES]
    for (framing, body), host in itertools.product(framings, HOSTS):
        raw = message(b"POST /a?b HTTP/1.1", [host, b"Accept: */*", *framing], body)
        request = our_request(raw)
        assert isinstance(request, OurRequest), raw
        check_request_as_written(request, STRANGER)
        check_request_as_it_came(request, raw)


def test_a_body_behind_an_offered_upgrade_is_no_request_to_anyone() -> None:
    smuggled = b"GET /admin HTTP/1.1\r\nHost: a\r\n\r\n"
    fields = [b"Host: a", b"Connection: upgrade", b"Upgrade: websocket", b"Content-Length: %d" % len(smuggled)]
    raw = message(b"POST / HTTP/1.1", fields, smuggled)
    with pytest.raises(httptools.HttpParserUpgrade):
        httptools.HttpRequestParser(object()).feed_data(raw)
    request = our_request(raw)
    assert isinstance(request, OurRequest)
    httptools.HttpRequestParser(object()).feed_data(request.to_node())
    check_request_as_written(request, STRANGER)


def test_one_scanner_reads_a_mixed_crowd_of_requests_as_a_new_one_does() -> None:
    scanner = RequestScanner(Limits())
    crowd = [
        message(b"GET / HTTP/1.1", [host, *rest], b"") for host in HOSTS for rest in ([], *([x] for x in LENGTHS))
    ]
    for raw in crowd * 2:
        used, new = our_request(raw, scanner), our_request(raw)
        if isinstance(used, OurRequest):
            assert isinstance(new, OurRequest)
            assert used.to_node() == new.to_node()
        else:
            assert used is new


# Responses.


def check_response_as_written(response: OurResponse, method: bytes, *, http11: bool) -> None:
    written = response.to_client(http11=http11)
    ends_with_close = response.head.length < 0 and not http11
    read = h11_response(written, method, ended=ends_with_close)
    assert isinstance(read, Message)
    assert read.start == (b"%d" % response.head.status,)
    assert read.body == response.body
    assert read.rest == b""
    ours = WRITTEN_BY_US - {b"content-length", b"via"}
    passed = [field for field in split(list(response.head.fields)) if field[0] not in ours]
    assert [field for field in read.fields if field[0] not in ours] == passed
    if http11:
        assert list(read.trailers) == split(response.trailers)
    if method != b"HEAD":  # httptools cannot be told that it was asked with HEAD
        assert httptools_response(written, ended=ends_with_close) == read


def check_response_as_it_came(response: OurResponse, raw: bytes, method: bytes) -> None:
    came = raw[: response.consumed]
    ended = response.head.length == UNTIL_CLOSE
    reads = [h11_response(came, method, ended=ended)]
    if method != b"HEAD" and not TAB_AFTER_CHUNKED.search(came):
        reads.append(httptools_response(came, ended=ended))
    for read in reads:
        if read is Nothing.REFUSED:
            continue
        assert isinstance(read, Message), "we saw its end, and they did not"
        assert read.start == (b"%d" % response.head.status,)
        assert read.body == response.body
        assert read.rest == b""


@settings(max_examples=1000, deadline=None, derandomize=True)
@given(responses(), mutations, cuts, st.sampled_from([b"GET", b"POST", b"HEAD"]), st.booleans())
def test_a_response_we_accept_is_to_others_what_it_is_to_us(
    raw: bytes, changes: list[Mutation], places: list[int], method: bytes, http11: bool
) -> None:
    raw = mutated(raw, changes)
    note(f"came: {raw!r}")
    response = our_response(raw, method, cuts=places)
    if isinstance(response, OurResponse) and response.head.status >= 200:
        check_response_as_written(response, method, http11=http11)
        check_response_as_it_came(response, raw, method)


def test_good_responses_are_accepted_and_so_put_to_the_test() -> None:
    framings = [([], b"until the close"), *(([line], b"hello") for line in LENGTHS)]
    framings += [([line], body) for line in CODINGS for body in CHUNKED_BODIES]
    for (framing, body), http11, method, status in itertools.product(
        framings, (True, False), (b"GET", b"HEAD"), (200, 404, *STATUSES_WITHOUT_BODY)
    ):
        raw = message(b"HTTP/1.1 %d Whatever" % status, [b"Server: s", *framing], body)
        response = our_response(raw, method)
        assert isinstance(response, OurResponse), raw
        check_response_as_written(response, method, http11=http11)
        check_response_as_it_came(response, raw, method)


def test_a_truncated_body_never_looks_complete() -> None:
    for raw in (
        message(b"HTTP/1.1 200 OK", [b"Content-Length: 5"], b"hell"),
        message(b"HTTP/1.1 200 OK", [b"Transfer-Encoding: chunked"], b"5\r\nhello\r\n0\r\n"),
        message(b"HTTP/1.1 200 OK", [b"Transfer-Encoding: chunked"], b"5\r\nhello\r\n0\r\nX-A: 1\r\n"),
    ):
        assert our_response(raw) is Nothing.INCOMPLETE


def test_one_scanner_reads_a_mixed_crowd_of_responses_as_a_new_one_does() -> None:
    scanner = ResponseScanner(Limits())
    crowd = [message(b"HTTP/1.1 %d X" % status, [line], b"hello") for status in (200, 204) for line in LENGTHS]
    for raw in crowd * 2:
        used, new = our_response(raw, scanner=scanner), our_response(raw)
        assert isinstance(used, OurResponse)
        assert isinstance(new, OurResponse)
        assert used.to_client() == new.to_client()


def test_the_other_readers_are_not_blind() -> None:
    """They would be no test of us if they took everything."""
    assert h11_request(b"GET / HTTP/1.1\r\n\r\n") is Nothing.REFUSED
    assert httptools_request(b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n") is Nothing.REFUSED
    two = h11_request(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET")
    assert isinstance(two, Message)
    assert two.rest == b"GET"
    also_two = httptools_request(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n")
    assert isinstance(also_two, Message)
    assert also_two.rest
