from node.index_snapshot import MOST_ISSUES, read_snapshot, snapshot_path, write_snapshot
from node.search_index import Query, SearchIndex
from shared_db import Issue


def _issue(number: int, summary: str = "Printer on fire", updated_ms: int = 0, **more: str) -> Issue:
    fields = {"project_key": "ZDU", "description": "", "status": "10000", **more}
    return Issue(
        id=number,
        key=f"{fields['project_key']}-{number}",
        number=number,
        summary=summary,
        reporter="user1",
        created_ms=0,
        updated_ms=updated_ms,
        **fields,
    )


def _keys(index: SearchIndex, query: Query, start: int = 0, limit: int = 50) -> list[str]:
    return [issue.key for issue in index.search(query, start, limit)[0]]


def test_words_are_found_in_summary_and_description_in_any_case_newest_first() -> None:
    index = SearchIndex()
    index.put_all([_issue(1, "ÄRGER mit Öl"), _issue(2, "x", description="großer Ärger"), _issue(3, "100% a_b")])

    assert _keys(index, Query("ärger")) == ["ZDU-2", "ZDU-1"]
    assert _keys(index, Query("% A_B")) == ["ZDU-3"]
    assert _keys(index, Query("%a")) == []
    assert _keys(index, Query()) == ["ZDU-3", "ZDU-2", "ZDU-1"]


def test_words_do_not_run_on_from_the_summary_into_the_description() -> None:
    index = SearchIndex()
    index.put(_issue(1, "on", description="fire"))

    assert _keys(index, Query("on fire")) == []


def test_a_search_gives_one_page_and_the_total() -> None:
    index = SearchIndex()
    index.put_all(_issue(number) for number in (5, 1, 4, 2, 3))

    found, total = index.search(Query("printer"), 1, 2)

    assert ([issue.key for issue in found], total) == (["ZDU-4", "ZDU-3"], 5)
    assert index.search(Query(), 10**9, 5) == ([], 5)


def test_project_and_status_narrow_a_search() -> None:
    index = SearchIndex()
    index.put_all([_issue(1), _issue(2, status="3"), _issue(3, project_key="OTHER")])

    assert _keys(index, Query(project="ZDU")) == ["ZDU-2", "ZDU-1"]
    assert _keys(index, Query(project="ZDU", status="3")) == ["ZDU-2"]
    assert _keys(index, Query(status="10000")) == ["OTHER-3", "ZDU-1"]


def test_news_that_come_late_do_not_replace_newer_ones() -> None:
    index = SearchIndex()
    index.put(_issue(1, "new", updated_ms=20))
    index.put(_issue(1, "old", updated_ms=10))
    assert _keys(index, Query("new")) == ["ZDU-1"]
    index.put(_issue(1, "newer", updated_ms=20))
    assert _keys(index, Query("newer")) == ["ZDU-1"], "of the same moment the last one heard counts"
    assert (len(index), index.last_updated_ms) == (1, 20)


def test_an_index_comes_back_from_the_disk_as_it_was(tmp_path) -> None:  # type: ignore[no-untyped-def]  # pytest's
    index, path = SearchIndex(), snapshot_path(tmp_path)
    index.put_all([_issue(2, "Zwei 🙂"), _issue(1)])
    index.applied, index.consumed = 7, {"node2": 7}

    assert write_snapshot(path, index, "db1")
    found = read_snapshot(path, "db1")

    assert found is not None
    assert (list(found), found.applied, found.consumed) == (list(index), 7, {"node2": 7})
    assert read_snapshot(path, "another database") is None


def test_an_index_that_is_missing_damaged_or_too_large_is_none(tmp_path) -> None:  # type: ignore[no-untyped-def]  # pytest's
    path = snapshot_path(tmp_path)
    assert read_snapshot(path, "db1") is None
    index = SearchIndex()
    index.put(_issue(1))
    write_snapshot(path, index, "db1")
    whole = path.read_text()
    for damaged in ("", whole[:-9], "[]", "{}", whole.replace('"summary"', '"sumary"')):
        path.write_text(damaged)
        assert read_snapshot(path, "db1") is None
    index.put_all(_issue(number) for number in range(2, MOST_ISSUES + 2))
    assert not write_snapshot(path, index, "db1")
    assert not path.exists(), "an older one would be taken for this one"
