"""Answers of the load balancer's own: small, plain, and marked so that they can be told from a node's."""

from http import HTTPStatus

from lb.proxy.forward import NAME


def own_answer(
    status: int,
    text: str,
    *,
    error: str,
    reason: str,
    close: bool,
    http11: bool = True,
    head: bool = False,
    retry_after_s: int | None = None,
    extras: tuple[bytes, ...] = (),
) -> bytes:
    """A whole response. ``error`` is a proxy error type of RFC 9209, ``reason`` our own word for it.

    With ``head`` the body is left out but its length is told, as for any HEAD.
    """
    phrase = HTTPStatus(status).phrase
    printable = "".join(char if " " <= char <= "~" else "?" for char in text)
    details = printable.replace("\\", "\\\\").replace('"', '\\"')
    body = f"{status} {phrase}\n{text}\n".encode("utf-8", "replace")
    lines = [
        f"HTTP/1.1 {status} {phrase}".encode("ascii"),
        b"Content-Type: text/plain; charset=utf-8",
        b"Content-Length: %d" % len(body),
        b"Cache-Control: no-store",
        f'Proxy-Status: {NAME}; error={error}; details="{details}"'.encode("ascii"),
        b"X-LB-Error: " + reason.encode("ascii", "replace"),
    ]
    if retry_after_s is not None:
        lines.append(b"Retry-After: %d" % retry_after_s)
    if status == 405:
        lines.append(_ALLOW)
    lines += extras
    if close:
        lines.append(b"Connection: close")
    elif not http11:
        lines.append(b"Connection: keep-alive")
    lines.append(b"\r\n")
    return b"\r\n".join(lines) + (b"" if head else body)


_ALLOW = b"Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
"""RFC 9110 15.5.6 wants it; others than these are passed on too, if a node knows them."""
