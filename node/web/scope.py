"""What belongs to one request: who asks, what the answer must carry besides its content."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from aiohttp import web

from node.web.sessions import Session


class SignedInBy(StrEnum):
    """How the visitor was recognised."""

    SESSION = "session"
    REMEMBER_ME = "remember-me"
    BASIC = "basic"


@dataclass(frozen=True)
class Visitor:
    """Who asks. ``session`` is None for HTTP Basic."""

    username: str
    display_name: str
    administrator: bool
    by: SignedInBy
    session: Session | None = None

    @property
    def xsrf_token(self) -> str:
        """What the visitor's forms must carry."""
        return self.session.xsrf_token if self.session else ""


@dataclass(frozen=True)
class Cookie:
    """A cookie to set, or with an empty value to delete. ``max_age_s`` None means until the browser closes."""

    name: str
    value: str
    max_age_s: int | None = None


@dataclass
class RequestScope:
    """Filled by the middlewares, read by the handlers and by the signal that completes each answer.

    ``presented`` are the cookies the browser sent, ``cookies`` those it will be given, by name.
    """

    request_id: str
    presented: Mapping[str, str] = field(default_factory=dict)
    visitor: Visitor | None = None
    cookies: dict[str, Cookie] = field(default_factory=dict)
    form: dict[str, str] | None = None

    def set_cookie(self, cookie: Cookie) -> None:
        """Give the browser this cookie; the last one of a name counts."""
        self.cookies[cookie.name] = cookie


SCOPE = web.RequestKey("scope", RequestScope)


def scope_of(request: web.Request) -> RequestScope:
    """The request's scope."""
    return request[SCOPE]


def visitor_of(request: web.Request) -> Visitor:
    """Who asks, on routes that strangers do not reach."""
    visitor = request[SCOPE].visitor
    if visitor is None:  # pragma: no cover - the authentication middleware lets no stranger this far
        raise web.HTTPUnauthorized
    return visitor


def is_rest(request: web.Request) -> bool:
    """Whether the client is a program that expects JSON."""
    return request.path.startswith("/rest/")
