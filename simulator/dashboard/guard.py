"""Who may use the control port: whoever calls this machine by its own name and brings the token. Pure.

The page itself is no secret; what it shows and does is. It brings the token in a header, never in a cookie: a page of
another site can make a browser send cookies, but not that header, so there is nothing to forge. The name in Host
keeps out a site whose name leads to this machine (DNS rebinding).
"""

import hmac
import re

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def refusal(token: str, *, host: str | None, authorization: str | None, secret: bool) -> tuple[int, str] | None:
    """Status and reason for a request that may not be served; ``secret`` is whether the token is wanted."""
    found = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^:\[\]]+))(?::[0-9]*)?", host or "")
    if not found or (found[1] or found[2]) not in _LOOPBACK:
        return 403, f"Host {host!r} is no name of this machine's loopback; use 127.0.0.1, localhost or [::1]"
    if not secret:
        return None
    scheme, _, brought = (authorization or "").partition(" ")
    right = hmac.compare_digest(brought.strip().encode("utf-8", "replace"), token.encode())
    if scheme.lower() == "bearer" and right:
        return None
    return 401, "this port wants Authorization: Bearer with the token of the cluster's file"
