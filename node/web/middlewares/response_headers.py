"""Completes every answer: who answered, for whom, which version, and what browsers must not do with it."""

from aiohttp import web

from node.web.context import context_of
from node.web.scope import SCOPE, Cookie, SignedInBy
from node.web.sign_in import SILENT_SIGN_IN_HEADER

SECURITY = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


async def complete_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Runs for every answer before its headers go out, whoever made it. ``X-ANODEID`` and the like are Jira's."""
    context = context_of(request)
    release = context.service.release
    headers = response.headers
    headers["X-ANODEID"] = context.service.node_id
    headers["X-Zdu-Version"] = release.version
    headers["X-Zdu-Build"] = str(release.build)
    for name, value in SECURITY.items():
        headers[name] = value
    headers.setdefault("Cache-Control", "no-store")
    scope = request.get(SCOPE)
    if scope is None:
        return
    headers["X-AREQUESTID"] = scope.request_id
    if scope.visitor is not None:
        headers["X-AUSERNAME"] = scope.visitor.username
        if scope.visitor.session:
            headers["X-ASESSIONID"] = scope.visitor.session.digest
        if scope.visitor.by is SignedInBy.REMEMBER_ME:
            headers[SILENT_SIGN_IN_HEADER] = SignedInBy.REMEMBER_ME.value
    for cookie in scope.cookies:
        _set(response, cookie, secure=request.secure)


def _set(response: web.StreamResponse, cookie: Cookie, *, secure: bool) -> None:
    if not cookie.value:
        response.del_cookie(cookie.name, path="/", httponly=True, samesite="Lax")
        return
    response.set_cookie(
        cookie.name,
        cookie.value,
        path="/",
        max_age=cookie.max_age_s,
        httponly=True,
        samesite="Lax",
        secure=secure or None,
    )
