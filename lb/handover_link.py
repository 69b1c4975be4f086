"""Messages with file descriptors between two processes of one machine: the one place here with a raw socket.

asyncio has no way to send or receive a file descriptor: its transports drop what comes beside the bytes. So a link is
a Unix socket of its own, watched by the event loop (``add_reader``), on which a message is one JSON object with the
descriptors that belong to it. On the wire: four bytes length, four bytes how many descriptors, the JSON; the
descriptors travel with the message's first byte (SCM_RIGHTS, unix(7)), so they are in the order of the messages.
"""

import asyncio
import errno
import json
import os
import socket
import stat
import struct
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zdu.errors import ZduError

MAX_DESCRIPTORS = 100
"""In one message; the system allows 253 (SCM_MAX_FD)."""
MAX_BYTES = 256 * 1024 * 1024
_HEAD = struct.Struct("!II")
_READ_BYTES = 256 * 1024


class LinkLost(Exception):
    """The other process is gone, or says nothing, or what it says is none of our language."""


@dataclass(slots=True)
class Message:
    """One message; whoever takes :attr:`sockets` closes them."""

    kind: str
    facts: Mapping[str, Any]
    sockets: list[socket.socket] = field(default_factory=list)

    def close(self) -> None:
        """Nobody wants the sockets."""
        for sock in self.sockets:
            sock.close()


