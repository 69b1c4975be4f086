"""Remember-me and XSRF tokens: how they are written, hashed, derived and compared.

The remember-me cookie is ``id:token``; the database holds the token's hash only, so that a stolen database signs
nobody in. The XSRF token of a remembered session is derived from the remember-me id with a secret all nodes share:
a form that was loaded on one node is then still accepted on another. (Jira does not go so far: there a form loaded
before the move is refused. Plain sessions behave like that here too.)
"""

import hashlib
import hmac
import re
from dataclasses import dataclass

_REMEMBER_ME = re.compile(r"(?P<id>[1-9][0-9]{0,17}):(?P<token>[0-9a-f]{16,128})")


@dataclass(frozen=True)
class RememberMe:
    """What the remember-me cookie says."""

    id: int
    token: str

    def __str__(self) -> str:
        """The cookie's value."""
        return f"{self.id}:{self.token}"

    @property
    def token_hash(self) -> str:
        """What the database may know of the token. It is random and long, so one round of SHA-256 is enough."""
        return hash_token(self.token)


def hash_token(token: str) -> str:
    """The hash under which a remember-me token is stored."""
    return hashlib.sha256(token.encode()).hexdigest()


def parse_remember_me(cookie: str) -> RememberMe | None:
    """Read the cookie's value; None if it cannot be one of ours."""
    match = _REMEMBER_ME.fullmatch(cookie)
    return RememberMe(int(match["id"]), match["token"]) if match else None


def derive_xsrf_token(cluster_secret: str, remember_me_id: int, username: str) -> str:
    """The XSRF token of every session, on any node, that belongs to this remember-me token."""
    message = f"xsrf:{remember_me_id}:{username}".encode()
    return hmac.new(cluster_secret.encode(), message, hashlib.sha256).hexdigest()[:40]


def same_token(given: str, expected: str) -> bool:
    """Compare in a time that tells nothing about where they differ."""
    return hmac.compare_digest(given.encode(errors="replace"), expected.encode())
