"""``upgrade.major_jump``: the way over a major version is not a rolling one."""

from typing import Literal

from node.releases import Release
from simulator.faults.upgrade.wrong_version import WrongVersion


class UpgradeMajorJump(WrongVersion):
    """A node is started with the next major version instead of the one that was meant, once; Jira refuses that."""

    name: Literal["upgrade.major_jump"]
    """Which fault it is."""

    def fits(self, found: Release, meant: Release) -> bool:
        """The first one of a higher major version."""
        return found.numbers[0] > meant.numbers[0]
