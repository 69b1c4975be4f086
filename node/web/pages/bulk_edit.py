"""Bulk edit in three pages: choose issues, say what to do, confirm. Between the pages it lives in the session.

As in Jira: when the session is gone, because its node is or the user has signed in anew, a half-done bulk edit is
gone with it. Remember-me brings back the user, not the work.
"""

import json
from dataclasses import asdict, dataclass

from aiohttp import web

from node.web.bodies import read_form
from node.web.context import context_of
from node.web.pages.issue_forms import unix_lines
from node.web.rendering import redirect, render_page
from node.web.scope import visitor_of
from node.web.searching import search
from node.web.validation import comment_problem, issue_key

MOST_ISSUES = 20
"""Jira's own limit is a thousand; a page here shows that many."""

ADDRESS = "/secure/views/bulkedit/BulkEdit{step}.jspa"
LOST = "Your session has no such bulk edit: it was begun in another session, or on another node. Please begin again."


@dataclass(frozen=True)
class BulkEdit:
    """What has been said so far. ``id`` is in the forms, so that two tabs do not mix theirs up."""

    id: str
    keys: tuple[str, ...] = ()
    comment: str = ""


async def show_choice(request: web.Request) -> web.Response:
    """``GET BulkEdit1.jspa?jql=``."""
    context = context_of(request)
    issues, total = await search(context, request.query.get("jql", ""), 0, MOST_ISSUES)
    return _page(request, 1, issues=issues, total=total)


async def take_choice(request: web.Request) -> web.Response:
    """``POST BulkEdit1.jspa`` with ``issue_<key>`` for each chosen one."""
    context, form = context_of(request), await read_form(request)
    chosen = sorted(name.removeprefix("issue_") for name in form if name.startswith("issue_"))
    keys = tuple(dict.fromkeys(issue_key(key) for key in chosen[:MOST_ISSUES]))
    if not keys:
        issues, total = await search(context, "", 0, MOST_ISSUES)
        return _page(
            request, 1, status=400, issues=issues, total=total, problem="You must select at least one issue."
        )
    edit = BulkEdit(context.entropy.token(8), keys)
    await _keep(request, edit)
    return redirect(f"{ADDRESS.format(step=2)}?id={edit.id}")


async def show_change(request: web.Request) -> web.Response:
    """``GET BulkEdit2.jspa?id=``."""
    edit = _under_way(request, request.query.get("id", ""))
    return _page(request, 2, edit=edit) if edit else _lost(request)


async def take_change(request: web.Request) -> web.Response:
    """``POST BulkEdit2.jspa`` with ``id`` and ``comment``."""
    context, form = context_of(request), await read_form(request)
    edit, text = _under_way(request, form.get("id", "")), unix_lines(form.get("comment", "")).strip()
    if edit is None:
        return _lost(request)
    if problem := comment_problem(text, context.limits):
        return _page(request, 2, status=400, edit=edit, problem=problem)
    await _keep(request, BulkEdit(edit.id, edit.keys, text))
    return redirect(f"{ADDRESS.format(step=3)}?id={edit.id}")


async def show_confirmation(request: web.Request) -> web.Response:
    """``GET BulkEdit3.jspa?id=``."""
    edit = _under_way(request, request.query.get("id", ""))
    return _page(request, 3, edit=edit) if edit and edit.comment else _lost(request)


async def confirm(request: web.Request) -> web.Response:
    """``POST BulkEdit3.jspa`` with ``id``: comments all of the issues, or none if one of them is gone."""
    context, form = context_of(request), await read_form(request)
    edit = _under_way(request, form.get("id", ""))
    if edit is None or not edit.comment:
        return _lost(request)
    done = await context.db.issues.comment_many(edit.keys, visitor_of(request).username, edit.comment)
    if done is None:
        return _page(request, 3, status=409, edit=edit, problem="One of these issues does not exist any more.")
    context.local.index.put_all(done)
    await _keep(request, None)
    return redirect("/issues/")


SHOWN = {1: show_choice, 2: show_change, 3: show_confirmation}
TAKEN = {1: take_choice, 2: take_change, 3: confirm}


def _under_way(request: web.Request, wanted: str) -> BulkEdit | None:
    """The bulk edit of that id that this session has in hand; None if it has none."""
    session = visitor_of(request).session
    if session is None or not session.work:
        return None
    fields = json.loads(session.work)
    edit = BulkEdit(fields["id"], tuple(fields["keys"]), fields["comment"])
    return edit if edit.id == wanted else None


async def _keep(request: web.Request, edit: BulkEdit | None) -> None:
    session, context = visitor_of(request).session, context_of(request)
    if session is not None:
        await context.keeper.keep_work(session, json.dumps(asdict(edit)) if edit else "")


def _page(request: web.Request, step: int, *, status: int = 200, **values: object) -> web.Response:
    return render_page(
        request,
        "bulk_edit.html",
        page=f"bulk_edit_{step}",
        title="Bulk Operation",
        status=status,
        step=step,
        address=ADDRESS.format(step=step),
        **{"issues": (), "total": 0, "edit": None, "problem": "", **values},
    )


def _lost(request: web.Request) -> web.Response:
    """409, on a page of a name of its own: whoever measures has to tell lost work from other trouble."""
    return render_page(request, "error.html", page="work_lost", title="Bulk edit lost", status=409, messages=[LOST])
