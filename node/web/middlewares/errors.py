"""Turns whatever goes wrong into an answer: a page or JSON with the right code. Tracebacks go to the log only.

Paths are logged as they were sent, percent signs and all: a decoded one could carry line breaks, and forge a line.
"""

import asyncio
from http import HTTPStatus

from aiohttp import web

from node.services import NotAllowed
from node.web.access import Handler
from node.web.answers import error_answer, not_allowed_answer
from node.web.context import context_of
from node.web.errors import Refusal
from shared_db import StatementRefused
from zdu.errors import ZduError

_CANNOT_NOW = "JIRA cannot do this at the moment. Please try again."

_OWN_PROBLEM = "JIRA has a problem of its own. The node's log tells more."


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every request, within the time limit."""
    context = context_of(request)
    limits, log, path = context.limits, context.log, request.rel_url.raw_path
    try:
        async with asyncio.timeout(limits.request_timeout_s):
            return await handler(request)
    except Refusal as refusal:
        return error_answer(request, refusal.status, refusal.messages, refusal.errors)
    except NotAllowed as refused:
        return not_allowed_answer(request, refused)
    except web.HTTPException as problem:
        return _http_answer(request, problem)
    except TimeoutError:
        log.exception("%s %s was not done within %s s", request.method, path, limits.request_timeout_s)
    except StatementRefused as refused:
        log.error(  # noqa: TRY400 - what the release and the schema say of each other is all there is to know
            "%s %s failed: Jira %s cannot run a statement: %s; the statement was: %s",
            *(request.method, path, context.service.release.version, refused.reason, refused.statement),
        )
        return error_answer(request, 500, [_OWN_PROBLEM])
    except ZduError:
        log.exception("%s %s failed", request.method, path)
    except Exception:
        log.exception("%s %s failed unexpectedly", request.method, path)
        return error_answer(request, 500, [_OWN_PROBLEM])
    return error_answer(request, 503, [_CANNOT_NOW], headers={"Retry-After": str(limits.retry_after_s)})


def _http_answer(request: web.Request, problem: web.HTTPException) -> web.Response:
    if problem.status == HTTPStatus.NOT_FOUND:
        return error_answer(request, 404, ["The page you asked for does not exist."])
    headers = {name: problem.headers[name] for name in ("Allow",) if name in problem.headers}
    return error_answer(request, problem.status, [HTTPStatus(problem.status).phrase], headers=headers)
