"""All releases, oldest first; one module for each family of them.

The versions are real. Of the builds, 7.3.8 (73019), 8.20.30, 9.4.30 and 9.12.24 are published; the others are made
by the pattern of their neighbours, and each says so beside it. What a release changes in the database is ours: the
real schema changes are not public, and these are made to teach.
"""

from dataclasses import replace

from node.releases import jira_7_3, jira_7_later, jira_8, jira_9_10
from node.releases.flaws import MEANINGS, SEPARATOR, Flaw, flawed
from node.releases.release import Release
from zdu.errors import UsageError


def _with_those_before(releases: tuple[Release, ...]) -> dict[str, Release]:
    found: dict[str, Release] = {}
    previous: Release | None = None
    for release in releases:
        previous = release if previous is None else release.after(previous)
        found[release.version] = previous
    return found


_RELEASES = _with_those_before((*jira_7_3.RELEASES, *jira_7_later.RELEASES, *jira_8.RELEASES, *jira_9_10.RELEASES))


def known_versions() -> tuple[str, ...]:
    """All versions of the catalogue, oldest first."""
    return tuple(_RELEASES)


def is_known(version: str) -> bool:
    """Whether there is such a version, flawed or not."""
    plain, separator, flaw = version.partition(SEPARATOR)
    return plain in _RELEASES and (not separator or flaw in set(Flaw))


def find_release(version: str, hidden_flaw: Flaw | None = None) -> Release:
    """The release of that version: ``7.3.2``, or with a flaw of ours ``7.3.2+bad-rename``.

    One with a ``hidden_flaw`` calls itself by the version all the same, as bad releases do.

    Raises UsageError naming the known versions, or flaws.
    """
    plain, separator, flaw = version.partition(SEPARATOR)
    if hidden_flaw is not None:
        return replace(flawed(find_release(version), hidden_flaw), version=version)
    release = _RELEASES.get(plain)
    if release is None:
        raise UsageError(f"unknown version {version!r}", hint=f"Known versions: {', '.join(known_versions())}.")
    if not separator:
        return release
    if flaw not in set(Flaw):
        raise UsageError(
            f"unknown flaw {flaw!r} in version {version!r}",
            hint="\n".join(["Flaws to order:", *(f"  {known:15} {meaning}" for known, meaning in MEANINGS.items())]),
        )
    return flawed(release, Flaw(flaw))
