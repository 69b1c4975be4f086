"""How a node names its version: in the page footer, in headers and in ``serverInfo``."""

import hashlib

from node.releases import Release


def scm_hash(release: Release) -> str:
    """The commit a release was built from. Ours are made up, but always the same for one release."""
    return hashlib.sha1(f"{release.version}#{release.build}".encode(), usedforsecurity=False).hexdigest()[:7]


def footer(release: Release, node_id: str) -> str:
    """The footer of a clustered Jira: ``(v7.3.0#73011-sha1:94e8771:node1)``. Tools split it at the colons."""
    return f"(v{release.version}#{release.build}-sha1:{scm_hash(release)}:{node_id})"
