"""Versions, builds and the schema work of each release.

7.3.8 is build 73019 (public code); patches of 7.3 count up by one, so 7.3.0 is 73011 and 7.3.2 is 73013.
"""

from dataclasses import dataclass

from zdu.errors import UsageError


@dataclass(frozen=True)
class Release:
    """One version of the software.

    ``expand_steps`` run when a node of this release starts and must not hurt older nodes; ``upgrade_tasks`` run once,
    at the end, when the upgrade is finalised; ``features`` name what the code of this release does differently.
    """

    version: str
    build: int
    expand_steps: tuple[str, ...] = ()
    upgrade_tasks: tuple[str, ...] = ()
    features: frozenset[str] = frozenset()

    @property
    def numbers(self) -> tuple[int, int, int]:
        """``(7, 3, 2)`` for 7.3.2."""
        major, minor, patch = (int(part) for part in self.version.split("."))
        return major, minor, patch


_RELEASES = {
    release.version: release
    for release in (
        Release("7.3.0", 73011),
        Release("7.3.1", 73012),
        Release(
            "7.3.2",
            73013,
            expand_steps=("73013-add-jiraissue-summary-lower",),
            upgrade_tasks=("73012-fill-summary-lower", "73013-index-summary-lower"),
            features=frozenset({"summary_lower"}),
        ),
    )
}


def known_versions() -> tuple[str, ...]:
    """All versions, oldest first."""
    return tuple(sorted(_RELEASES, key=lambda version: _RELEASES[version].numbers))


def find_release(version: str) -> Release:
    """The release of that version. Raises UsageError naming the known ones."""
    release = _RELEASES.get(version)
    if release is None:
        raise UsageError(f"unknown version {version!r}", hint=f"Known versions: {', '.join(known_versions())}.")
    return release
