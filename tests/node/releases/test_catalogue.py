"""The catalogue, pinned: an upgrade that is rehearsed today must be the same one tomorrow."""

import itertools

import pytest

from node.releases import Flaw, find_release, is_known, known_versions
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

COLUMNS = {
    "7.3.0": "",
    "7.3.1": "jiraissue.creator",
    "7.3.2": "jiraissue.summary_lower",
    "7.3.3": "jiraaction.updateauthor",
    "7.3.4": "project.originalkey",
    "7.3.5": "jiraaction.updated",
    "7.3.6": "changegroup.author_lower",
    "7.3.7": "cwd_user.lower_display_name",
    "7.3.8": "changeitem.field_lower",
    "7.4.6": "project.pname_lower",
    "7.6.17": "remembermetoken.username_lower",
    "7.13.18": "project.projecttype",
    "8.0.3": "jiraissue.archived",
    "8.5.19": "cwd_user.active",
    "8.13.27": "jiraaction.version",
    "8.20.30": "jiraissue.description_length",
    "9.4.30": "jiraaction.body_length",
    "9.12.24": "changegroup.version",
    "10.3.5": "remembermetoken.token_hash",
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


def test_each_release_adds_one_column_to_those_before_it() -> None:
    before: frozenset[str] = frozenset()
    for version, column in COLUMNS.items():
        features = find_release(version).features
        assert features - before == ({column} if column else set())
        before = features


def test_the_steps_of_7_3_2_are_named_after_its_build_and_what_they_do() -> None:
    release = find_release("7.3.2")

    assert release.expand_steps[-1] == "73013-add-jiraissue-summary-lower"
    assert release.upgrade_tasks[-2:] == (
        "73013-fill-jiraissue-summary-lower",
        "73013-index-jiraissue-summary-lower",
    )
    assert release.contract_steps[-1] == "73013-require-jiraissue-summary-lower"


def test_an_unknown_version_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"unknown version '7\.3\.99'") as refused:
        find_release("7.3.99")
    assert "7.3.0, 7.3.1, 7.3.2" in refused.value.hint


def test_a_flawed_release_is_the_plain_one_with_one_thing_wrong() -> None:
    plain = find_release("7.3.2")
    for flaw in Flaw:
        release = find_release(f"7.3.2+{flaw}")
        assert is_known(release.version)
        assert (release.build, release.numbers, release.flaw) == (plain.build, plain.numbers, flaw)
        assert release.upgrade_tasks == plain.upgrade_tasks
        assert release.expand_steps[: len(plain.expand_steps)] == plain.expand_steps
        assert "flawed on purpose" in release.log_lines[-1]


def test_no_release_of_the_catalogue_is_flawed() -> None:
    assert not any(find_release(version).flaw or "+" in version for version in known_versions())


@pytest.mark.parametrize("version", ["7.3.2+", "7.3.2+bad", "7.3.99+bad-rename", "+bad-rename"])
def test_an_unknown_flaw_is_refused_with_the_known_ones(version: str) -> None:
    assert not is_known(version)
    with pytest.raises(UsageError) as refused:
        find_release(version)
    assert ("bad-rename" in refused.value.hint) == version.startswith("7.3.2")
