"""The release catalogue: real versions and their build numbers, what each one changes, and flaws to order."""

from node.releases.catalogue import find_release, is_known, known_versions
from node.releases.flaws import Flaw
from node.releases.release import Release

__all__ = ["Flaw", "Release", "find_release", "is_known", "known_versions"]
