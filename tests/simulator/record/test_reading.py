"""What a run has left is read back whole, and what cannot be read is told in one message."""

import json
from operator import itemgetter
from pathlib import Path

import pytest

from simulator.record.finding import find_run
from simulator.record.reading import UnreadableRecord, read_run
from simulator.record.run_folder import RunFolder
from tests.support.evidence import good_events, good_requests
from tests.support.recorded_runs import record_run
from zdu.errors import UsageError


def test_a_record_is_read_back_with_its_events_and_its_requests(tmp_path: Path) -> None:
    record = read_run(record_run(tmp_path))
    told = [event for _, event in sorted(good_events(), key=itemgetter(0))]
    assert [envelope.event for envelope in record.envelopes[1:]] == told[1:]
    assert [(request.id, request.node) for request in record.requests] == [(r.id, r.node) for r in good_requests()]
    assert record.started.played["name"] == "valiantys"


def test_a_record_that_breaks_off_within_a_line_is_read_up_to_there(tmp_path: Path) -> None:
    folder = record_run(tmp_path)
    events = folder.path / "events.jsonl"
    whole = events.read_text(encoding="utf-8")
    events.write_text(whole[:-10], encoding="utf-8")
    assert len(read_run(folder).envelopes) == whole.count("\n") - 1


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{not json}\n", "it is not JSON"),
        ('{"seq": 1, "t_s": 1, "wall_ms": 1, "kind": "from_the_future"}\n', "unknown event kind 'from_the_future'"),
        ('{"seq": 1}\n', "'kind' is missing"),
        ("[]\n", "list indices must be"),
    ],
)
def test_a_damaged_event_is_told_with_its_line(tmp_path: Path, line: str, told: str) -> None:
    folder = record_run(tmp_path)
    with (folder.path / "events.jsonl").open("a", encoding="utf-8") as events:
        events.write(line)
    number = len(good_events()) + 1
    with pytest.raises(UnreadableRecord, match=f"events.jsonl, line {number}, .*{told}"):
        read_run(folder)


def test_a_file_of_bytes_that_are_no_text_is_told(tmp_path: Path) -> None:
    folder = record_run(tmp_path)
    (folder.path / "events.jsonl").write_bytes(b"\xff\xfe\n")
    with pytest.raises(UnreadableRecord):
        read_run(folder)


def test_a_column_that_an_older_version_did_not_have_takes_its_default(tmp_path: Path) -> None:
    folder = record_run(tmp_path)
    requests = folder.path / "requests.csv"
    whole = read_run(folder).requests
    rows = [line.rsplit(",", 1)[0] for line in requests.read_text().splitlines()]
    requests.write_text("\n".join(rows) + "\n")
    assert read_run(folder).requests == whole


def test_a_column_that_has_to_be_there_is_named(tmp_path: Path) -> None:
    folder = record_run(tmp_path)
    requests = folder.path / "requests.csv"
    requests.write_text(requests.read_text().replace("intended_s", "wanted_s", 1))
    with pytest.raises(UnreadableRecord, match="'intended_s' is missing"):
        read_run(folder)


def test_a_folder_without_a_record_and_one_whose_run_never_began_are_told(tmp_path: Path) -> None:
    with pytest.raises(UnreadableRecord, match="No such file"):
        read_run(RunFolder(tmp_path))
    (tmp_path / "events.jsonl").touch()
    (tmp_path / "requests.csv").touch()
    with pytest.raises(UnreadableRecord, match="does not begin with the start of a run"):
        read_run(RunFolder(tmp_path))


def test_a_run_is_found_by_its_folder_its_scenario_and_as_the_latest(tmp_path: Path) -> None:
    first, second = record_run(tmp_path), record_run(tmp_path)
    assert find_run(str(first.path), tmp_path) == first
    assert find_run(f"valiantys/{first.path.name}", tmp_path) == first
    assert find_run("valiantys", tmp_path) == find_run("latest", tmp_path) == second


def test_a_run_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run below"):
        find_run("latest", tmp_path)
    with pytest.raises(UsageError, match="There is no run below"):
        find_run("valiantys", tmp_path)
    record_run(tmp_path)
    with pytest.raises(UsageError, match=r"'other' is no run[^\n]*\nBelow .* there are runs of valiantys"):
        find_run("other", tmp_path)


def test_the_record_says_what_was_played_in_the_words_of_a_file(tmp_path: Path) -> None:
    first = json.loads((record_run(tmp_path).path / "events.jsonl").read_text().splitlines()[0])
    assert first["played"]["timeline"][0]["observe"] == {"for": "3s"}
