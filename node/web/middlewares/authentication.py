"""Finds out who asks: by session, by remember-me token, or for programs by HTTP Basic; sends strangers to log in."""

from aiohttp import web

from node.web.access import Access, Handler
from node.web.answers import error_answer, json_answer
from node.web.context import WebContext, context_of
from node.web.redirects import DASHBOARD, log_in_address
from node.web.rendering import redirect
from node.web.route_table import access_of
from node.web.scope import RequestScope, SignedInBy, Visitor, is_rest, scope_of
from node.web.sign_in import (
    REMEMBER_ME_COOKIE,
    SESSION_COOKIE,
    Denied,
    check_password,
    parse_basic,
    sign_in_silently,
    visitor_of_session,
)

_FORM_PAGES = frozenset({"/secure/CreateIssue.jspa", "/secure/EditIssue.jspa", "/secure/admin/JiraUpgrades.jspa"})
_WHO = {"WWW-Authenticate": 'Session realm="JIRA"'}
"""Not Basic: a browser whose session ended would pop up a dialog for each request of a page's script."""


@web.middleware
async def authentication(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let through who may use the route."""
    access = access_of(request)
    if access is Access.PUBLIC:
        return await handler(request)
    context, scope = context_of(request), scope_of(request)
    if is_rest(request) and (given := parse_basic(request.headers.get("Authorization", ""))):
        if not await _identify_by_password(context, scope, *given):
            return _refuse_stranger(request)
    else:
        await _identify_by_cookies(context, scope, request)
    if access is Access.LOG_IN:
        return await handler(request)
    if scope.visitor is None:
        return _refuse_stranger(request)
    if access is Access.ADMINISTRATOR and not scope.visitor.administrator:
        return error_answer(request, 403, ["This is for administrators only."])
    return await handler(request)


async def _identify_by_cookies(context: WebContext, scope: RequestScope, request: web.Request) -> None:
    session = await context.keeper.find(request.cookies.get(SESSION_COOKIE, ""))
    user = await context.user(session.username) if session else None
    if session and user:
        scope.visitor = visitor_of_session(session, user)
    elif remembered := request.cookies.get(REMEMBER_ME_COOKIE):
        await sign_in_silently(context, scope, remembered)


async def _identify_by_password(context: WebContext, scope: RequestScope, username: str, password: str) -> bool:
    user = await check_password(context, username, password)
    if isinstance(user, Denied):
        return False
    scope.visitor = Visitor(user.username, user.display_name, user.administrator, SignedInBy.BASIC)
    return True


def _refuse_stranger(request: web.Request) -> web.Response:
    if is_rest(request):
        message = "You are not authenticated. Authentication required to perform this operation."
        return json_answer({"errorMessages": [message], "errors": {}}, 401, _WHO)
    came_back_to = request.method in {"GET", "HEAD"} or request.path in _FORM_PAGES
    return redirect(log_in_address(request.path_qs if came_back_to else DASHBOARD))
