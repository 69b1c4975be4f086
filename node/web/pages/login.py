"""Log-in and log-out."""

from aiohttp import web

from node.web.bodies import read_form
from node.web.context import context_of
from node.web.redirects import DASHBOARD, LOG_IN, local_destination
from node.web.rendering import redirect, render_page
from node.web.scope import scope_of
from node.web.sign_in import Denied, check_password, sign_in, sign_out

WRONG = "Sorry, your username and password are incorrect - please try again."
TOO_OFTEN = "Too many failed attempts. Please wait {wait_s} s before you try again."


async def show_log_in(request: web.Request) -> web.Response:
    """``GET /login.jsp``. Who is signed in already goes on to where they wanted."""
    destination = local_destination(request.query.get("os_destination", DASHBOARD))
    if scope_of(request).visitor is not None:
        return redirect(destination)
    notice = "You are now logged out." if "logout" in request.query else ""
    return _form(request, destination=destination, notice=notice)


async def log_in(request: web.Request) -> web.Response:
    """``POST /login.jsp``. ``X-Seraph-LoginReason`` is Jira's header for why an attempt failed."""
    context, form = context_of(request), await read_form(request)
    username = form.get("os_username", "").strip()
    destination = local_destination(form.get("os_destination", DASHBOARD))
    remember = form.get("os_cookie", "").lower() in {"true", "on", "1"}
    user = await check_password(context, username, form.get("os_password", ""))
    if not isinstance(user, Denied):
        await sign_in(context, scope_of(request), user, remember=remember)
        return redirect(destination)
    reason, status, message = "AUTHENTICATED_FAILED", 401, WRONG
    if user.wait_s:
        reason, status, message = "AUTHENTICATION_DENIED", 403, TOO_OFTEN.format(wait_s=int(user.wait_s) + 1)
    answer = _form(
        request, status=status, destination=destination, error=message, username=username[:255], remember=remember
    )
    answer.headers["X-Seraph-LoginReason"] = reason
    return answer


async def log_out(request: web.Request) -> web.Response:
    """``POST /secure/Logout.jspa``."""
    await sign_out(context_of(request), scope_of(request))
    return redirect(f"{LOG_IN}?logout=true")


def _form(
    request: web.Request,
    *,
    destination: str,
    status: int = 200,
    notice: str = "",
    error: str = "",
    username: str = "",
    remember: bool = False,
) -> web.Response:
    return render_page(
        request,
        "login.html",
        page="login",
        title="Log in",
        status=status,
        destination=destination,
        notice=notice,
        error=error,
        username=username,
        remember=remember,
    )
