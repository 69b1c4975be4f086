"""``/rest/auth/1/session``: log-in, log-out and "who am I" for programs, in Jira's shapes."""

from urllib.parse import quote

from aiohttp import web

from node.web.answers import error_answer, json_answer
from node.web.bodies import read_json
from node.web.context import context_of
from node.web.errors import Refusal
from node.web.logins import LogInRecord
from node.web.rest.shapes import self_link, timestamp
from node.web.scope import scope_of, visitor_of
from node.web.sign_in import SESSION_COOKIE, Denied, check_password, sign_in, sign_out


async def current_session(request: web.Request) -> web.Response:
    """``GET``: the signed-in user."""
    visitor, logins = visitor_of(request), context_of(request).logins
    address = self_link(request, f"/rest/api/latest/user?username={quote(visitor.username)}")
    info = log_in_info(logins.record(visitor.username))
    return json_answer({"self": address, "name": visitor.username, "loginInfo": info})


async def log_in(request: web.Request) -> web.Response:
    """``POST {username, password[, rememberMe]}``. ``rememberMe`` is ours; Jira's resource has no such thing."""
    context, body = context_of(request), await read_json(request)
    username, password, remember = body.get("username"), body.get("password"), body.get("rememberMe", False)
    if not isinstance(username, str) or not isinstance(password, str) or not isinstance(remember, bool):
        raise Refusal(400, "'username' and 'password' have to be strings, 'rememberMe' true or false.")
    user = await check_password(context, username, password)
    if isinstance(user, Denied):
        if user.wait_s:
            headers = {"X-Seraph-LoginReason": "AUTHENTICATION_DENIED", "Retry-After": str(int(user.wait_s) + 1)}
            return error_answer(request, 403, ["Login denied: too many failed attempts."], headers=headers)
        headers = {"X-Seraph-LoginReason": "AUTHENTICATED_FAILED", "WWW-Authenticate": 'Session realm="JIRA"'}
        return error_answer(request, 401, ["Login failed"], headers=headers)
    session = await sign_in(context, scope_of(request), user, remember=remember)
    info = log_in_info(context.logins.record(user.username))
    return json_answer({"session": {"name": SESSION_COOKIE, "value": session.token}, "loginInfo": info})


async def log_out(request: web.Request) -> web.Response:
    """``DELETE``."""
    await sign_out(context_of(request), scope_of(request))
    return web.Response(status=204)


def log_in_info(record: LogInRecord) -> dict[str, object]:
    """Jira's ``loginInfo``, as far as this node saw it; times that there were not are left out."""
    times = {"lastFailedLoginTime": record.last_failure_ms, "previousLoginTime": record.previous_login_ms}
    known = {name: timestamp(at_ms) for name, at_ms in times.items() if at_ms is not None}
    return {"failedLoginCount": record.failures, "loginCount": record.logins, **known}
