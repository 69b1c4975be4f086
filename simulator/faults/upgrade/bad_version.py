"""``upgrade.bad_version``: the new release is no good."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from node.releases import Flaw
from simulator.faults.fault import Fault, Hold
from simulator.faults.start_changes import Changes, StartsDifferently, is_upgrade

if TYPE_CHECKING:
    from simulator.faults.reach import Reach


class UpgradeBadVersion(Fault):
    """The release that nodes are upgraded to has a flaw, and calls itself by its ordinary number all the same.

    It takes effect on every node that is started with a newer version than the cluster was set up with.
    """

    acts_on: ClassVar[str] = "next start"
    name: Literal["upgrade.bad_version"]
    """Which fault it is."""
    flaw: Flaw = Flaw.CRASH_ON_START
    """What is wrong with it; the flaws can also be ordered as a version, `7.3.2+crash-on-start`."""

    async def apply(self, reach: Reach) -> Hold:
        """Have the flaw in what is installed from now on."""
        cluster = reach.cluster

        def change(_node_id: str, version: str) -> Changes:
            return {"flaw": self.flaw} if is_upgrade(cluster, version) else {}

        return StartsDifferently(cluster, change)
