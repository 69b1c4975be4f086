"""The scanner in C and the one in Python: the same result or the same refusal, whatever comes.

Python's is the one that the rest of these tests are about; on the compiled load balancer they all run on both.
"""

import pytest
from hypothesis import example, given, note, settings
from hypothesis import strategies as st

from lb.compiled import COMPILED
from lb.config import Limits
from lb.http.fields import Connection
from lb.http.request import Refusal, RequestHead, RequestScanner
from lb.http.response import BadResponseError, ResponseHead, ResponseScanner
from tests.support.http_messages import Mutation, message, mutated, mutations, requests, responses

pytestmark = pytest.mark.skipif(not COMPILED, reason="the scanner in C is there on the compiled one only")

LIMITS = Limits()
TIGHT = LIMITS.model_copy(update={"header_bytes": 120, "target_bytes": 20, "header_count": 4})
"""Tighter than a configuration may be, so that messages come to the edges."""
WORDS = b"GET,/,HTTP/1.1,HTTP/1.0, ,\r\n,\r,\n,:,Host,a,X_Y,\t,\0".split(b",")
soups = st.lists(st.sampled_from(WORDS), max_size=24).map(b"".join)
"""Of the very bytes that separate things: what no generator of messages comes upon."""


def facts(head: object) -> object:
    """All that a head says, to be compared."""
    if isinstance(head, Connection):
        return (head.close, head.keep_alive, head.upgrade, head.others)
    if not isinstance(head, RequestHead | ResponseHead):
        return head
    names = [name for name in dir(head) if not name.startswith("_")]
    return {name: facts(getattr(head, name)) for name in names}


def request(scanner: RequestScanner, data: bytes, *, whole: bool) -> object:
    try:
        head = scanner.scan(data) if whole else scanner.first(data)
    except Refusal as refusal:
        return (refusal.status, refusal.text, refusal.reason)
    if whole and head is not None:
        head.size = 0
    return facts(head)


def response(scanner: ResponseScanner, data: bytes, method: bytes, *, whole: bool) -> object:
    try:
        head = scanner.scan(data, method) if whole else scanner.first(data, method)
    except BadResponseError as error:
        return str(error)
    if whole and head is not None:
        head.size = 0
    return facts(head)


