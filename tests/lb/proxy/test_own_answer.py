"""Answers of the load balancer's own: whole responses to anyone, and told from a node's."""

import pytest

from lb.proxy.own_answer import own_answer
from tests.support.http_readers import Message, h11_response, httptools_response


def answer(status: int = 503, text: str = "no node", **changes: object) -> bytes:
    facts: dict[str, object] = {"error": "destination_unavailable", "reason": "no-usable-node", "close": False}
    return own_answer(status, text, **{**facts, **changes})  # type: ignore[arg-type]  # its own arguments


@pytest.mark.parametrize("status", [400, 405, 408, 414, 417, 431, 501, 502, 503, 504, 505, 508])
@pytest.mark.parametrize("text", ["plain", 'a "quoted" \\ text', "über\r\nSet-Cookie: a=b\x00", "", "\ud800"])
def test_it_is_one_whole_response_to_others_whatever_its_text_is(status: int, text: str) -> None:
    written = answer(status, text)
    read = h11_response(written)
    assert isinstance(read, Message)
    assert read == httptools_response(written)
    assert (read.start, read.rest) == ((b"%d" % status,), b"")
    assert not read.values(b"set-cookie")


def test_it_says_that_it_is_ours_and_why() -> None:
    read = h11_response(answer(text='the "a" node', retry_after_s=7, extras=(b"X-LB-Attempts: 2",)))
    assert isinstance(read, Message)
    assert read.values(b"x-lb-error") == [b"no-usable-node"]
    assert read.values(b"proxy-status") == [b'zdu-lb; error=destination_unavailable; details="the \\"a\\" node"']
    assert read.values(b"retry-after") == [b"7"]
    assert read.values(b"x-lb-attempts") == [b"2"]
    assert read.values(b"cache-control") == [b"no-store"]
    assert read.body == b'503 Service Unavailable\nthe "a" node\n'


def test_to_head_it_tells_the_length_and_sends_no_body() -> None:
    with_body, without = answer(), answer(head=True)
    assert with_body.startswith(without)
    assert without.endswith(b"\r\n\r\n")
    assert h11_response(without, b"HEAD") != h11_response(with_body, b"GET")


@pytest.mark.parametrize(
    ("close", "http11", "said"),
    [(False, True, []), (True, True, [b"close"]), (False, False, [b"keep-alive"]), (True, False, [b"close"])],
)
def test_it_says_whether_the_connection_stays(close: bool, http11: bool, said: list[bytes]) -> None:
    read = h11_response(answer(close=close, http11=http11))
    assert isinstance(read, Message)
    assert read.values(b"connection") == said


def test_whoever_may_not_use_a_method_hears_which_it_may() -> None:
    read, other = h11_response(answer(405)), h11_response(answer(503))
    assert isinstance(read, Message)
    assert isinstance(other, Message)
    assert b"GET" in read.values(b"allow")[0]
    assert b"TRACE" not in read.values(b"allow")[0]
    assert not other.values(b"allow")
