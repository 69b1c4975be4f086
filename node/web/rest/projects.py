"""``/rest/api/2/project``, ``/rest/api/2/status`` and ``/rest/agile/1.0/board``."""

import re

from aiohttp import web

from node.search_index import Query
from node.web.answers import json_answer
from node.web.bodies import read_json
from node.web.context import WebContext, context_of
from node.web.errors import Refusal, not_found
from node.web.rest.shapes import issue_fields, issue_link, self_link
from node.web.searching import status_names
from node.web.validation import page_number, storable
from node.workflow import BOARD_COLUMNS
from shared_db import AlreadyExists, Board, Project

_KEY = re.compile(r"[A-Z][A-Z0-9_]{1,9}")
_LONGEST_NAME = 80
_FARTHEST = 10**9
_CATEGORIES = {2: "new", 4: "indeterminate", 3: "done"}
_NO_PROJECT = "No project could be found with key '{key}'."


async def all_projects(request: web.Request) -> web.Response:
    """``GET project``."""
    return json_answer([_project(request, project) for project in await context_of(request).projects()])


async def get(request: web.Request) -> web.Response:
    """``GET project/{project}``."""
    key = request.match_info["project"].upper()
    for project in await context_of(request).projects():
        if project.key == key:
            return json_answer(_project(request, project))
    raise not_found(_NO_PROJECT.format(key=key[:20]))


async def create(request: web.Request) -> web.Response:
    """``POST project {"key", "name", "lead"}``: with a board of its own. Administrators only, as in Jira."""
    context, body = context_of(request), await read_json(request)
    key, name, lead = body.get("key"), body.get("name"), body.get("lead", "")
    problems: dict[str, str] = {}
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        problems["projectKey"] = (
            "Project keys must start with an uppercase letter, followed by one or more uppercase alphanumeric "
            "characters, ten in all at most."
        )
    if problem := _name_problem(name):
        problems["projectName"] = problem
    if not isinstance(lead, str) or (lead and not (storable(lead) and await context.user(lead))):
        problems["projectLead"] = "The user does not exist."
    if problems:
        raise Refusal(400, errors=problems)
    try:
        project = await context.db.projects.create(
            str(key), str(name), str(lead), board=f"{key} board", columns=BOARD_COLUMNS
        )
    except AlreadyExists:
        raise Refusal(400, errors={"projectKey": f"Project '{key}' uses this project key."}) from None
    context.local.forget_projects()
    return json_answer(_project(request, project), 201)


async def rename(request: web.Request) -> web.Response:
    """``PUT project/{project} {"name"}``. Administrators only."""
    context, name = context_of(request), (await read_json(request)).get("name")
    if problem := _name_problem(name):
        raise Refusal(400, errors={"projectName": problem})
    key = request.match_info["project"].upper()
    if not storable(key) or not await context.db.projects.rename(key, str(name)):
        raise not_found(_NO_PROJECT.format(key=key[:20]))
    context.local.forget_projects()
    return await get(request)


async def all_statuses(request: web.Request) -> web.Response:
    """``GET status``."""
    return json_answer(
        [
            {"id": status.id, "name": status.name, "statusCategory": {"key": _CATEGORIES.get(status.category, "new")}}
            for status in await context_of(request).statuses()
        ]
    )


async def all_boards(request: web.Request) -> web.Response:
    """``GET board``."""
    boards = await context_of(request).boards()
    values = [
        {
            "id": board.id,
            "name": board.name,
            "type": "kanban",
            "self": self_link(request, f"/rest/agile/1.0/board/{board.id}"),
        }
        for board in boards
    ]
    return json_answer({"maxResults": len(values), "startAt": 0, "total": len(values), "values": values})


async def board_issues(request: web.Request) -> web.Response:
    """``GET board/{board}/issue?startAt=&maxResults=``: as this node's index has them."""
    context = context_of(request)
    board = await _board(context, request.match_info["board"])
    start = page_number(request.query.get("startAt", ""), default=0, most=_FARTHEST)
    limit = page_number(request.query.get("maxResults", ""), default=50, most=context.limits.max_results)
    issues, total = context.local.index.search(Query(project=board.project_key), start, limit)
    statuses = await status_names(context)
    found = [{**issue_link(request, issue), "fields": issue_fields(issue, statuses)} for issue in issues]
    return json_answer({"startAt": start, "maxResults": limit, "total": total, "issues": found})


async def _board(context: WebContext, text: str) -> Board:
    for board in await context.boards():
        if str(board.id) == text:
            return board
    raise not_found("The requested board cannot be viewed because it does not exist.")


def _name_problem(name: object) -> str | None:
    if not isinstance(name, str) or not name.strip():
        return "You must specify a valid project name."
    if len(name) > _LONGEST_NAME:
        return f"The project name must not exceed {_LONGEST_NAME} characters in length."
    return None if storable(name) else "The project name contains characters that cannot be stored."


def _project(request: web.Request, project: Project) -> dict[str, object]:
    return {
        "id": str(project.id),
        "key": project.key,
        "name": project.name,
        "lead": {"name": project.lead},
        "self": self_link(request, f"/rest/api/2/project/{project.key}"),
    }
