"""Who may use the admin port: who brings the token, or, where there is none, who calls this machine by its own name.

Without a token the port is on loopback, which keeps other machines out but not the pages that a browser on this
machine shows: a site may let its name resolve to 127.0.0.1 (DNS rebinding) and would then count as the port's own.
Such a request carries the site's name in Host, and that gives it away.
"""

import hmac
import re
from dataclasses import dataclass

from lb.config import is_loopback


@dataclass(frozen=True)
class Refused:
    """The answer to somebody who may not."""

    status: int
    message: str


def refusal(token: str | None, *, authorization: str | None, host: str | None) -> Refused | None:
    """None if a request with these header fields may be served; ``token`` is what it must bring, if anything."""
    if token is not None:
        scheme, _, brought = (authorization or "").partition(" ")
        right = hmac.compare_digest(brought.strip().encode("utf-8", "replace"), token.encode("utf-8"))
        if scheme.lower() == "bearer" and right:
            return None
        return Refused(401, "this port wants Authorization: Bearer with the configuration's admin_token")
    if is_loopback(_name(host or "")):
        return None
    return Refused(403, f"Host {host!r} is no name of this machine's loopback; use 127.0.0.1, localhost or [::1]")


def _name(host: str) -> str:
    """The host of a Host field, without port and brackets; empty if it cannot be read."""
    found = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^:\[\]]+))(?::[0-9]*)?", host)
    return (found[1] or found[2]) if found else ""
