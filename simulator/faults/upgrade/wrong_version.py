"""Somebody takes the wrong package: what the faults with another version than was meant share."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from node.releases import Release, find_release, is_known, known_versions
from simulator.faults.fault import FaultFailed, Hold, NodeFault
from simulator.faults.start_changes import Changes, StartsDifferently, is_upgrade

if TYPE_CHECKING:
    from simulator.faults.reach import Reach


class WrongVersion(NodeFault):
    """A node's upgrade installs another version than was meant, once: the next attempt takes the right one."""

    acts_on: ClassVar[str] = "next start"
    version: str = ""
    """Which one; without it, the first that fits."""

    def fits(self, found: Release, meant: Release) -> bool:
        """Whether ``found`` is what somebody may have taken who was to take ``meant``."""
        raise NotImplementedError

    async def apply(self, reach: Reach) -> Hold:
        """From its next upgrade on. Raises FaultFailed for a version that is not known."""
        if self.version and not is_known(self.version):
            raise FaultFailed(
                f"{self.name}: there is no version {self.version!r}; known: {', '.join(known_versions())}"
            )
        cluster = reach.cluster

        def change(node_id: str, version: str) -> Changes:
            if node_id != self.node or not is_upgrade(cluster, version):
                return {}
            wrong = self.version or self._first_that_fits(find_release(version))
            return {"version": wrong} if wrong not in {"", version} else {}

        return StartsDifferently(cluster, change, limit=1)

    def _first_that_fits(self, meant: Release) -> str:
        """Empty if the catalogue has none."""
        return next((known for known in known_versions() if self.fits(find_release(known), meant)), "")
