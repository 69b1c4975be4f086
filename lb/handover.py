"""One load balancer takes the place of another that runs: the listening sockets themselves change hands.

Theory of operation. The old process listens at ``handover``, a Unix socket for its owner alone. The new one
connects::

    new                                        old
    hello                                  ->
                                           <-  here: the listening sockets, and which nodes serve
    (checks these nodes; accepts nothing)
    ready                                  ->
                                           <-  memory: what the operator set, what was learned
    (accepts connections)
    serving                                ->
                                           <-  stopping (accepts no more)
                                           <-  clients: connections on which nothing is asked    } until the old one
    adopted                                ->                                                    } has none left
                                           <-  learned: what responses in flight still taught it }

The sockets are the same in both processes, with one queue of connections that wait to be accepted: nothing is lost
when the old one closes its descriptor. (With SO_REUSEPORT each process has a queue of its own, and what waits in it
is reset when it closes.) Until ``serving`` the old process goes on as if nothing had happened, whatever becomes of
the new one. Only one can take over: a second that comes takes the first one's place.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from pydantic import TypeAdapter, ValidationError

from lb.handover_link import MAX_DESCRIPTORS, Link, LinkLost, Message, connect, is_served, is_trusted, listen
from lb.memory import Memory
from zdu.errors import ZduError

VERSION = 1
"""Of the messages; another one is refused, and the old process goes on."""
_PAUSE_S = 1.0
_MEMORY = TypeAdapter(Memory)
_log = logging.getLogger("lb")


class Estate(Protocol):
    """What the process that runs has to give."""

    def data_listeners(self) -> list[int]:
        """The sockets by which users come."""
        ...

    def admin_listeners(self) -> list[int]:
        """The sockets by which operators come."""
        ...

    def serving(self) -> list[str]:
        """The nodes that are up."""
        ...

    def memory(self) -> Memory:
        """What else the next process must know. The operator's commands are refused until :meth:`keep`."""
        ...

    def keep(self) -> None:
        """The next process did not come to anything: go on."""
        ...

    def hand_over(self, taker: "Taker", pid: int) -> None:
        """It serves: accept no more, finish, end."""
        ...


class Taker:
    """The process that took over, as the one that stops sees it."""

    def __init__(self, link: Link, within_s: float) -> None:
        self._link = link
        self._within_s = within_s
        self.given = 0
        """How many clients' connections it got."""

    async def take(self, clients: Sequence[socket.socket]) -> bool:
        """Give it clients' connections; False if it is gone. Ours are not needed any more then."""
        try:
            for start in range(0, len(clients), MAX_DESCRIPTORS):
                batch = clients[start : start + MAX_DESCRIPTORS]
                self._link.post("clients", descriptors=[client.fileno() for client in batch])
                await self._link.next(self._within_s, "adopted")
                self.given += len(batch)
        except LinkLost as lost:
            _log.warning("no more connections can be handed over: %s", lost)
            return False
        return True

    def learned(self, node: str, set_cookies: Sequence[bytes]) -> None:
        """Tell it what a response in flight taught."""
        with suppress(LinkLost):
            self._link.post(
                "learned", {"node": node, "set_cookies": [value.decode("latin-1") for value in set_cookies]}
            )

    def close(self) -> None:
        """There is nothing more to give."""
        self._link.close()


