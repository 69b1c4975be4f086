"""A cluster lock as one node uses it: waited for, kept fresh while its work goes on, given back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from node.logs import CLUSTERING
from node.parts import NodeParts
from node.waiting import meanwhile
from shared_db import Database
from zdu.errors import ZduError

_LIMIT_EXPIRIES = 3
"""How many expiries of the lock a node waits for the others that want it too."""

_POLLS_PER_EXPIRY = 50
"""A wait looks that many times: often enough to lose no time, seldom enough to cost nothing."""

_RENEWALS_PER_EXPIRY = 4
"""Often enough that a renewal that fails once does not cost the lock."""

_RELEASE_LIMIT_S = 2.0
"""A node that stops does not wait longer for what happens by itself in the end."""


class LockLost(ZduError):
    """Another node holds the lock that this one went by."""


class ClusterLock:
    """One lock of the cluster, for one node."""

    def __init__(self, parts: NodeParts, database: Database, name: str) -> None:
        self._parts = parts
        self._locks = database.locks
        self._name = name
        self._expiry_s = parts.intervals.lock_expiry
        self._log = parts.log.logger(CLUSTERING)

    async def take(self) -> bool:
        """Take the lock, or renew it. False while another node holds it."""
        return await self._locks.acquire(self._name, self._parts.node_id, self._expiry_s)

    async def renew(self) -> None:
        """Take or renew the lock. Raises LockLost while another node holds it."""
        if not await self.take():
            raise LockLost(
                f"node {await self._locks.holder(self._name)} has taken over the cluster lock {self._name}",
                hint="It did so because this node did not renew it in time. Look into that node's log.",
            )

    async def release(self) -> None:
        """Give the lock back. If the database does not let us, that is no reason to end a node: the lock expires."""
        try:
            async with asyncio.timeout(_RELEASE_LIMIT_S):
                await self._locks.release(self._name, self._parts.node_id)
        except Exception as error:
            self._log.warning(
                "The cluster lock %s could not be given back and expires in %g s: %r",
                *(self._name, self._expiry_s, error),
            )

    @asynccontextmanager
    async def held(self, doing: str) -> AsyncIterator[None]:
        """Wait for the lock and hold it for as long as the block runs. Raises ZduError if it cannot be had.

        ``doing`` says, for the log, what its other holder does.
        """
        await self._wait(doing)
        try:
            async with meanwhile(self._keep(), name="lockKeeper"):
                yield
        finally:
            await self.release()

    async def _wait(self, doing: str) -> None:
        told = False
        try:
            async with asyncio.timeout(_LIMIT_EXPIRIES * self._expiry_s):
                while not await self.take():
                    if not told:
                        self._log.info("Waiting for node %s, %s", await self._locks.holder(self._name), doing)
                    told = True
                    await asyncio.sleep(
                        self._expiry_s / _POLLS_PER_EXPIRY * self._parts.entropy.rng.uniform(0.5, 1.0)
                    )
        except TimeoutError:
            raise ZduError(
                f"node {await self._locks.holder(self._name)} holds the cluster lock {self._name} "
                f"and does not let go",
                hint="Look into that node's log. The lock of a node that is gone expires by itself.",
            ) from None

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self._expiry_s / _RENEWALS_PER_EXPIRY)
            try:
                await self.renew()
            except LockLost as lost:
                self._log.error("%s", lost.message)
                return
            except Exception as error:
                self._log.warning("The cluster lock %s could not be renewed: %s", self._name, error)
