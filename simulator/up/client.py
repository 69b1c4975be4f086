"""Talks to the control port of a living cluster, and turns what goes wrong into one clear message."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from typing import Any

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout

from zdu.errors import ExitCode, ZduError
from zdu.living import Living, NoCluster

CONNECT_WITHIN_S = 5.0
ANSWER_WITHIN_S = 20.0
LONGEST_LINE = 2**20
"""Bytes of one event of the feed: where ten thousand users are."""
WORK_WITHIN_S = 3600.0
"""A roll of many nodes with long pauses takes its time; Ctrl-C leaves it to go on."""


class Answered(ZduError):
    """The cluster said no; with its own message, hint and exit code."""


async def get_status(living: Living) -> dict[str, Any]:
    """The whole state of the cluster."""
    async with _session(living, ANSWER_WITHIN_S) as http:
        return await _asked(living, http, "GET", "/api/status", None)


async def post(
    living: Living, path: str, body: Mapping[str, Any], *, told: Callable[[str], None] | None = None
) -> dict[str, Any]:
    """Send a command and wait until it is done; ``told`` hears meanwhile what happens, line by line."""
    async with _session(living, WORK_WITHIN_S) as http:
        hears = asyncio.Event()
        listening = asyncio.create_task(_tell(http, told, hears)) if told else None
        try:
            if listening:
                await hears.wait()  # else what happens first would be told to nobody
            return await _asked(living, http, "POST", f"/api/{path}", body)
        finally:
            if listening:
                await asyncio.sleep(0)
                listening.cancel()
                with suppress(asyncio.CancelledError):
                    await listening


def _session(living: Living, total_s: float) -> ClientSession:
    if not living.control_url:
        raise NoCluster(f"the cluster {living.name} is still being started", hint="Try again in a few seconds.")
    return ClientSession(
        base_url=living.control_url,
        headers={"Authorization": f"Bearer {living.token}"},
        read_bufsize=LONGEST_LINE,
        timeout=ClientTimeout(total=total_s, sock_connect=CONNECT_WITHIN_S),
    )


async def _asked(
    living: Living, http: ClientSession, method: str, path: str, body: Mapping[str, Any] | None
) -> dict[str, Any]:
    try:
        async with http.request(method, path, json=body) as answer:
            words: Any = await answer.json()
    except (ClientError, TimeoutError, OSError, ValueError) as error:
        raise NoCluster(
            f"the cluster {living.name} does not answer at {living.control_url}: {error or type(error).__name__}",
            hint=f"Is its simulator, process {living.simulator.pid}, well? zdu down --name {living.name} ends it.",
        ) from error
    if not isinstance(words, dict):
        raise NoCluster(f"what answers at {living.control_url} is no cluster's control port")
    if "error" in words:
        refused = Answered(str(words["error"]), hint=str(words.get("hint", "")))
        refused.exit_code = ExitCode(words.get("exit_code", ExitCode.INTERNAL))
        raise refused
    return words


async def _tell(http: ClientSession, told: Callable[[str], None], hears: asyncio.Event) -> None:
    """Pass on what is recorded from now on. A feed that breaks off is no reason to give up the command."""
    try:
        with suppress(ClientError, TimeoutError, OSError):
            async with http.get("/api/events", params={"after": str(2**53)}) as answer:
                async for kind, words in events_of(answer):
                    hears.set()  # the first event comes at once, and what it leaves out has happened before
                    if kind == "record" and (line := line_of(words)):
                        told(line)
    finally:
        hears.set()


async def events_of(answer: ClientResponse) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """Kind and words of each server-sent event."""
    kind = ""
    async for line in answer.content:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name == "event":
            kind = value
        elif name == "data":
            yield kind, json.loads(value)


def line_of(words: Mapping[str, Any]) -> str:
    """An event of the record as a line for people; empty for those that are only of use in the record."""
    if words["kind"] == "step_started":
        return f"{words['t_s']:6.1f} s  {words['title']}"
    return f"{words['t_s']:6.1f} s     {words['words']}" if words["words"] else ""
