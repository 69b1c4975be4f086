"""The words in which a routing decision is told: where a request goes, what its cookie said, and why."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from lb.stickiness import CookieAction, CookieState


class Moved(StrEnum):
    """Why a session left the node it was bound to."""

    DOWN = "down"
    """Its node is down, or in maintenance."""
    FAILED = "failed"
    """Its node did not answer this very request."""
    IDLE = "idle"
    """Its node drains, and it was silent for ``drain.move_idle``."""
    SAFE = "safe"
    """Its node drains, and the last response had ``drain.move_header``."""
    STREAM = "stream"
    """Its node drains, and its WebSocket or event stream was closed for that: whoever comes again goes elsewhere."""
    DEADLINE = "deadline"
    """Its node's drain deadline is over."""
    REBALANCED = "rebalanced"
    """Another node came back and had too few."""


@dataclass(slots=True)
class Route:
    """Where a request goes, what happens to its cookie, and why. Not frozen, because one is made for each request.

    ``set_cookie`` is the whole field line for the response, or empty. ``session`` is the key under which the session
    is remembered; empty for a client that has shown neither a session nor a binding yet.
    """

    node: str
    cookie_state: CookieState
    cookie_action: CookieAction
    reason: str
    set_cookie: bytes = b""
    session: str = ""
    moved_from: str = ""
    moved_by: Moved | None = None


NO_USABLE_NODE: Final = "no-usable-node"


@dataclass(frozen=True, slots=True)
class NoNode:
    """No node can take this request now; ``retry_after_s`` is what the client may be told.

    ``may_hold`` says that the request may wait in the queue; ``waits_for`` names the node it is bound to if that node
    is only busy: it then waits for that one. ``code`` is the reason in one word, as in ``X-LB-Error``.
    """

    reason: str
    cookie_state: CookieState
    retry_after_s: int
    may_hold: bool = False
    waits_for: str = ""
    code: str = NO_USABLE_NODE
