"""Writing issues: create, edit, move along the workflow, comment.

After a write the browser is sent on, so that reloading repeats nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web

from node.web.bodies import read_form
from node.web.context import context_of
from node.web.errors import not_found
from node.web.pages.issues import issue_page
from node.web.rendering import redirect, render_page
from node.web.scope import visitor_of
from node.web.validation import comment_problem, issue_key, issue_problems, page_number, text_problem
from node.workflow import TransitionRefused, move
from shared_db import Project

DEFAULT_PROJECT = "ZDU"
"""Where an issue goes that is created without naming a project: the one that the set-up makes."""

_LARGEST_ACTION = 10**6


async def show_create(request: web.Request) -> web.Response:
    """``GET /secure/CreateIssue.jspa``."""
    return await _create_form(request, {"project": request.query.get("project", "")}, {})


async def create(request: web.Request) -> web.Response:
    """``POST /secure/CreateIssue.jspa`` with ``summary`` and ``description``."""
    context, form = context_of(request), await read_form(request)
    fields = _written(form) | {"project": form.get("project", DEFAULT_PROJECT).upper()}
    problems = issue_problems(fields, context.limits)
    if fields["project"] not in {project.key for project in await context.projects()}:
        problems["project"] = "valid project is required"
    if problems:
        return await _create_form(request, fields, problems)
    author = visitor_of(request).username
    issue = await context.db.issues.create(fields["project"], fields["summary"], fields["description"], author)
    context.local.index.put(issue)
    return redirect(f"/browse/{issue.key}")


async def show_edit(request: web.Request) -> web.Response:
    """``GET /secure/EditIssue.jspa?key=``."""
    key = issue_key(request.query.get("key", ""))
    issue = await context_of(request).db.issues.get(key)
    if issue is None:
        raise not_found(f"The issue {key} does not exist.")
    return _form(request, _edit_kind(key), {"summary": issue.summary, "description": issue.description or ""}, {})


async def edit(request: web.Request) -> web.Response:
    """``POST /secure/EditIssue.jspa?key=`` with ``summary`` and ``description``."""
    context, form = context_of(request), await read_form(request)
    key = issue_key(form.get("key") or request.query.get("key", ""))
    fields = _written(form)
    if problems := issue_problems(fields, context.limits):
        return _form(request, _edit_kind(key), fields, problems)
    author = visitor_of(request).username
    done = await context.db.issues.edit(key, author, summary=fields["summary"], description=fields["description"])
    if done is None:
        raise not_found(f"The issue {key} does not exist.")
    context.local.index.put(done)
    return redirect(f"/browse/{key}")


async def transition(request: web.Request) -> web.Response:
    """``POST /secure/WorkflowUIDispatcher.jspa`` with ``key``, ``action`` (a transition's id) and ``comment``.

    What the workflow does not allow is refused with 409: the page was loaded before somebody else moved the issue.
    """
    context, form = context_of(request), await read_form(request)
    key, text = issue_key(form.get("key", "")), unix_lines(form.get("comment", ""))
    action = page_number(form.get("action", ""), default=0, most=_LARGEST_ACTION)
    if problem := text_problem(text, context.limits):
        return await issue_page(request, key, status=400, comment=text, comment_error=problem)
    author = visitor_of(request).username
    try:
        moved = await context.db.issues.transition(key, author, lambda issue: move(issue, action), text.strip())
    except TransitionRefused as refused:
        return await issue_page(request, key, status=409, comment=text, comment_error=str(refused))
    if moved is None:
        raise not_found(f"The issue {key} does not exist.")
    context.local.index.put(moved)
    return redirect(f"/browse/{key}")


async def add_comment(request: web.Request) -> web.Response:
    """``POST /secure/AddComment.jspa`` with ``key`` and ``comment``."""
    context, form = context_of(request), await read_form(request)
    key, text = issue_key(form.get("key", "")), unix_lines(form.get("comment", ""))
    if problem := comment_problem(text, context.limits):
        return await issue_page(request, key, status=400, comment=text, comment_error=problem)
    comment = await context.db.issues.add_comment(key, visitor_of(request).username, text)
    if comment is None:
        raise not_found(f"The issue {key} does not exist.")
    return redirect(f"/browse/{key}#comment-{comment.id}")


def _written(form: Mapping[str, str]) -> dict[str, str]:
    return {
        "summary": form.get("summary", "").strip(),
        "description": unix_lines(form.get("description", "")),
    }


def unix_lines(text: str) -> str:
    """Browsers send CRLF whatever was there before: unchanged text must stay unchanged."""
    return text.replace("\r\n", "\n")


@dataclass(frozen=True)
class _Kind:
    """What tells the two forms apart."""

    page: str
    title: str
    button: str
    back: str
    key: str | None = None


async def _create_form(request: web.Request, fields: Mapping[str, str], problems: Mapping[str, str]) -> web.Response:
    return _form(request, _CREATE, fields, problems, await context_of(request).projects())


_CREATE = _Kind("create", "Create Issue", "Create", "/secure/Dashboard.jspa")


def _edit_kind(key: str) -> _Kind:
    return _Kind("edit", f"Edit Issue : {key}", "Update", f"/browse/{key}", key)


def _form(
    request: web.Request,
    kind: _Kind,
    fields: Mapping[str, str],
    problems: Mapping[str, str],
    projects: Sequence[Project] = (),
) -> web.Response:
    return render_page(
        request,
        "issue_form.html",
        page=kind.page,
        title=kind.title,
        status=400 if problems else 200,
        button=kind.button,
        back=kind.back,
        key=kind.key,
        summary=fields.get("summary", ""),
        description=fields.get("description", ""),
        projects=projects,
        project=fields.get("project") or DEFAULT_PROJECT,
        problems={"summary": "", "description": "", "project": "", **problems},
        summary_length=context_of(request).limits.summary_length,
    )
