"""How a test reaches the control port of its cluster: with its own event loop, or without one.

The cluster's interface is written once, as coroutines over a :class:`Transport`. With :class:`Blocking` none of them
ever waits for an event loop, so :func:`drive` can run each to its end on the spot.
"""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Coroutine, Mapping
from typing import Any, Protocol, TypeVar

from zdu.clock import SystemClock
from zdu.errors import ExitCode, ZduError

Result = TypeVar("Result")


class CommandFailed(ZduError):
    """The cluster refused a command, or it did not work, or nobody answered."""

    exit_code = ExitCode.FAIL
    nobody_answered = False
    """Whether there was no answer at all."""


class Transport(Protocol):
    """Sends a request to the control port, and waits."""

    async def ask(self, url: str, token: str, body: Mapping[str, Any] | None, *, within_s: float) -> dict[str, Any]:
        """POST ``body``, or GET without one. Raises CommandFailed."""
        ...

    async def pause(self, seconds: float) -> None:
        """Wait."""
        ...


class Blocking:
    """For tests without an event loop: the thread waits."""

    async def ask(self, url: str, token: str, body: Mapping[str, Any] | None, *, within_s: float) -> dict[str, Any]:
        """POST ``body``, or GET without one. Raises CommandFailed."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, _headers(token))  # noqa: S310 - the control port's own address
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=within_s) as answer:
                return understood(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return understood(error.read())
        except OSError as error:
            raise _silent(url, error) from error

    async def pause(self, seconds: float) -> None:
        """Wait."""
        SystemClock().stand_still(seconds)


class OnTheLoop:
    """For asynchronous tests: their event loop goes on meanwhile."""

    async def ask(self, url: str, token: str, body: Mapping[str, Any] | None, *, within_s: float) -> dict[str, Any]:
        """POST ``body``, or GET without one. Raises CommandFailed."""
        import aiohttp  # noqa: PLC0415 - tests that need no cluster must not pay for it

        method, timeout = "GET" if body is None else "POST", aiohttp.ClientTimeout(total=within_s)
        try:
            async with (
                aiohttp.ClientSession(headers=_headers(token), timeout=timeout) as http,
                http.request(method, url, json=body) as answer,
            ):
                return understood(await answer.read())
        except (aiohttp.ClientError, OSError) as error:
            raise _silent(url, error) from error

    async def pause(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


def drive(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine that never waits for an event loop to its end."""
    try:
        work.send(None)
    except StopIteration as end:
        result: Result = end.value
        return result
    finally:
        work.close()
    raise TypeError("an asynchronous function cannot be used here: this is the synchronous interface")


def understood(answer: bytes) -> dict[str, Any]:
    """The answer's words. Raises CommandFailed if they are a problem."""
    words: Any = json.loads(answer)
    if "error" in words:
        raise CommandFailed(str(words["error"]), hint=str(words.get("hint", "")))
    result: dict[str, Any] = words
    return result


def _headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}


def _silent(url: str, error: Exception) -> CommandFailed:
    silent = CommandFailed(f"no answer from {url}: {str(error) or type(error).__name__}")
    silent.nobody_answered = True
    return silent