class Link:
    """One end. Only :meth:`post` never waits; what is posted before :meth:`close` may be lost."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._loop = asyncio.get_running_loop()
        self._input = bytearray()
        self._descriptors: deque[int] = deque()
        self._messages: asyncio.Queue[Message | None] = asyncio.Queue()
        self._output: deque[tuple[memoryview, list[int]]] = deque()
        self.lost = False
        sock.setblocking(False)
        self._loop.add_reader(sock.fileno(), self._readable)

    def __repr__(self) -> str:
        return f"<Link {'lost' if self.lost else 'up'}>"

    @property
    def peer_uid(self) -> int | None:
        """Whose process the other end is; None where the system does not say."""
        if not hasattr(socket, "SO_PEERCRED"):  # pragma: no cover - Linux has it
            return None
        credentials = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return int(struct.unpack("3i", credentials)[1])

    def post(self, kind: str, facts: Mapping[str, Any] | None = None, descriptors: Sequence[int] = ()) -> None:
        """Send a message, as much of it as goes at once now and the rest later.

        The descriptors must stay open until the other side has answered. Raises LinkLost if it is known to be gone.
        """
        if self.lost:
            raise LinkLost("the other process is gone")
        data = json.dumps({"kind": kind, **(facts or {})}, separators=(",", ":")).encode()
        self._output.append((memoryview(_HEAD.pack(len(data), len(descriptors)) + data), list(descriptors)))
        if len(self._output) == 1:
            self._writable()

    async def next(self, within_s: float, *kinds: str) -> Message:
        """The next message, which is to be one of ``kinds``. Raises LinkLost if there is none."""
        try:
            async with asyncio.timeout(within_s):
                message = await self._messages.get()
        except TimeoutError:
            raise LinkLost(f"the other process said nothing for {within_s:g} s") from None
        if message is None:
            self._messages.put_nowait(None)
            raise LinkLost("the other process is gone")
        if kinds and message.kind not in kinds:
            message.close()
            raise LinkLost(str(message.facts.get("reason") or f"the other process said {message.kind!r}"))
        return message

    def close(self) -> None:
        """End the link, and close what came on it and nobody took."""
        if self._sock.fileno() < 0:
            return
        self._end()
        self._loop.remove_reader(self._sock.fileno())
        self._loop.remove_writer(self._sock.fileno())
        self._sock.close()
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors.clear()
        while not self._messages.empty():
            message = self._messages.get_nowait()
            if message is not None:
                message.close()
        self._messages.put_nowait(None)

    def _end(self) -> None:
        if not self.lost:
            self.lost = True
            self._output.clear()
            self._messages.put_nowait(None)

    def _readable(self) -> None:
        try:
            data, descriptors, _, _ = socket.recv_fds(self._sock, _READ_BYTES, MAX_DESCRIPTORS)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data, descriptors = b"", []
        for descriptor in descriptors:
            os.set_inheritable(descriptor, False)
            self._descriptors.append(descriptor)
        self._input += data
        if not data or not self._take_messages():
            self._loop.remove_reader(self._sock.fileno())
            self._end()

    def _take_messages(self) -> bool:
        while len(self._input) >= _HEAD.size:
            size, count = _HEAD.unpack_from(self._input)
            if size > MAX_BYTES or count > MAX_DESCRIPTORS:
                return False
            if len(self._input) < _HEAD.size + size:
                return True
            try:
                facts = json.loads(bytes(self._input[_HEAD.size : _HEAD.size + size]))
                kind = str(facts["kind"])
            except (ValueError, TypeError, KeyError):
                return False
            if len(self._descriptors) < count:  # we may have too many files open: the system has closed them
                return False
            message = Message(kind, facts)
            self._messages.put_nowait(message)
            try:
                for _ in range(count):
                    message.sockets.append(socket.socket(fileno=self._descriptors[0]))
                    self._descriptors.popleft()
            except OSError:  # it is no socket
                return False
            del self._input[: _HEAD.size + size]
        return True

    def _writable(self) -> None:
        while self._output:
            data, descriptors = self._output[0]
            try:
                sent = socket.send_fds(self._sock, [data], descriptors) if descriptors else self._sock.send(data)
            except (BlockingIOError, InterruptedError):
                self._loop.add_writer(self._sock.fileno(), self._writable)
                return
            except OSError:
                self._end()
                break
            if sent < len(data):
                self._output[0] = (data[sent:], [])
            else:
                self._output.popleft()
        self._loop.remove_writer(self._sock.fileno())


async def connect(path: Path, within_s: float) -> Link:
    """A link to the process that listens at ``path``. Raises ZduError in words if there is none to be trusted."""
    check_folder(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.setblocking(False)
    try:
        async with asyncio.timeout(within_s):
            await asyncio.get_running_loop().sock_connect(sock, str(path))
    except (OSError, TimeoutError) as error:
        sock.close()
        why = error.strerror if isinstance(error, OSError) and error.strerror else "it does not answer"
        raise ZduError(
            f"no load balancer hands over at {path}: {why.lower()}",
            hint="It needs the same handover in its configuration. If none runs, leave --take-over out.",
        ) from None
    link = Link(sock)
    if not is_trusted(link):
        link.close()
        raise ZduError(f"the process that listens at {path} is another user's", hint="Check handover.")
    return link


def is_trusted(link: Link) -> bool:
    """Whether the other end is a process of the same user, or of root."""
    return link.peer_uid in {None, 0, os.geteuid()}


def listen(path: Path) -> socket.socket:
    """A socket that listens at ``path``, for its owner alone; it takes the place of one that was there.

    It appears there at once and listening, so that there is no moment without one. Raises ZduError in words.
    """
    check_folder(path)
    try:
        there = path.lstat()
    except OSError:
        there = None
    if there is not None and not (stat.S_ISSOCK(there.st_mode) and there.st_uid == os.geteuid()):
        raise ZduError(f"{path} is there already and no socket of ours", hint="Choose another path for handover.")
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.setblocking(False)
    umask = os.umask(0o177)
    try:
        with suppress(FileNotFoundError):
            fresh.unlink()
        sock.bind(str(fresh))
        sock.listen(8)
        fresh.rename(path)
    except OSError as error:
        sock.close()
        raise ZduError(f"cannot listen at {path}: {error.strerror or error}", hint="Check handover.") from None
    finally:
        os.umask(umask)
    return sock


async def is_served(path: Path, within_s: float) -> bool:
    """Whether some process listens at ``path`` now."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.setblocking(False)
        try:
            async with asyncio.timeout(within_s):
                await asyncio.get_running_loop().sock_connect(sock, str(path))
        except TimeoutError:
            return True
        except OSError as error:
            return error.errno == errno.EAGAIN  # its queue is full
    return True


def check_folder(path: Path) -> None:
    """Raise ZduError if another user could put a socket of theirs at ``path``: they would get our users' requests."""
    if not path.parent.is_dir():
        raise ZduError(
            f"there is no folder {path.parent}", hint="handover is the path of a socket in a folder of ours."
        )
    for folder in (path.parent.resolve(), *path.parent.resolve().parents):
        found = folder.stat()
        writable = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        if found.st_uid not in {0, os.geteuid()} or (writable and not found.st_mode & stat.S_ISVTX):
            raise ZduError(
                f"handover {path}: other users could replace what is in {folder}",
                hint="Choose a folder that only its owner can write to: chmod 700, say.",
            )
