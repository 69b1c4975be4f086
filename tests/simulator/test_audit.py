"""The auditor counts what the database really has, and asks every node."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import URL

from node.workflow import move
from shared_db import Database
from shared_db.rows import NewIssue, NewUpgradeState
from simulator.audit import AuditFailed, Auditor
from simulator.audit_sample import READS_IN_ALL
from simulator.cluster import DatabaseTarget
from simulator.record.requests import RequestRecord
from tests.support.databases import DatabaseTarget as FreshDatabase
from tests.support.evidence import request


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


class FakeAdmin:
    """A node that shows the texts it is given."""

    def __init__(self, shown: dict[str, str]) -> None:
        self.shown = shown

    async def get(self, path: str) -> Any:
        key = path.removeprefix("/rest/api/2/issue/").removesuffix("?expand=changelog")
        return {"text": self.shown.get(key, "")}


def write(kind: str, marker: str, issue: str, **changes: Any) -> RequestRecord:
    return request(1, 1.0, kind=kind, write=marker, issue=issue, **changes)


@pytest.fixture
async def auditor(database_target: FreshDatabase, database: Database) -> AsyncIterator[Auditor]:
    await database.projects.create("ZDU", "Project")
    made = Auditor(DatabaseTarget(database_target.url, database_target.namespace))
    yield made
    await made.close()


async def test_writes_that_are_there_once_and_shown_are_blameless(database: Database, auditor: Auditor) -> None:
    issue = await database.issues.create("ZDU", "Summary", "Found. w000001", "user1")
    await database.issues.edit(issue.key, "user1", "New w000002", None)
    await database.issues.add_comment(issue.key, "user1", "Seen w000003")
    writes = [
        write("create_issue", "w000001", issue.key),
        write("edit_issue", "w000002", issue.key),
        write("comment_issue", "w000003", issue.key),
    ]
    audit = await auditor.writes(writes, cast(Any, {"node1": FakeAdmin({issue.key: "w000001 w000002 w000003"})}))
    assert (audit.acknowledged, audit.lost, audit.duplicated, audit.unreadable) == (3, [], [], {"node1": []})


async def test_lost_doubled_and_hidden_writes_are_each_found(database: Database, auditor: Auditor) -> None:
    issue = await database.issues.create("ZDU", "Summary", "once w000001", "user1")
    for _ in range(2):
        await database.issues.add_comment(issue.key, "user1", "twice w000002")
    writes = [
        write("create_issue", "w000001", issue.key),
        write("comment_issue", "w000002", issue.key),
        write("comment_issue", "w000003", issue.key),
        write("comment_issue", "w000004", issue.key, outcome="http_503"),
    ]
    audit = await auditor.writes(writes, cast(Any, {"node1": FakeAdmin({issue.key: "w000002 w000003"})}))
    assert audit.acknowledged == 3
    assert [text.split()[0] for text in audit.lost] == ["w000003"]
    assert [text.split()[0] for text in audit.duplicated] == ["w000002"]
    assert [text.split()[0] for text in audit.unreadable["node1"]] == ["w000001"]


async def test_writes_without_a_clear_answer_are_resolved_against_the_database(
    database: Database, auditor: Auditor
) -> None:
    issue = await database.issues.create("ZDU", "Summary", "", "user1")
    for marker in ("w000001", "w000003", "w000003", "w000004"):
        await database.issues.add_comment(issue.key, "user1", marker)
    outcomes = {"w000001": "timeout", "w000002": "http_502", "w000003": "reset", "w000004": "stale_form"}
    writes = [write("comment_issue", marker, issue.key, outcome=outcome) for marker, outcome in outcomes.items()]

    audit = await auditor.writes(writes, {})

    assert [(found["write"], found["fate"], found["right"]) for found in audit.ambiguous] == [
        ("w000001", "carried out once", True),
        ("w000002", "not carried out", True),
        ("w000003", "carried out more than once", False),
    ]
    assert [told.split()[0] for told in audit.refused_but_done] == ["w000004"]
    assert (audit.acknowledged, audit.lost, audit.duplicated) == (0, [], [])


async def test_a_summary_that_an_older_copy_was_written_over_is_found(database: Database, auditor: Auditor) -> None:
    issue = await database.issues.create("ZDU", "Summary", "", "user1")
    for summary in ("First w000001", "Second w000002", "First w000001"):
        await database.issues.edit(issue.key, "user1", summary)
    writes = [
        write("edit_issue", "w000001", issue.key, sent_s=1.0, end_s=1.1),
        write("edit_issue", "w000002", issue.key, sent_s=2.0, end_s=2.1),
    ]
    audit = await auditor.writes(writes, {})
    assert f"the summary of {issue.key} is 'First w000001'" in audit.overwritten[0]


async def test_a_write_to_several_issues_has_to_be_in_each_of_them_once(database: Database, auditor: Auditor) -> None:
    keys = [(await database.issues.create("ZDU", f"{number}", "", "user1")).key for number in range(3)]
    await database.issues.comment_many(keys, "user1", "In bulk w000001")
    await database.issues.comment_many(keys[:2], "user1", "In bulk w000002")
    everywhere = FakeAdmin(dict.fromkeys(keys, "w000001 w000002"))
    writes = [write("bulk_edit", marker, " ".join(keys)) for marker in ("w000001", "w000002")]

    audit = await auditor.writes(
        writes, cast(Any, {"node1": everywhere, "node2": FakeAdmin({keys[0]: "w000001 w000002"})})
    )

    assert [text.split()[0] for text in audit.lost] == ["w000002"]
    assert (audit.duplicated, audit.unreadable["node1"]) == ([], [])
    assert len(audit.unreadable["node2"]) == 4


async def test_a_transition_is_there_only_if_the_status_was_changed_too(database: Database, auditor: Auditor) -> None:
    for _ in range(2):
        await database.issues.create("ZDU", "Summary", "", "user1")
    await database.issues.transition("ZDU-1", "user1", lambda issue: move(issue, 11), "Done w000001")
    await database.issues.add_comment("ZDU-2", "user1", "Only a comment w000002")
    writes = [write("transition_issue", "w000001", "ZDU-1"), write("transition_issue", "w000002", "ZDU-2")]

    audit = await auditor.writes(writes, {})

    assert [text.split()[0] for text in audit.lost] == ["w000002"]


async def test_a_marker_in_the_wrong_place_is_no_write(database: Database, auditor: Auditor) -> None:
    issue = await database.issues.create("ZDU", "Summary", "w000009", "user1")
    audit = await auditor.writes([write("comment_issue", "w000009", issue.key)], {})
    assert len(audit.lost) == 1


async def test_the_upgrade_history_is_read_in_its_order(database: Database, auditor: Auditor) -> None:
    for state in ("READY_TO_UPGRADE", "MIXED"):
        await database.upgrade_state.change(lambda _: NewUpgradeState(state, 73011, "7.3.0"), 300.0)
    rows = (await auditor.upgrade_history()).rows
    assert [row["state"] for row in rows] == ["READY_TO_UPGRADE", "MIXED"]
    assert rows[0]["order_number"] < rows[1]["order_number"]


async def test_the_auditor_cannot_write(auditor: Auditor) -> None:
    with pytest.raises(AuditFailed, match=r"(?i)read-?only"):
        await auditor._query("DELETE FROM jiraissue RETURNING id")


async def test_a_database_that_is_gone_is_told_in_words(database_target: FreshDatabase) -> None:
    if database_target.kind != "sqlite":
        pytest.skip("a server that is gone is told the same way")
    auditor = Auditor(DatabaseTarget(database_target.url + ".gone"))
    with pytest.raises(AuditFailed, match="cannot be read at the end"):
        await auditor.upgrade_history()
    await auditor.close()


async def test_a_path_with_signs_that_mean_something_in_a_url_is_read(tmp_path: Path) -> None:
    file = tmp_path / "run#1 50%25?.sqlite3"
    with closing(sqlite3.connect(file)) as made:
        columns = "order_number, state, cluster_build_number, cluster_version, database_time"
        made.execute(f"CREATE TABLE clusterupgradestate ({columns})")
        made.commit()
    auditor = Auditor(DatabaseTarget(URL.create("sqlite+aiosqlite", database=str(file)).render_as_string()))
    assert (await auditor.upgrade_history()).rows == []
    await auditor.close()
    assert names_in(tmp_path) == [file.name]


@pytest.fixture
async def many(database: Database) -> list[RequestRecord]:
    """More issues than are read through nodes, created by two of them in turn, and one edit by a third."""
    count = 2 * READS_IN_ALL + 100
    new = [NewIssue(f"{number}", f"w{number:06}", "user1") for number in range(count)]
    issues = await database.issues.create_many("ZDU", new)
    await database.issues.edit(issues[70].key, "user1", f"Edited w{count:06}")
    made = [
        write("create_issue", f"w{number:06}", issue.key, node=f"node{1 + number % 2}")
        for number, issue in enumerate(issues)
    ]
    return [*made, write("edit_issue", f"w{count:06}", issues[70].key, node="node3")]


async def test_of_many_writes_every_one_is_looked_for_in_the_database_and_a_sample_through_each_node(
    database: Database, auditor: Auditor, many: list[RequestRecord]
) -> None:
    keys = [record.issue for record in many]
    everything = " ".join(record.write for record in many)
    seeing = FakeAdmin(dict.fromkeys(keys, everything))
    blind = FakeAdmin({record.issue: everything for record in many if record.node != "node2"})
    for lost in (0, 1, 999, len(keys) - 2):  # whichever it is, in the sample or not
        gone = write("comment_issue", f"w9{lost:05}", keys[lost])

        audit = await auditor.writes([*many, gone], cast(Any, {"node1": seeing, "node2": blind}))

        assert [told.split()[0] for told in audit.lost] == [gone.write]
    assert (audit.acknowledged, audit.issues_written) == (len(many) + 1, len(many) - 1)
    assert audit.issues_read == READS_IN_ALL // 2
    hidden = {told.split()[0] for told in audit.unreadable["node2"]}
    assert len(hidden & {record.write for record in many if record.node == "node2"}) > READS_IN_ALL // 8
    assert many[-2].write in hidden  # the sample goes on to the very end
