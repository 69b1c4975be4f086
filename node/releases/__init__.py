"""The release catalogue: real versions and their build numbers, and what each one changes."""

from node.releases.catalogue import Release, find_release, known_versions

__all__ = ["Release", "find_release", "known_versions"]
