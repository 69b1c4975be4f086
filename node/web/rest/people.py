"""Who is an administrator, and the end of somebody's sessions: for administrators, on the whole cluster."""

from aiohttp import web

from node.web.answers import json_answer
from node.web.bodies import read_json
from node.web.context import context_of
from node.web.errors import Refusal, not_found
from node.web.sign_in import kill_sessions
from node.web.validation import storable
from shared_db import User

ADMINISTRATORS = "jira-administrators"
"""Jira's group; here it stands for the one right there is, and there are no other groups."""

_LONGEST_NAME = 255


async def end_sessions(request: web.Request) -> web.Response:
    """``DELETE user/session/{username}``: 204 when every node will have ended them with its next look.

    Jira has it since 9.11; here every release does, so that it can be tried on each.
    """
    user = await _user(request, request.match_info["username"])
    await kill_sessions(context_of(request), user.username)
    return web.Response(status=204)


async def add_to_group(request: web.Request) -> web.Response:
    """``POST group/user?groupname=jira-administrators {"name"}``."""
    _check_group(request)
    return await _set(request, (await read_json(request)).get("name"), administrator=True)


async def remove_from_group(request: web.Request) -> web.Response:
    """``DELETE group/user?groupname=jira-administrators&username=``. The last administrator stays one."""
    _check_group(request)
    return await _set(request, request.query.get("username"), administrator=False)


async def _set(request: web.Request, name: object, *, administrator: bool) -> web.Response:
    context, user = context_of(request), await _user(request, name)
    if not await context.db.users.set_administrator(user.username, administrator=administrator):
        raise Refusal(400, f"{user.username} is the last administrator and has to stay one.")
    context.local.forget_users()
    return json_answer({"name": ADMINISTRATORS}, 201) if administrator else web.Response(status=200)


def _check_group(request: web.Request) -> None:
    if request.query.get("groupname") != ADMINISTRATORS:
        raise not_found(f"The only group here is {ADMINISTRATORS}.")


async def _user(request: web.Request, name: object) -> User:
    if isinstance(name, str) and 0 < len(name) <= _LONGEST_NAME and storable(name):
        found = await context_of(request).db.users.get(name)
        if found is not None:
            return found
    raise not_found("The user does not exist.")
