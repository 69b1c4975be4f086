"""How vectors write their requests: correct but for one thing. Pure."""

from bench.oracle.case import Vector, Verdict


def head(
    *fields: bytes,
    method: bytes = b"GET",
    target: bytes = b"/v",
    version: bytes = b"HTTP/1.1",
    host: bytes | None = b"jira.example",
    end: bytes = b"\r\n",
    body: bytes = b"",
) -> bytes:
    """A request bound to node a that asks for the end of the connection."""
    lines = [method + b" " + target + b" " + version]
    lines += [b"Host: " + host] if host is not None else []
    lines += [b"X-Case: {id}", b"Cookie: ROUTEID=.a", *fields, b"Connection: close", b"", b""]
    return end.join(lines) + body


def post(*fields: bytes, body: bytes = b"") -> bytes:
    """A POST whose framing is the point."""
    return head(*fields, method=b"POST", body=body)


def chunked(body: bytes, *fields: bytes) -> bytes:
    """A chunked POST."""
    return post(b"Transfer-Encoding: chunked", *fields, body=body)


def reject(name: str, raw: bytes, section: str) -> Vector:
    """Must be refused."""
    return Vector(name, raw, Verdict.REJECT, section)


def either(name: str, raw: bytes, section: str) -> Vector:
    """May be mended and passed on; ours is wanted to refuse it."""
    return Vector(name, raw, Verdict.EITHER, section)


def accept(name: str, raw: bytes, section: str) -> Vector:
    """Must reach a node, once."""
    return Vector(name, raw, Verdict.ACCEPT, section)
