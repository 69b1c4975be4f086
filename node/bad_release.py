"""What a flawed release does wrong in a node's life. The flaws of its SQL are steps; that of its web side is there.

All of it is asked for by name (:mod:`node.releases.flaws`); for a release of the catalogue nothing here does a thing.
"""

import asyncio

from node.logs import UPGRADE_SERVICE
from node.parts import NodeParts
from node.releases import Flaw
from shared_db import Database
from zdu.errors import ZduError

SLOW_START_FACTOR = 10.0
"""How much longer a node of the release that starts slowly takes."""

_FAILED_BEFORE = "zdu.flaw.failing-task"
"""The property by which a cluster knows that the failing task has had its failure."""


class CrashOnStart(Exception):
    """What the flawed release dies of."""


class BadRelease:
    """The flaw of this node's release, if it has one."""

    def __init__(self, parts: NodeParts, database: Database) -> None:
        self._parts = parts
        self._properties = database.properties
        self._flaw = parts.release.flaw

    @property
    def start_duration_s(self) -> float:
        """How long a start takes at least."""
        factor = SLOW_START_FACTOR if self._flaw == Flaw.SLOW_START else 1.0
        return self._parts.config.start_duration * factor

    def crash_at_start(self) -> None:
        """Raise CrashOnStart in the release that crashes as it starts."""
        if self._flaw == Flaw.CRASH_ON_START:
            raise CrashOnStart("java.lang.OutOfMemoryError: this release is flawed on purpose")

    async def before_task(self, name: str) -> None:
        """Never return, or raise ZduError the first time, in the releases whose tasks do that."""
        if self._flaw == Flaw.STUCK_TASK:
            self._parts.log.logger(UPGRADE_SERVICE).warning(
                "Upgrade task %s waits for something that never comes", name
            )
            await asyncio.Event().wait()
        if self._flaw == Flaw.FAILING_TASK and await self._properties.get(_FAILED_BEFORE) is None:
            await self._properties.set(_FAILED_BEFORE, name)
            raise ZduError(f"upgrade task {name} failed: this release is flawed on purpose")
