"""Refuses writes that another site may have made the browser send.

Pages: the form carries the session's token. REST, after Jira's rules: a JSON body is something a foreign page cannot
send without being asked first (CORS preflight), so is the header ``X-Atlassian-Token: no-check``.
"""

from urllib.parse import urlsplit

from aiohttp import web

from node.web.access import Access, Handler
from node.web.answers import error_answer
from node.web.bodies import read_form
from node.web.route_table import access_of
from node.web.scope import RequestScope, SignedInBy, is_rest, scope_of
from node.web.tokens import same_token

_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_PAGE_MESSAGE = (
    "XSRF Security Token Missing: the form is too old, or was loaded from another node. "
    "Please go back, reload the page and try again."
)


@web.middleware
async def xsrf(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let reads through, and writes that prove where they come from."""
    access = access_of(request)
    if request.method in _READS or access is Access.PUBLIC:
        return await handler(request)
    scope = scope_of(request)
    if is_rest(request):
        if not _rest_write_is_ours(request, scope):
            return error_answer(request, 403, ["XSRF check failed"])
    elif access is Access.LOG_IN:
        # A stranger has no token yet; browsers say where a form comes from.
        if not _same_host_or_unknown(request):
            return error_answer(request, 403, ["XSRF check failed: the log-in form came from another site."])
    elif not await _form_is_ours(request, scope):
        return error_answer(request, 403, [_PAGE_MESSAGE])
    return await handler(request)


def _rest_write_is_ours(request: web.Request, scope: RequestScope) -> bool:
    if request.headers.get("X-Atlassian-Token", "").lower() in {"no-check", "nocheck"}:
        return True
    if scope.visitor is not None and scope.visitor.by is SignedInBy.BASIC and "Origin" not in request.headers:
        return True
    has_json = "Content-Type" in request.headers and request.content_type == "application/json"
    return has_json and _same_host_or_unknown(request)


def _same_host_or_unknown(request: web.Request) -> bool:
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    try:
        return urlsplit(origin).netloc.lower() == request.host.lower()
    except ValueError:
        return False


async def _form_is_ours(request: web.Request, scope: RequestScope) -> bool:
    form = await read_form(request)
    expected = scope.visitor.xsrf_token if scope.visitor else ""
    return bool(expected) and same_token(form.get("atl_token", ""), expected)
