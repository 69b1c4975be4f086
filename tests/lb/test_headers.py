import pytest

from lb.headers import (
    Header,
    Peer,
    request_to_node,
    response_to_client,
    sticky_cookie,
    sticky_node,
    strip_hop_by_hop,
    values,
    wants_websocket,
    without_cookie,
)

PEER = Peer("192.0.2.7")


def names(headers: tuple[Header, ...]) -> list[bytes]:
    return [name for name, _ in headers]


@pytest.mark.parametrize(
    "name",
    [
        b"Connection",
        b"Keep-Alive",
        b"Proxy-Connection",
        b"Proxy-Authenticate",
        b"Proxy-Authorization",
        b"TE",
        b"Trailer",
        b"Transfer-Encoding",
        b"Upgrade",
        b"uPGRADE",
    ],
)
def test_hop_by_hop_fields_do_not_go_on(name: bytes) -> None:
    assert strip_hop_by_hop([(b"A", b"1"), (name, b"x"), (b"B", b"2")]) == ((b"A", b"1"), (b"B", b"2"))


def test_fields_that_connection_names_do_not_go_on() -> None:
    headers = [(b"Connection", b"close, X-One"), (b"X-One", b"1"), (b"connection", b"x-TWO"), (b"X-Two", b"2")]
    assert strip_hop_by_hop([*headers, (b"X-Three", b"3")]) == ((b"X-Three", b"3"),)


@pytest.mark.parametrize("name", [b"Host", b"Content-Length", b"Cookie", b"Authorization", b"Content-Type"])
def test_connection_cannot_take_away_what_the_message_means(name: bytes) -> None:
    assert (name, b"v") in strip_hop_by_hop([(b"Connection", name), (name, b"v")])


def test_connection_cannot_take_away_what_we_add() -> None:
    received = [(b"Host", b"h"), (b"Connection", b"X-Forwarded-For, Via"), (b"X-Forwarded-For", b"1.1.1.1")]
    sent = request_to_node(received, PEER, "ROUTEID")
    assert values(sent, b"x-forwarded-for") == [b"1.1.1.1, 192.0.2.7"]
    assert values(sent, b"via") == [b"1.1 zdu-lb"]


def test_the_client_is_appended_to_x_forwarded_for_as_one_list() -> None:
    received = [(b"X-Forwarded-For", b"1.1.1.1"), (b"x-forwarded-for", b"2.2.2.2")]
    assert values(request_to_node(received, PEER, "R"), b"x-forwarded-for") == [b"1.1.1.1, 2.2.2.2, 192.0.2.7"]


def test_a_client_cannot_claim_another_scheme_or_host() -> None:
    received = [(b"Host", b"jira"), (b"X-Forwarded-Proto", b"https"), (b"X-Forwarded-Host", b"evil")]
    sent = request_to_node(received, PEER, "R")
    assert values(sent, b"x-forwarded-proto") == [b"http"]
    assert values(sent, b"x-forwarded-host") == [b"jira"]
    assert values(sent, b"host") == [b"jira"]


def test_via_is_appended() -> None:
    assert values(request_to_node([(b"Via", b"1.0 front")], PEER, "R"), b"via") == [b"1.0 front, 1.1 zdu-lb"]


def test_our_cookie_is_not_leaked_and_the_others_stay_byte_for_byte() -> None:
    received = [(b"Cookie", b'a=1;  b="x; y";ROUTEID=.node1; ROUTEIDX=2; c')]
    assert without_cookie(received, "ROUTEID") == ((b"Cookie", b'a=1;  b="x; y"; ROUTEIDX=2; c'),)


def test_a_cookie_field_with_nothing_left_goes() -> None:
    assert without_cookie([(b"cookie", b" ROUTEID=.n1 ; "), (b"Cookie", b"ROUTEID=.n2")], "ROUTEID") == ()


def test_a_cookie_field_without_ours_is_not_touched() -> None:
    received = ((b"Cookie", b"  odd ;; =; x=ROUTEID=.n1 "),)
    assert without_cookie(received, "ROUTEID") == received


@pytest.mark.parametrize(
    ("field", "node"),
    [
        (b"ROUTEID=.node1", "node1"),
        (b"a=1; ROUTEID=.node1; b=2", "node1"),
        (b"ROUTEID=node1", "node1"),
        (b"ROUTEID=", ""),
        (b"ROUTEID=.\xff", "\xff"),
        (b"routeid=.node1", None),
        (b"XROUTEID=.node1", None),
    ],
)
def test_the_cookie_names_its_node(field: bytes, node: str | None) -> None:
    assert sticky_node([(b"Cookie", field)], "ROUTEID") == node


def test_our_cookie_is_a_session_cookie_out_of_reach_of_scripts() -> None:
    assert sticky_cookie("ROUTEID", "node1") == (b"Set-Cookie", b"ROUTEID=.node1; Path=/; HttpOnly; SameSite=Lax")


def test_the_nodes_cookies_keep_their_order_and_ours_comes_last() -> None:
    received = [(b"Set-Cookie", b"b=2"), (b"X", b"1"), (b"set-cookie", b"a=1"), (b"Keep-Alive", b"timeout=5")]
    sent = response_to_client(received, [sticky_cookie("R", "n")])
    assert values(sent, b"set-cookie")[:2] == [b"b=2", b"a=1"]
    assert names(sent) == [b"Set-Cookie", b"X", b"set-cookie", b"Set-Cookie"]


def test_expect_is_ours_to_answer() -> None:
    assert values(request_to_node([(b"Expect", b"100-continue")], PEER, "R"), b"expect") == []


def test_only_websocket_counts_as_an_upgrade_that_cannot_be_ignored() -> None:
    assert wants_websocket([(b"Connection", b"Upgrade"), (b"Upgrade", b"WebSocket")])
    assert not wants_websocket([(b"Connection", b"Upgrade, HTTP2-Settings"), (b"Upgrade", b"h2c")])
