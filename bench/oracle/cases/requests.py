"""How cases write their requests. Pure."""

from bench.oracle.case import Read, Send


def request(
    method: str = "GET",
    *fields: str,
    behave: str = "",
    nth: int = 1,
    body: bytes = b"",
    cookie: str = "ROUTEID=.a",
    target: str = "/case",
    version: str = "HTTP/1.1",
) -> Send:
    """A correct request bound to node a; its ``nth`` on the connection; Content-Length unless ``fields`` frame it."""
    lines = [f"{method} {target} {version}", "Host: jira.example", "X-Case: {id}", f"X-Token: {{id}}-{nth}"]
    lines += [f"X-Behave: {behave}"] * bool(behave) + [f"Cookie: {cookie}"] * bool(cookie)
    framed = any(field.lower().startswith(("content-length", "transfer-encoding")) for field in fields)
    if (body or method in {"POST", "PUT"}) and not framed:
        lines.append(f"Content-Length: {len(body)}")
    return Send("\r\n".join([*lines, *fields, "", ""]).encode("latin-1") + body)


def get(*fields: str, behave: str = "", nth: int = 1) -> Send:
    """A GET bound to node a."""
    return request("GET", *fields, behave=behave, nth=nth)


def post(*fields: str, behave: str = "", nth: int = 1) -> Send:
    """A POST of five bytes bound to node a."""
    return request("POST", *fields, behave=behave, nth=nth, body=b"order")


def asked(behave: str) -> tuple[Send, Read]:
    """A GET that gets the node's misbehaviour, and its answer."""
    return get(behave=behave), Read()


def asked_then_more(behave: str, method: str = "GET") -> tuple[Send, Read, Send, Read]:
    """The same, and then a GET on the same connection: is it still in step?"""
    return request(method, behave=behave), Read(head=method == "HEAD"), get(nth=2), Read()
