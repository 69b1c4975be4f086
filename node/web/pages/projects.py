"""Projects and their boards. What issues there are is asked of this node's index, as in Jira."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from node.search_index import Query, SearchIndex
from node.web.context import context_of
from node.web.errors import not_found
from node.web.rendering import render_page
from node.web.validation import page_number
from node.workflow import Transition, transitions_from
from shared_db import Board, Issue

_LATEST = 10
_CARDS_PER_COLUMN = 30
_FARTHEST = 10**9


@dataclass(frozen=True)
class ColumnView:
    """One column of a board with the newest of its issues, and how they can be moved."""

    name: str
    issues: Sequence[Issue]
    total: int
    transitions: Sequence[Transition]


async def list_projects(request: web.Request) -> web.Response:
    """``GET /secure/BrowseProjects.jspa``."""
    context = context_of(request)
    return render_page(
        request,
        "projects.html",
        page="projects",
        title="Projects",
        projects=await context.projects(),
        boards=await context.boards(),
    )


async def show_project(request: web.Request) -> web.Response:
    """``GET /projects/{project}``."""
    context, key = context_of(request), request.match_info["project"].upper()
    project = next((project for project in await context.projects() if project.key == key), None)
    if project is None:
        raise not_found("No project could be found with this key.")
    index = context.local.index
    return render_page(
        request,
        "project.html",
        page="project",
        title=project.name,
        project=project,
        boards=[board for board in await context.boards() if board.project_key == key],
        counts=[
            (status.name, index.search(Query(project=key, status=status.id), 0, 0)[1])
            for status in await context.statuses()
        ],
        issues=index.search(Query(project=key), 0, _LATEST)[0],
    )


async def show_board(request: web.Request) -> web.Response:
    """``GET /secure/RapidBoard.jspa?rapidView=``."""
    context = context_of(request)
    board_id = page_number(request.query.get("rapidView", ""), default=0, most=_FARTHEST)
    board = next((board for board in await context.boards() if board.id == board_id), None)
    if board is None:
        raise not_found("The requested board cannot be viewed because it does not exist.")
    columns = board_columns(board, context.local.index)
    return render_page(request, "board.html", page="board", title=board.name, board=board, columns=columns)


def board_columns(board: Board, index: SearchIndex) -> list[ColumnView]:
    """The board's columns from left to right, in one walk through the index's issues for each."""
    views = []
    for column in board.columns:
        issues, total = index.search(Query(project=board.project_key, status=column.status), 0, _CARDS_PER_COLUMN)
        views.append(ColumnView(column.name, issues, total, transitions_from(column.status)))
    return views
