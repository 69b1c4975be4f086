"""Which messages are passed on, and in what words the others are refused."""

import pytest

from lb.fitness import Target, parse_target, unfit_request, unfit_response
from lb.headers import Headers, with_host

HOST = (b"Host", b"jira.example:8080")


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/a%2Fb//c?q=%20x&y", Target("/a%2Fb//c?q=%20x&y")),
        ("//evil/a", Target("//evil/a")),
        ("/x/http://y/%2e%2e/%41b", Target("/x/http://y/%2e%2e/%41b")),
        ("http://jira.example/x/../%41?y=http://z", Target("/x/../%41?y=http://z", b"jira.example")),
        ("HTTPS://[::1]:443", Target("/", b"[::1]:443")),
        ("http://jira.example?x=1", Target("/?x=1", b"jira.example")),
    ],
)
def test_a_target_reaches_the_node_in_origin_form_and_byte_for_byte(target: str, expected: Target) -> None:
    assert parse_target(target) == expected


@pytest.mark.parametrize(
    "target",
    [
        "*",
        "",
        "a",
        "jira.example:443",
        "ftp://h/a",
        "http:///a",
        "http://u:p@h/a",
        "http://a b/",
        "/a#b?c",
        "http://h#b",
    ],
)
def test_a_target_that_is_none_or_could_be_read_in_two_ways_is_refused(target: str) -> None:
    assert parse_target(target) is None
    refused = unfit_request(target, (HOST,))
    assert refused is not None
    assert refused.status == 400


@pytest.mark.parametrize(
    "host", [b"h", b"jira.example:8080", b"127.0.0.1", b"[::1]", b"[2001:db8::1]:80", b"a_b-c.d:", b"%41"]
)
def test_a_host_with_or_without_a_port_passes(host: bytes) -> None:
    assert unfit_request("/", ((b"host", host),)) is None


@pytest.mark.parametrize(
    "host",
    [
        b"",
        b":80",
        b"x, evil",
        b"x/evil?",
        b"u@h",
        b"h:80:80",
        b"h:http",
        b"::1",
        b"[::1",
        b"[::1]x",
        b"%4",
        b"h#f",
        b"h\\",
    ],
)
def test_a_host_that_is_none_is_refused(host: bytes) -> None:
    refused = unfit_request("/", ((b"HOST", host),))
    assert refused is not None
    assert (refused.status, refused.text) == (400, "Host is not a host with or without a port")


@pytest.mark.parametrize("field", [(b"Cookie", b"a=caf\xe9"), (b"X\xff", b"a"), (b"X", b"\xc3")])
def test_a_field_that_is_not_utf_8_is_refused_in_both_directions(field: tuple[bytes, bytes]) -> None:
    refused = unfit_request("/", (HOST, field))
    assert refused is not None
    assert refused.status == 400
    assert "is not UTF-8" in refused.text
    assert "is not UTF-8" in unfit_response((field,))


@pytest.mark.parametrize(
    "codings",
    [
        (b"gzip, chunked",),
        (b"gzip", b"chunked"),
        (b"identity",),
        (b"chunked, chunked",),
        (b"chunked;a=b",),
        (b"x\xff",),
    ],
)
def test_transfer_codings_other_than_chunked_are_not_supported(codings: tuple[bytes, ...]) -> None:
    headers: Headers = (*((b"transfer-Encoding", coding) for coding in codings),)
    refused = unfit_request("/", (HOST, *headers))
    assert refused is not None
    assert refused.status == (400 if b"\xff" in codings[0] else 501)
    assert unfit_response(headers)


def test_what_is_fit_passes() -> None:
    headers = (HOST, (b"Transfer-Encoding", b"Chunked"), (b"X-Name", "Zoë".encode()))
    assert unfit_request("/", headers) is None
    assert unfit_response(headers[1:]) == ""


def test_the_targets_authority_overrules_host() -> None:
    received = ((b"A", b"1"), (b"host", b"old"), (b"B", b"2"))
    assert with_host(received, b"new:1") == ((b"Host", b"new:1"), (b"A", b"1"), (b"B", b"2"))
    assert with_host(received, None) == received
