"""The release catalogue: real versions and their build numbers, and what each one changes."""

from node.releases.catalogue import find_release, known_versions
from node.releases.release import Release

__all__ = ["Release", "find_release", "known_versions"]
