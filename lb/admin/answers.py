"""How the admin port answers: JSON that nobody stores, and problems with one clear message."""

import asyncio
import json
from typing import Any

from aiohttp import web

NO_STORE = {"Cache-Control": "no-store"}
_REQUEST_LIMIT_S = 5.0


class Problem(Exception):
    """A request that cannot be served: becomes ``{"error": message}`` with ``status``."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    def response(self) -> web.Response:
        """The answer."""
        return web.json_response({"error": self.message}, status=self.status, headers=NO_STORE)


def answer(facts: object) -> web.Response:
    """``facts`` as JSON."""
    return web.json_response(facts, headers=NO_STORE)


def whole_number(request: web.Request, name: str, highest: int) -> int:
    """A query parameter, 0 if it is absent. Raises Problem if it is no number from 0 to ``highest``."""
    text = request.query.get(name, "0")
    if not (text.isascii() and text.isdigit() and int(text) <= highest):
        raise Problem(400, f"{name}: expected a whole number from 0 to {highest}, not {text!r}")
    return int(text)


async def json_object(request: web.Request, expected: str) -> dict[str, Any]:
    """The request's body, a JSON object. Raises Problem that shows what was ``expected``.

    The content type is asked for because a page of another site can make a browser post a form, but not JSON.
    """
    if request.content_type != "application/json":
        raise Problem(415, f"send JSON such as {expected} with Content-Type: application/json")
    try:
        async with asyncio.timeout(_REQUEST_LIMIT_S):
            body = await request.text()
        wish = json.loads(body) if body.strip() else {}
    except TimeoutError:
        raise Problem(408, "the request's body did not come") from None
    except ValueError:
        raise Problem(400, f"expected JSON such as {expected}") from None
    if not isinstance(wish, dict):
        raise Problem(400, f"expected JSON such as {expected}")
    return wish
