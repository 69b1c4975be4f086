"""Who may use a route: named for each in the table of ``node.web.app``; what is not named is for signed-in users."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Access(Enum):
    """The four kinds of routes."""

    PUBLIC = "public"
    """No look at who asks: ``/status`` and what the log-in page needs to look like one."""
    LOG_IN = "log-in"
    """Strangers too, but it matters who asks."""
    SIGNED_IN = "signed in"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True)
class Route:
    """One line of the route table."""

    method: str
    path: str
    handler: Handler
    access: Access = Access.SIGNED_IN
