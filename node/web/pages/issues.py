"""Reading issues: the list with its search, and one issue with comments and history."""

from aiohttp import web

from node.web.context import context_of
from node.web.errors import not_found
from node.web.rendering import render_page
from node.web.searching import name_of, search, status_names
from node.web.validation import issue_key, page_number
from node.workflow import transitions_from

_FARTHEST = 10**9


async def list_issues(request: web.Request) -> web.Response:
    """``GET /issues/?jql=&startIndex=``."""
    context, jql = context_of(request), request.query.get("jql", "")
    start = page_number(request.query.get("startIndex", ""), default=0, most=_FARTHEST)
    size = context.limits.page_size
    issues, total = await search(context, jql, start, size)
    return render_page(
        request,
        "issues.html",
        page="issues",
        title="Issues",
        jql=jql,
        issues=issues,
        total=total,
        start=start,
        previous_start=max(0, start - size) if start else None,
        next_start=start + size if start + size < total else None,
    )


async def show_issue(request: web.Request) -> web.Response:
    """``GET /browse/{key}``."""
    return await issue_page(request, issue_key(request.match_info["key"]))


async def issue_page(
    request: web.Request, key: str, *, status: int = 200, comment: str = "", comment_error: str = ""
) -> web.Response:
    """The issue's page; with what was typed as a comment and what is wrong with it, if it was refused."""
    context = context_of(request)
    found = await context.db.issues.details(key)
    if found is None:
        raise not_found(f"The issue {key} does not exist.")
    issue, comments, history = found
    return render_page(
        request,
        "issue.html",
        page="issue",
        title=f"[{issue.key}] {issue.summary}",
        status=status,
        issue=issue,
        status_name=name_of(issue.status, await status_names(context)),
        transitions=transitions_from(issue.status),
        comments=comments,
        history=history,
        comment=comment,
        comment_error=comment_error,
    )
