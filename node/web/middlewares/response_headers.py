"""Completes every answer: who answered, for whom, which version, and what browsers must not do with it."""

from http.cookies import SimpleCookie
from urllib.parse import quote

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
        headers["X-AUSERNAME"] = quote(scope.visitor.username, safe="@+ ")
        if scope.visitor.session:
            headers["X-ASESSIONID"] = scope.visitor.session.digest
        if scope.visitor.by is SignedInBy.REMEMBER_ME:
            headers[SILENT_SIGN_IN_HEADER] = SignedInBy.REMEMBER_ME.value
    for cookie in scope.cookies.values():
        # aiohttp has already written the response's own cookies into its headers when this signal is sent.
        headers.add("Set-Cookie", _written(cookie, secure=request.secure))


def _written(cookie: Cookie, *, secure: bool) -> str:
    jar = SimpleCookie({cookie.name: cookie.value})
    morsel = jar[cookie.name]
    morsel["path"] = "/"
    morsel["httponly"] = True
    morsel["samesite"] = "Lax"
    morsel["secure"] = secure
    if not cookie.value:
        morsel["max-age"] = "0"
    elif cookie.max_age_s is not None:
        morsel["max-age"] = str(cookie.max_age_s)
    return morsel.OutputString()
