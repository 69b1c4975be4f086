"""``/rest/api/2/issue`` and ``/rest/api/2/search``. A write is acknowledged once it is committed, never before."""

from aiohttp import web

from node.web.answers import json_answer
from node.web.bodies import child, read_json
from node.web.context import context_of
from node.web.errors import Refusal, not_found
from node.web.rest.shapes import changelog_json, comment_json, comments_json, issue_fields, issue_link
from node.web.scope import visitor_of
from node.web.searching import name_of, status_names
from node.web.searching import search as search_index
from node.web.validation import comment_problem, issue_key, issue_problems, page_number
from node.workflow import TransitionRefused, move, transitions_from
from shared_db import Issue

ISSUE_TYPE = "Task"
_NO_ISSUE = "Issue Does Not Exist"
_CANNOT_BE_SET = "Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."
_FARTHEST = 10**9
_LONGEST_ID = 9
_SUGGESTIONS = 10


async def create(request: web.Request) -> web.Response:
    """``POST issue {"fields": {project, summary[, description, issuetype]}}``."""
    context = context_of(request)
    fields = _known_fields(await read_json(request), ("project", "summary", "description", "issuetype"))
    problems = issue_problems({"summary": "", **fields}, context.limits)
    project = child(fields, "project").get("key")
    if project not in {known.key for known in await context.projects()}:
        problems["project"] = "valid project is required"
    if child(fields, "issuetype").get("name", ISSUE_TYPE) != ISSUE_TYPE:
        problems["issuetype"] = "valid issue type is required"
    if problems:
        raise Refusal(400, errors=problems)
    summary, description = str(fields["summary"]).strip(), str(fields.get("description") or "")
    issue = await context.db.issues.create(str(project), summary, description, visitor_of(request).username)
    context.local.index.put(issue)
    return json_answer(issue_link(request, issue), 201)


async def get(request: web.Request) -> web.Response:
    """``GET issue/{key}[?expand=changelog]``."""
    found = await context_of(request).db.issues.details(issue_key(request.match_info["key"]))
    if found is None:
        raise not_found(_NO_ISSUE)
    issue, comments, history = found
    document: dict[str, object] = {
        "expand": "changelog",
        **issue_link(request, issue),
        "fields": {
            **issue_fields(issue, await status_names(context_of(request))),
            "comment": comments_json(comments),
        },
    }
    if "changelog" in request.query.get("expand", "").split(","):
        document["changelog"] = changelog_json(history)
    return json_answer(document)


async def edit(request: web.Request) -> web.Response:
    """``PUT issue/{key} {"fields": {summary and/or description}}``."""
    context, key = context_of(request), issue_key(request.match_info["key"])
    fields = _known_fields(await read_json(request), ("summary", "description"))
    if problems := issue_problems(fields, context.limits):
        raise Refusal(400, errors=problems)
    summary = str(fields["summary"]).strip() if "summary" in fields else None
    description = str(fields["description"] or "") if "description" in fields else None
    author = visitor_of(request).username
    edited = await context.db.issues.edit(key, author, summary=summary, description=description)
    if edited is None:
        raise not_found(_NO_ISSUE)
    context.local.index.put(edited)
    return web.Response(status=204)


async def transitions(request: web.Request) -> web.Response:
    """``GET issue/{key}/transitions``: the ways out of its status."""
    context, issue = context_of(request), await _asked_for(request)
    statuses = await status_names(context)
    ways = [
        {
            "id": str(way.id),
            "name": way.name,
            "to": {"id": way.target.id, "name": name_of(way.target.id, statuses)},
        }
        for way in transitions_from(issue.status)
    ]
    return json_answer({"expand": "transitions", "transitions": ways})


async def do_transition(request: web.Request) -> web.Response:
    """``POST issue/{key}/transitions {"transition": {"id"}}``: 204, or 400 if its status has no such way out."""
    context, key = context_of(request), issue_key(request.match_info["key"])
    wanted = str(child(await read_json(request), "transition").get("id", ""))
    if not (wanted.isascii() and wanted.isdecimal() and len(wanted) <= _LONGEST_ID):
        raise Refusal(400, "Missing 'transition' identifier")
    author = visitor_of(request).username
    try:
        moved = await context.db.issues.transition(key, author, lambda issue: move(issue, int(wanted)))
    except TransitionRefused as refused:
        raise Refusal(400, str(refused)) from None
    if moved is None:
        raise not_found(_NO_ISSUE)
    context.local.index.put(moved)
    return web.Response(status=204)


async def picker(request: web.Request) -> web.Response:
    """``GET issue/picker?query=``: suggestions while somebody types a summary.

    Asked of the database and not of the index: whoever links to an issue that was created a moment ago, on whichever
    node, is to find it.
    """
    context = context_of(request)
    text = request.query.get("query", "")[:255]
    found, _ = await context.db.issues.search(text, 0, _SUGGESTIONS)
    issues = [{"key": issue.key, "summaryText": issue.summary} for issue in found]
    return json_answer({"sections": [{"id": "cs", "label": "Current Search", "issues": issues}]})


async def add_comment(request: web.Request) -> web.Response:
    """``POST issue/{key}/comment {"body"}``."""
    context, key = context_of(request), issue_key(request.match_info["key"])
    body = (await read_json(request)).get("body", "")
    if problem := comment_problem(body, context.limits):
        raise Refusal(400, errors={"comment": problem})
    comment = await context.db.issues.add_comment(key, visitor_of(request).username, str(body))
    if comment is None:
        raise not_found(_NO_ISSUE)
    return json_answer(comment_json(comment), 201)


async def search(request: web.Request) -> web.Response:
    """``GET search?jql=&startAt=&maxResults=``. At most 200 at a time, 50 unless told."""
    context, query = context_of(request), request.query
    start = page_number(query.get("startAt", ""), default=0, most=_FARTHEST)
    limit = page_number(query.get("maxResults", ""), default=50, most=context.limits.max_results)
    found, total = await search_index(context, query.get("jql", ""), start, limit)
    statuses = await status_names(context)
    issues = [{**issue_link(request, issue), "fields": issue_fields(issue, statuses)} for issue in found]
    return json_answer({"startAt": start, "maxResults": limit, "total": total, "issues": issues})


async def _asked_for(request: web.Request) -> Issue:
    issue = await context_of(request).db.issues.get(issue_key(request.match_info["key"]))
    if issue is None:
        raise not_found(_NO_ISSUE)
    return issue


def _known_fields(body: dict[str, object], known: tuple[str, ...]) -> dict[str, object]:
    fields = child(body, "fields")
    if unknown := {name: _CANNOT_BE_SET.format(name=name) for name in fields if name not in known}:
        raise Refusal(400, errors=unknown)
    if not fields:
        raise Refusal(400, "The body has to name at least one of the 'fields'.")
    return fields
