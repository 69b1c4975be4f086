"""A client on a raw socket that does what a case says and puts what it saw into words."""

import asyncio
import socket
import struct
import time
from contextlib import suppress
from dataclasses import dataclass

from bench.oracle.case import Case, Echo, Move, Read, Send

AFTERWARDS_S = 0.3
"""How long a client looks whether its connection is closed in the end ..."""
CLOSING_S = 1.5
"""... and how long if it must be: it may linger, so that the answer is not lost."""


@dataclass(frozen=True)
class ClientSaw:
    """The words of :class:`bench.oracle.case.Seen`."""

    words: str
    closed: bool
    seconds: float


class _Cut(Exception):
    """The connection ended in the middle."""


async def play(case: Case, port: int, case_id: str) -> ClientSaw:
    """Do the steps one after the other; bounded by the case's patience for each answer."""
    began_s = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
    seen: list[str] = []
    answered = 0
    took_s = 0.0
    closed = False
    try:
        for step in case.steps:
            match step:
                case Send(data):
                    with suppress(ConnectionError):
                        writer.write(data.replace(b"{id}", case_id.encode()))
                        await asyncio.wait_for(writer.drain(), 2)
                case Read(head):
                    answered += 1
                    seen.append(await read_answer(reader, f"{case_id}-{answered}", case.wait_s, head=head))
                    took_s = time.monotonic() - began_s
                case Echo(data) if seen[-1].startswith("101"):
                    seen.append(await _echo(reader, writer, data, case.wait_s))
                case Echo():
                    pass  # there is no tunnel
                case Move.HALF_CLOSE:
                    writer.write_eof()
                case Move.ABORT:
                    await asyncio.sleep(0.5)
                    _reset(writer)
                    seen.append("left")
                    await asyncio.sleep(1.5)  # time for the news to reach the node
        closed = await _is_closed(reader, CLOSING_S if case.closed else AFTERWARDS_S)
    finally:
        writer.transport.abort()
    return ClientSaw(", ".join(seen), closed, took_s)


async def read_answer(reader: asyncio.StreamReader, token: str, wait_s: float, *, head: bool = False) -> str:
    """One final answer and the interim ones before it, in words."""
    words = []
    try:
        async with asyncio.timeout(wait_s):
            while True:
                status, fields = await _read_head(reader)
                if not (100 <= status < 200 and status != 101):
                    break
                words.append(f"{status}+")
    except TimeoutError:
        return "".join(words) + "silent"
    except ConnectionError:
        return "".join(words) + "reset"
    except (_Cut, asyncio.IncompleteReadError):
        return "".join(words) + "closed"
    except ValueError:
        return "".join(words) + "raw"
    words.append(f"{status}{_by(fields, token)}")
    try:
        async with asyncio.timeout(wait_s):
            await _read_body(reader, status, fields, head=head)
    except TimeoutError:
        words.append(" open")
    except (_Cut, asyncio.IncompleteReadError, ConnectionError, ValueError):
        words.append(" cut")
    return "".join(words)


def _by(fields: dict[str, str], token: str) -> str:
    """Who made the answer, and whether it is the answer to this request."""
    if "x-node" not in fields:
        return " Retry-After" if "retry-after" in fields else ""
    wrong = "" if fields.get("x-token", token) == token else " WRONG"
    return f" {fields['x-node']}{wrong}"


async def _read_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    line = await reader.readline()
    if not line:
        raise _Cut
    if not line.startswith(b"HTTP/"):
        raise ValueError(line)
    status = int(line.split()[1])
    fields: dict[str, str] = {}
    while (line := await reader.readline()).strip():
        name, _, value = line.decode("latin-1").partition(":")
        fields[name.lower()] = value.strip()
    if not line:
        raise _Cut
    return status, fields


async def _read_body(reader: asyncio.StreamReader, status: int, fields: dict[str, str], *, head: bool) -> None:
    if head or status in {101, 204, 304}:
        return
    if "chunked" in fields.get("transfer-encoding", ""):
        while size := int(await reader.readline(), 16):
            await reader.readexactly(size + 2)
        while (line := await reader.readline()).strip():
            pass
        if not line:
            raise _Cut
    elif "content-length" in fields:
        await reader.readexactly(int(fields["content-length"]))
    else:
        await reader.read()


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes, wait_s: float) -> str:
    try:
        async with asyncio.timeout(wait_s):
            writer.write(data)
            return "echo" if await reader.readexactly(len(data)) == data else "WRONG echo"
    except (TimeoutError, ConnectionError, asyncio.IncompleteReadError):
        return "no echo"


async def _is_closed(reader: asyncio.StreamReader, within_s: float) -> bool:
    try:
        async with asyncio.timeout(within_s):
            while await reader.read(65536):
                pass
            return True
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def _reset(writer: asyncio.StreamWriter) -> None:
    raw: socket.socket = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
