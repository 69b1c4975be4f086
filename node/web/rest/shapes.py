"""Rows as Jira's JSON writes them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from aiohttp import web

from shared_db import Change, Comment, Issue, Status


def timestamp(milliseconds: int) -> str:
    """``2017-03-07T09:51:00.000+0000``, Jira's way to write a time."""
    whole, rest_ms = divmod(milliseconds, 1000)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{rest_ms:03d}+0000"


def self_link(request: web.Request, path: str) -> str:
    """The address of a resource as the client reaches it."""
    try:
        return f"{request.url.origin()}{path}"
    except ValueError:  # the Host header names no host
        return path


def issue_link(request: web.Request, issue: Issue) -> dict[str, object]:
    """What identifies an issue. Jira's link has the id in it; ours the key, by which it can be followed here."""
    address = self_link(request, f"/rest/api/2/issue/{issue.key}")
    return {"id": str(issue.id), "key": issue.key, "self": address}


def issue_fields(issue: Issue, statuses: Mapping[str, Status]) -> dict[str, object]:
    """The fields every representation of an issue has. ``statuses`` are all there are, by id."""
    status = statuses.get(issue.status)
    return {
        "summary": issue.summary,
        "description": issue.description or None,
        "issuetype": {"name": "Task"},
        "project": {"key": issue.key.rpartition("-")[0]},
        "status": {"id": issue.status, "name": status.name if status else issue.status},
        "resolution": {"name": issue.resolution} if issue.resolution else None,
        "reporter": {"name": issue.reporter},
        "creator": {"name": issue.reporter},
        "created": timestamp(issue.created_ms),
        "updated": timestamp(issue.updated_ms),
    }


def comment_json(comment: Comment) -> dict[str, object]:
    """One comment."""
    return {
        "id": str(comment.id),
        "author": {"name": comment.author},
        "body": comment.body,
        "created": timestamp(comment.created_ms),
        "updated": timestamp(comment.created_ms),
    }


def comments_json(comments: Sequence[Comment]) -> dict[str, object]:
    """The field ``comment``: all of them on one page."""
    written = [comment_json(comment) for comment in comments]
    return {"comments": written, "maxResults": len(written), "total": len(written), "startAt": 0}


def changelog_json(changes: Sequence[Change]) -> dict[str, object]:
    """``changelog``: one history entry a change group, with its items."""
    histories = [
        {
            "id": str(change.id),
            "author": {"name": change.author},
            "created": timestamp(change.created_ms),
            "items": [
                {
                    "field": item.field,
                    "fieldtype": "jira",
                    "from": None,
                    "fromString": item.old,
                    "to": None,
                    "toString": item.new,
                }
                for item in change.items
            ],
        }
        for change in changes
    ]
    return {"startAt": 0, "maxResults": len(histories), "total": len(histories), "histories": histories}
