"""The catalogue, pinned: an upgrade that is rehearsed today must be the same one tomorrow."""

import itertools

import pytest

from node.releases import find_release, known_versions
from zdu.errors import UsageError

BUILDS = {
    "7.3.0": 73011,
    "7.3.1": 73012,
    "7.3.2": 73013,
    "7.3.3": 73014,
    "7.3.4": 73015,
    "7.3.5": 73016,
    "7.3.6": 73017,
    "7.3.7": 73018,
    "7.3.8": 73019,
    "7.4.6": 74007,
    "7.6.17": 76018,
    "7.13.18": 713018,
    "8.0.3": 800003,
    "8.5.19": 805019,
    "8.13.27": 813027,
    "8.20.30": 820030,
    "9.4.30": 940030,
    "9.12.24": 9120024,
    "10.3.5": 10030005,
}


def test_the_catalogue_has_these_versions_with_these_builds() -> None:
    assert {version: find_release(version).build for version in known_versions()} == BUILDS


def test_versions_are_listed_oldest_first_and_builds_grow_with_them() -> None:
    releases = [find_release(version) for version in known_versions()]

    assert releases == sorted(releases, key=lambda release: release.numbers)
    assert releases == sorted(releases, key=lambda release: release.build)


def test_every_release_says_in_its_log_what_it_brings() -> None:
    for version in known_versions():
        assert find_release(version).log_lines


def test_a_release_has_the_steps_of_all_releases_before_it() -> None:
    releases = [find_release(version) for version in known_versions()]

    for older, newer in itertools.pairwise(releases):
        assert newer.expand_steps[: len(older.expand_steps)] == older.expand_steps
        assert newer.upgrade_tasks[: len(older.upgrade_tasks)] == older.upgrade_tasks
        assert newer.contract_steps[: len(older.contract_steps)] == older.contract_steps
        assert newer.features >= older.features


def test_an_unknown_version_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"unknown version '7\.3\.99'") as refused:
        find_release("7.3.99")
    assert "7.3.0, 7.3.1, 7.3.2" in refused.value.hint