@settings(max_examples=1500, deadline=None, derandomize=True)
@given(st.one_of(requests(), soups), mutations, st.sampled_from([LIMITS, TIGHT]))
@example(b"GET / HTTP/1.1\r\nHost: a\r\n", [], LIMITS)
@example(b"GET / HTTP/1.1\r\nHost: a\r\n\r", [], LIMITS)
@example(b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", [], LIMITS)
@example(b"GET / HTTP/1.1", [], LIMITS)
@example(b"GET / HTTP/1.1\r", [], LIMITS)
@example(b"", [], LIMITS)
@example(b"\r\n\r\n", [], LIMITS)
def test_a_request_is_the_same_to_both(data: bytes, changes: list[Mutation], limits: Limits) -> None:
    data = mutated(data, changes)
    head = data.partition(b"\r\n\r\n")[0]
    note(f"came: {data!r}")
    in_c, in_python = RequestScanner(limits), RequestScanner(limits, in_c=False)
    for _ in range(2):  # the second time lines and values are remembered
        assert request(in_c, data, whole=False) == request(in_python, data, whole=False)
        assert request(in_c, head, whole=True) == request(in_python, head, whole=True)
        assert request(in_c, data, whole=True) == request(in_python, data, whole=True)


@settings(max_examples=1500, deadline=None, derandomize=True)
@given(st.one_of(responses(), soups), mutations, st.sampled_from([LIMITS, TIGHT]), st.sampled_from([b"GET", b"HEAD"]))
@example(b"HTTP/1.1 200 OK\r\n\r\n", [], LIMITS, b"GET")
@example(b"HTTP/1.1 200 OK", [], LIMITS, b"GET")
@example(b"HTTP/1.1 200 OK\r\nKeep-Alive: close\r\nConnection: timeout=5\r\n\r\n", [], LIMITS, b"GET")
def test_a_response_is_the_same_to_both(data: bytes, changes: list[Mutation], limits: Limits, method: bytes) -> None:
    data = mutated(data, changes)
    head = data.partition(b"\r\n\r\n")[0]
    note(f"came: {data!r}")
    in_c, in_python = ResponseScanner(limits), ResponseScanner(limits, in_c=False)
    for _ in range(2):
        assert response(in_c, data, method, whole=False) == response(in_python, data, method, whole=False)
        assert response(in_c, head, method, whole=True) == response(in_python, head, method, whole=True)
        assert response(in_c, data, method, whole=True) == response(in_python, data, method, whole=True)


@pytest.mark.parametrize("byte", range(256))
def test_every_byte_everywhere_is_the_same_to_both(byte: int) -> None:
    data = b"POST /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nX-A:\tb \r\n\r\nabc"
    in_c, in_python = RequestScanner(LIMITS), RequestScanner(LIMITS, in_c=False)
    for at in range(len(data)):
        bent = data[:at] + bytes([byte]) + data[at + 1 :]
        assert request(in_c, bent, whole=False) == request(in_python, bent, whole=False)


@pytest.mark.parametrize("count", [63, 64, 127, 128, 129, 200])
@pytest.mark.parametrize("size", [1, 31, 32, 33, 300])
def test_many_fields_and_long_names_are_the_same_to_both(count: int, size: int) -> None:
    limits = Limits(header_count=150)
    data = message(b"GET / HTTP/1.1", [b"Host: a", *[b"n" * size + b": 1"] * (count - 1)], b"")
    in_c, in_python = RequestScanner(limits), RequestScanner(limits, in_c=False)
    assert request(in_c, data, whole=False) == request(in_python, data, whole=False)


def test_a_limit_is_the_same_to_both_to_the_byte() -> None:
    in_c, in_python = RequestScanner(TIGHT), RequestScanner(TIGHT, in_c=False)
    from_c, from_python = ResponseScanner(TIGHT), ResponseScanner(TIGHT, in_c=False)
    for size in range(130):
        long_target = message(b"GET /" + b"a" * size + b" HTTP/1.1", [b"Host: a"], b"")
        long_head = message(b"GET / HTTP/1.1", [b"Host: a", b"X-A: " + b"a" * size], b"")
        for data in (long_target, long_head):
            assert request(in_c, data, whole=False) == request(in_python, data, whole=False)
        data = message(b"HTTP/1.1 200 OK", [b"X-A: " + b"a" * size], b"")
        assert response(from_c, data, b"GET", whole=False) == response(from_python, data, b"GET", whole=False)


def test_what_browsers_and_nodes_say_is_taken_apart_in_c() -> None:
    fields = [b"Host: a", b"Cookie: a=b", b"Connection: close", b"Accept: */*", b"Content-Length: 5", b"TE: gzip"]
    requests_in_c = RequestScanner(LIMITS)._heads
    assert requests_in_c is not None
    asked = message(b"POST / HTTP/1.1", fields, b"hello")
    assert requests_in_c.request(asked, False) == (
        b"POST",
        b"/",
        True,
        b"\r\nAccept: */*",
        [(0, b"a"), (1, b"a=b"), (2, b"close"), (3, b"5"), (7, b"gzip")],
        len(asked) - 5,
    )
    responses_in_c = ResponseScanner(LIMITS)._heads
    assert responses_in_c is not None
    answered = message(b"HTTP/1.1 200 OK", [b"content-length:5", b"Server: s"], b"hello")
    assert responses_in_c.response(answered, False) == (
        b"HTTP/1.1 200 OK",
        b"\r\ncontent-length: 5\r\nServer: s",
        [(0, b"5")],
        len(answered) - 5,
    )


def test_what_is_unusual_is_left_to_python() -> None:
    heads = RequestScanner(LIMITS)._heads
    assert heads is not None
    for data in (b"GET / HTTP/1.1\r\nHost: a\r\n", b"\r\nGET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\n a\r\n\r\n"):
        assert heads.request(data, False) is None
    for wrong in ((), (b"",), (b"", False, 1), ("", False), (None, False)):
        with pytest.raises(TypeError):
            heads.request(*wrong)
