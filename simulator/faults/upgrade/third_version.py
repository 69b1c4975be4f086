"""``upgrade.third_version``: a cluster bears two versions, not three."""

from typing import Literal

from node.releases import Release
from simulator.faults.upgrade.wrong_version import WrongVersion


class UpgradeThirdVersion(WrongVersion):
    """A node is started with a version beyond the one that was meant, once: a third one, if another is upgraded.

    Jira refuses a third version; as the first node's it gets in, and keeps out the version that was meant.
    """

    name: Literal["upgrade.third_version"]
    """Which fault it is."""

    def fits(self, found: Release, meant: Release) -> bool:
        """The next newer one of the same major version."""
        return found.numbers[0] == meant.numbers[0] and found.numbers > meant.numbers
