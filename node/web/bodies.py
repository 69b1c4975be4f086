"""Reading what clients send: forms and JSON documents, checked for size, type and shape."""

import json
from urllib.parse import parse_qsl

from aiohttp import web

from node.web.context import context_of
from node.web.errors import Refusal
from node.web.scope import scope_of


async def read_form(request: web.Request) -> dict[str, str]:
    """The fields of an ordinary HTML form; of repeated ones the last. Raises 400, 413 or 415.

    ``multipart/form-data`` is refused: no form here carries files.
    """
    scope = scope_of(request)
    if scope.form is not None:
        return scope.form
    if request.can_read_body and request.content_type != "application/x-www-form-urlencoded":
        raise Refusal(415, "Forms are sent as application/x-www-form-urlencoded.")
    most, body = context_of(request).limits.form_fields, await request.read()
    try:
        pairs = parse_qsl(body.decode(errors="replace"), keep_blank_values=True, max_num_fields=most)
    except ValueError:
        raise Refusal(400, "The form has too many fields.") from None
    scope.form = dict(pairs)
    return scope.form


async def read_json(request: web.Request) -> dict[str, object]:
    """The JSON object in the body. Raises 400, 413 or 415."""
    if request.content_type != "application/json":
        raise Refusal(415, "The body has to be sent as application/json.")
    try:
        document = json.loads(await request.read())
    except (ValueError, RecursionError):
        raise Refusal(400, "The body is not valid JSON.") from None
    if not isinstance(document, dict):
        raise Refusal(400, "The body has to be a JSON object.")
    return document


def child(document: dict[str, object], key: str) -> dict[str, object]:
    """The object under ``key``; empty if absent. Raises a 400 if it is something else."""
    value = document.get(key, {})
    if not isinstance(value, dict):
        raise Refusal(400, f"'{key}' has to be a JSON object.", errors={key: "data was not an object"})
    return value
