"""A node for the soak, a process of its own: it serves well, now and then badly, and journals each order it executes.

An order is in the journal before its answer is sent, in a file that survives ``kill -9``.
"""

import argparse
import asyncio
import base64
import hashlib
import os
import random
import signal
import socket
import struct
from contextlib import suppress

import uvloop

PAGE = b"x" * 6000


class Broken(Exception):
    """This request's connection ends here."""


class SoakNode:
    """Serves pages, orders, uploads, slow answers and echoing tunnels."""

    def __init__(self, name: str, journal: str, faults: float, seed: int) -> None:
        self._name, self._faults = name, faults
        self._journal = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._rng = random.Random(seed)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, Broken, ValueError):
            while await self._one(reader, writer):
                pass
        with suppress(ConnectionError):
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
        path = first.split(" ")[1]
        if path == "/status":
            writer.write(self._answer(b'{"state":"RUNNING"}'))
            return fields.get("connection", "").lower() != "close"
        if fields.get("upgrade", "").lower() == "websocket":
            return await self._echo(reader, writer, fields)
        fault = self._fault()
        if fault == "closes first":
            return False
        await self._read_body(reader, fields)
        if path.startswith("/order/"):
            os.write(self._journal, path.removeprefix("/order/").encode() + b"\n")
        if path == "/slow" or fault == "slow":
            await asyncio.sleep(self._rng.uniform(0.5, 2))
        self._misbehave(fault, writer)
        writer.write(self._answer(PAGE))
        await writer.drain()
        if fault == "closes after":  # a keep-alive race: it does not say so in its answer
            return False
        return fields.get("connection", "").lower() != "close"

    def _fault(self) -> str:
        if self._rng.random() >= self._faults:
            return ""
        kinds = ("closes first", "closes", "resets", "breaks off", "garbage", "slow", "closes after")
        return self._rng.choice(kinds)

    def _misbehave(self, fault: str, writer: asyncio.StreamWriter) -> None:
        if fault == "breaks off":
            writer.write(self._answer(PAGE)[:-2000])
        elif fault == "garbage":
            writer.write(b"\x16\x03\x01 no HTTP\r\n\r\n")
        elif fault == "resets":
            raw: socket.socket = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        if fault in {"closes", "breaks off", "garbage", "resets"}:
            raise Broken

    def _answer(self, body: bytes) -> bytes:
        return b"HTTP/1.1 200 OK\r\nX-Node: %b\r\nContent-Length: %d\r\n\r\n%b" % (
            self._name.encode(),
            len(body),
            body,
        )

    async def _read_body(self, reader: asyncio.StreamReader, fields: dict[str, str]) -> None:
        if "chunked" in fields.get("transfer-encoding", ""):
            while size := int((await reader.readline()).split(b";")[0], 16):
                await reader.readexactly(size + 2)
            while (await reader.readline()).strip():
                pass
        else:
            await reader.readexactly(int(fields.get("content-length", 0)))

    async def _echo(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fields: dict[str, str]) -> bool:
        key = hashlib.sha1(fields["sec-websocket-key"].encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nX-Node: %b\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Accept: %b\r\n\r\n" % (self._name.encode(), base64.b64encode(key))
        )
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        return False


async def _serve(options: argparse.Namespace) -> None:
    node = SoakNode(options.name, options.journal, options.faults, options.seed)
    server = await asyncio.start_server(node.serve, "127.0.0.1", options.port)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    server.close()


def main() -> None:
    """Until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("port", type=int)
    parser.add_argument("journal")
    parser.add_argument("--faults", type=float, default=0.02)
    parser.add_argument("--seed", type=int, default=0)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