class Giver:
    """Waits for a process that takes over, as long as this one runs."""

    def __init__(self, path: Path, estate: Estate, *, answer_s: float, checks_s: float) -> None:
        self._path = path
        self._estate = estate
        self._answer_s = answer_s
        self._checks_s = checks_s
        self._sock: socket.socket | None = None
        self._inode = 0
        self._link: Link | None = None
        self._given = False

    @staticmethod
    async def refuse_second(path: Path, within_s: float) -> None:
        """Raise ZduError if a load balancer that could be taken over from runs already."""
        if await is_served(path, within_s):
            raise ZduError(
                f"a load balancer that can hand over at {path} runs already",
                hint="--take-over replaces it; another one beside it needs another handover.",
            )

    def open(self) -> None:
        """Listen. Raises ZduError if that is not possible, or not safe."""
        self._sock = listen(self._path)
        self._inode = self._path.stat().st_ino

    async def serve(self) -> None:
        """Answer whoever comes until one has taken over; the owner cancels it, and calls :meth:`close`."""
        assert self._sock is not None  # noqa: S101 - it was opened
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as tasks:
            while True:
                try:
                    sock, _ = await loop.sock_accept(self._sock)
                except OSError as error:  # too many open files, say: no reason to end
                    _log.error("cannot accept at %s: %s", self._path, error)
                    await asyncio.sleep(_PAUSE_S)
                    continue
                link = Link(sock)
                if self._given or not is_trusted(link):
                    link.close()
                    continue
                if self._link is not None:  # it may hang for ever: the newest counts
                    self._link.close()
                self._link = link
                tasks.create_task(self._talk(link))

    def close(self) -> None:
        """Listen no more; the path is removed unless another process has put its own socket there."""
        if self._sock is None:
            return
        with suppress(OSError):
            if self._path.stat().st_ino == self._inode:  # as long as our socket is open, no other has this number
                self._path.unlink()
        self._sock.close()
        self._sock = None
        if self._link is not None and not self._given:
            self._link.close()

    async def _talk(self, link: Link) -> None:
        try:
            await self._give(link)
        except (LinkLost, ValueError, TypeError) as error:
            _log.warning("a process that wanted to take over did not: %s", error)
        finally:
            if not self._given or self._link is not link:
                link.close()
                self._estate.keep()

    async def _give(self, link: Link) -> None:
        estate = self._estate
        hello = (await link.next(self._answer_s, "hello")).facts
        if hello.get("version") != VERSION:
            link.post("refused", {"reason": f"the process that runs speaks version {VERSION} of the handover"})
            return
        pid = int(hello.get("pid") or 0)
        _log.info("process %d wants to take over", pid)
        data, admin = estate.data_listeners(), estate.admin_listeners()
        facts = {"version": VERSION, "pid": os.getpid(), "data": len(data), "serving": estate.serving()}
        link.post("here", facts, [*data, *admin])
        await link.next(self._checks_s, "ready")
        link.post("memory", memory=_MEMORY.dump_json(estate.memory()))  # it may be large, and users wait
        await link.next(self._answer_s, "serving")
        if self._link is not link or self._given or self._sock is None:
            raise LinkLost("another one came, or we stop already")
        self._given = True
        estate.hand_over(Taker(link, self._answer_s), pid)
        link.post("stopping")


class Inheritance:
    """What the process that takes over was given, and the way to ask for the rest."""

    def __init__(self, link: Link, here: Message, within_s: float) -> None:
        self._link = link
        self._within_s = within_s
        self.pid = int(here.facts["pid"])
        self.serving = [str(name) for name in here.facts["serving"]]
        split = int(here.facts["data"])
        self.data, self.admin = here.sockets[:split], here.sockets[split:]

    @staticmethod
    async def at(path: Path, within_s: float) -> "Inheritance":
        """Ask the process that listens at ``path``. Raises ZduError if it gives nothing."""
        link = await connect(path, within_s)
        try:
            link.post("hello", {"version": VERSION, "pid": os.getpid()})
            here = await link.next(within_s, "here")
        except LinkLost as lost:
            link.close()
            raise ZduError(f"the load balancer that runs does not hand over: {lost}") from None
        return Inheritance(link, here, within_s)

    async def memory(self) -> Memory:
        """What it did until now; from here on it takes no commands. Raises ZduError."""
        try:
            self._link.post("ready")
            facts: Any = (await self._link.next(self._within_s, "memory")).facts
            return _MEMORY.validate_python(facts["memory"])
        except (LinkLost, ValidationError, KeyError) as error:
            raise ZduError(f"the load balancer that runs does not hand over: {error}") from None

    async def confirmed(self) -> None:
        """Tell it that we serve, and return when it has stopped accepting.

        Raises ZduError if it will not stop: then it is we who must.
        """
        try:
            self._link.post("serving")
            await self._link.next(self._within_s, "stopping")
        except LinkLost as lost:
            raise ZduError(f"the load balancer that runs did not stop: {lost}") from None

    async def next_clients(self) -> Message:
        """The next ``clients`` or ``learned``. Raises LinkLost when the other process has ended."""
        message = await self._link.next(_FOR_EVER_S, "clients", "learned")
        if message.kind == "clients":
            self._link.post("adopted")
        return message

    def close(self) -> None:
        """Let go of all that nobody took."""
        self._link.close()
        for sock in (*self.data, *self.admin):
            sock.close()
        self.data, self.admin = [], []


_FOR_EVER_S = 365 * 86400.0
