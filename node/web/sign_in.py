"""Signing in and out: passwords, remember-me tokens and the sessions they lead to."""

import base64
import binascii
from dataclasses import dataclass

from node.passwords import verify_password
from node.web.context import WebContext
from node.web.scope import Cookie, RequestScope, SignedInBy, Visitor
from node.web.sessions import Session
from node.web.tokens import RememberMe, derive_xsrf_token, hash_token, parse_remember_me
from node.web.validation import storable
from shared_db import User

SESSION_COOKIE = "JSESSIONID"
REMEMBER_ME_COOKIE = "seraph.rememberme.cookie"
XSRF_COOKIE = "atlassian.xsrf.token"
SILENT_SIGN_IN_HEADER = "X-Zdu-Signed-In"
_LONGEST_NAME = 255
_LONGEST_PASSWORD = 1024


@dataclass(frozen=True)
class Denied:
    """The attempt failed; ``wait_s`` above zero means it was not even looked at."""

    wait_s: float = 0.0


async def check_password(context: WebContext, username: str, password: str) -> User | Denied:
    """The user of that name and password, or why not. Unknown names take as long as wrong passwords."""
    now = context.clock.monotonic_s()
    if len(username) > _LONGEST_NAME or len(password) > _LONGEST_PASSWORD or not storable(username + password):
        return Denied()
    if wait_s := context.logins.wait_s(username, now):
        return Denied(wait_s)
    user = await context.db.users.get(username)
    stored = user.password_hash if user else context.nobodys_password()
    if not verify_password(password, stored) or user is None:
        context.logins.failed(username, now, context.clock.wall_ms())
        return Denied()
    return user


async def sign_in(context: WebContext, scope: RequestScope, user: User, *, remember: bool) -> Session:
    """Begin a session after a password was right, with a remember-me token if wanted."""
    context.logins.succeeded(user.username, context.clock.wall_ms())
    if scope.visitor and scope.visitor.session:
        context.sessions.close(scope.visitor.session.token)
    if not remember:
        return _open(context, scope, user, SignedInBy.SESSION)
    token = context.entropy.token()
    life_s = context.config.sessions.remember_me
    remembered = RememberMe(await context.db.remember_me.create(user.username, hash_token(token), life_s), token)
    scope.cookies.append(Cookie(REMEMBER_ME_COOKIE, str(remembered), round(life_s)))
    return await _open_remembered(context, scope, user, SignedInBy.SESSION, remembered)


async def sign_in_silently(context: WebContext, scope: RequestScope, cookie: str) -> None:
    """Begin a session for a browser that another node remembers. A cookie that is no good is taken away."""
    remembered = parse_remember_me(cookie)
    username = await context.db.remember_me.find(remembered.id, remembered.token_hash) if remembered else None
    user = await context.db.users.get(username) if username else None
    if remembered is None or user is None:
        scope.cookies.append(Cookie(REMEMBER_ME_COOKIE, ""))
        return
    await _open_remembered(context, scope, user, SignedInBy.REMEMBER_ME, remembered)


async def sign_out(context: WebContext, scope: RequestScope) -> None:
    """End the session on this node, and the remember-me token on all."""
    session = scope.visitor.session if scope.visitor else None
    if session:
        context.sessions.close(session.token)
        if session.remember_me_id is not None:
            await context.db.remember_me.delete(session.remember_me_id)
    scope.visitor = None
    scope.cookies += [Cookie(name, "") for name in (SESSION_COOKIE, REMEMBER_ME_COOKIE, XSRF_COOKIE)]


def parse_basic(header: str) -> tuple[str, str] | None:
    """User name and password of an ``Authorization: Basic`` header (RFC 7617); None if it is none."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    username, _, password = decoded.partition(":")
    return username, password


async def _open_remembered(
    context: WebContext, scope: RequestScope, user: User, by: SignedInBy, remembered: RememberMe
) -> Session:
    token = derive_xsrf_token(await context.cluster_secret(), remembered.id, user.username)
    return _open(context, scope, user, by, remember_me_id=remembered.id, xsrf_token=token)


def _open(
    context: WebContext,
    scope: RequestScope,
    user: User,
    by: SignedInBy,
    *,
    remember_me_id: int | None = None,
    xsrf_token: str | None = None,
) -> Session:
    session = context.sessions.open(
        username=user.username,
        display_name=user.display_name,
        administrator=user.administrator,
        now=context.clock.monotonic_s(),
        xsrf_token=xsrf_token,
        remember_me_id=remember_me_id,
    )
    scope.visitor = visitor_of_session(session, by)
    scope.cookies += [Cookie(SESSION_COOKIE, session.token), Cookie(XSRF_COOKIE, session.xsrf_token)]
    return session


def visitor_of_session(session: Session, by: SignedInBy = SignedInBy.SESSION) -> Visitor:
    """The visitor whose session it is."""
    return Visitor(session.username, session.display_name, session.administrator, by, session)
