"""Answers that are not a page of the application: errors and JSON, each in the form its client understands."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from aiohttp import web

from node.services import NotAllowed
from node.web.rendering import render_page
from node.web.scope import is_rest


def json_answer(document: object, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A JSON document."""
    # In ASCII: a lone half of a surrogate pair, which JSON can express and UTF-8 cannot, goes back as it came.
    return web.Response(text=json.dumps(document), status=status, headers=headers, content_type="application/json")


def error_answer(
    request: web.Request,
    status: int,
    messages: Sequence[str],
    errors: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """An error page, or Jira's error document for programs."""
    if is_rest(request):
        return json_answer({"errorMessages": list(messages), "errors": dict(errors or {})}, status, headers)
    title = HTTPStatus(status).phrase
    shown = [*messages, *(errors or {}).values()]
    answer = render_page(request, "error.html", page="error", title=title, status=status, messages=shown)
    answer.headers.update(headers or {})
    return answer


def not_allowed_answer(request: web.Request, refused: NotAllowed) -> web.Response:
    """A 409 that says the cluster's state and what is allowed in it."""
    if not is_rest(request):
        return error_answer(request, 409, [refused.message])
    allowed = [action.value for action in refused.allowed]
    document = {"errorMessages": [refused.message], "errors": {}, "state": refused.state, "allowed": allowed}
    return json_answer(document, 409)
