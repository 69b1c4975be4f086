"""Signing in and out: passwords, remember-me tokens and the sessions they lead to."""

import base64
from dataclasses import dataclass

from node.caches import SESSIONS_KILLED
from node.passwords import verify_password
from node.web.context import WebContext
from node.web.scope import Cookie, RequestScope, SignedInBy, Visitor
from node.web.sessions import Session, name_digest
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
    if len(username) > _LONGEST_NAME or len(password) > _LONGEST_PASSWORD or not storable(username + password):
        return Denied()
    if wait_s := context.logins.wait_s(username, context.clock.monotonic_s()):
        return Denied(wait_s)
    user = await context.db.users.get(username)
    # Others may have guessed meanwhile. From here to the verdict nothing is awaited, so guesses made at the same time
    # are looked at one after the other.
    now = context.clock.monotonic_s()
    if wait_s := context.logins.wait_s(username, now):
        return Denied(wait_s)
    stored = user.password_hash if user else context.nobodys_password()
    if not verify_password(password, stored) or user is None:
        context.logins.failed(username, now, context.clock.wall_ms())
        return Denied()
    return user


async def sign_in(context: WebContext, scope: RequestScope, user: User, *, remember: bool) -> Session:
    """Begin a session after a password was right, with a remember-me token if wanted.

    Whoever used this browser before is signed out of it: were their remember-me token left in force, the browser
    would become theirs again as soon as it is moved to another node.
    """
    context.logins.succeeded(user.username, context.clock.wall_ms())
    await _end_presented(context, scope)
    if not remember:
        return await _open(context, scope, user, SignedInBy.SESSION)
    token = context.entropy.token()
    life_s = context.config.sessions.remember_me
    remembered = RememberMe(await context.db.remember_me.create(user.username, hash_token(token), life_s), token)
    scope.set_cookie(Cookie(REMEMBER_ME_COOKIE, str(remembered), round(life_s)))
    return await _open_remembered(context, scope, user, SignedInBy.SESSION, remembered)


async def sign_in_silently(context: WebContext, scope: RequestScope, cookie: str) -> None:
    """Begin a session for a browser that another node remembers. A cookie that is no good is taken away."""
    remembered = parse_remember_me(cookie)
    username = await context.db.remember_me.find(remembered.id, remembered.token_hash) if remembered else None
    user = await context.db.users.get(username) if username else None
    if remembered is None or user is None:
        scope.set_cookie(Cookie(REMEMBER_ME_COOKIE, ""))
        return
    await _open_remembered(context, scope, user, SignedInBy.REMEMBER_ME, remembered)


async def sign_out(context: WebContext, scope: RequestScope) -> None:
    """End the session on this node, and the remember-me token on all."""
    await _end_presented(context, scope)
    scope.visitor = None
    for name in (SESSION_COOKIE, REMEMBER_ME_COOKIE, XSRF_COOKIE):
        scope.set_cookie(Cookie(name, ""))


def parse_basic(header: str) -> tuple[str, str] | None:
    """User name and password of an ``Authorization: Basic`` header (RFC 7617); None if it is none."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode()
    except ValueError:  # not Base64, not UTF-8, not even ASCII
        return "", ""
    username, _, password = decoded.partition(":")
    return username, password


async def _open_remembered(
    context: WebContext, scope: RequestScope, user: User, by: SignedInBy, remembered: RememberMe
) -> Session:
    token = derive_xsrf_token(await context.cluster_secret(), remembered.id, user.username)
    return await _open(context, scope, user, by, remember_me_id=remembered.id, xsrf_token=token)


async def _open(
    context: WebContext,
    scope: RequestScope,
    user: User,
    by: SignedInBy,
    *,
    remember_me_id: int | None = None,
    xsrf_token: str | None = None,
) -> Session:
    session = await context.keeper.open(user.username, xsrf_token=xsrf_token, remember_me_id=remember_me_id)
    scope.visitor = visitor_of_session(session, user, by)
    scope.set_cookie(Cookie(SESSION_COOKIE, session.token))
    scope.set_cookie(Cookie(XSRF_COOKIE, session.xsrf_token))
    return session


async def _end_presented(context: WebContext, scope: RequestScope) -> None:
    """End what the browser came with: its sessions here, and its remember-me token whichever session it is of.

    A session that was opened without the token says nothing about it; the cookie does. A session that was opened by
    it may have lost the cookie.
    """
    presented = await context.keeper.find(scope.presented.get(SESSION_COOKIE, ""))
    found = (presented, scope.visitor.session if scope.visitor else None)
    for session in {session.token: session for session in found if session}.values():
        await context.keeper.close(session.token)
        if session.remember_me_id is not None:
            await context.db.remember_me.delete(session.remember_me_id)
    cookie = scope.presented.get(REMEMBER_ME_COOKIE)
    if cookie is None:
        return
    if remembered := parse_remember_me(cookie):
        await context.db.remember_me.revoke(remembered.id, remembered.token_hash)
    scope.set_cookie(Cookie(REMEMBER_ME_COOKIE, ""))


def visitor_of_session(session: Session, user: User, by: SignedInBy = SignedInBy.SESSION) -> Visitor:
    """The visitor whose session it is, with the rights that ``user`` has now."""
    return Visitor(user.username, user.display_name, user.administrator, by, session)


async def kill_sessions(context: WebContext, username: str) -> None:
    """End a user's sessions and remember-me tokens, on this node at once and on the others with their next look.

    The others' look comes after the tokens are gone, so nobody is signed in again silently.
    """
    digest = name_digest(username)
    await context.db.users.forget_sessions(username, f"{SESSIONS_KILLED} {digest}")
    context.local.kill_sessions(digest)
