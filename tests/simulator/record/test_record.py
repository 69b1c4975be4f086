"""What was written to a run folder can be read back, and what cannot be written is told once."""

import os
from pathlib import Path

import pytest

from simulator.record.recorder import Recorder
from simulator.record.requests import read_requests
from simulator.record.run_folder import RecordError, create_run_folder
from tests.support.evidence import good_events, request
from zdu.clock import ManualClock
from zdu.errors import UsageError
from zdu.events import Envelope, RunEnded


def test_requests_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, ManualClock())
    told = [
        request(1, 1.25, detail='a "quoted", odd\nreason', signed_in=True, first_byte_s=None),
        request(2, 2.5, write="w000001", issue="ZDU-3", attempts=2),
    ]
    for record in told:
        recorder.request(record)
    recorder.close()
    assert list(read_requests(tmp_path / "requests.csv")) == told


def test_a_last_line_cut_off_by_a_crash_is_left_out(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, ManualClock())
    recorder.request(request(1, 1.0))
    recorder.request(request(2, 2.0))
    recorder.close()
    file = tmp_path / "requests.csv"
    file.write_text(file.read_text()[:-40])
    assert [record.id for record in read_requests(file)] == [1]


def test_every_kind_of_event_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    clock = ManualClock()
    recorder = Recorder(tmp_path, clock)
    for at_s, event in good_events():
        clock.now_s = at_s
        recorder.event(event)
    recorder.close()
    lines = (tmp_path / "events.jsonl").read_text().splitlines()
    assert [Envelope.from_json(line) for line in lines] == recorder.envelopes
    assert [envelope.seq for envelope in recorder.envelopes] == list(range(1, len(lines) + 1))


def test_followers_hear_what_is_recorded(tmp_path: Path) -> None:
    heard: list[object] = []
    recorder = Recorder(tmp_path, ManualClock())
    recorder.follow(heard.append, heard.append)
    envelope, record = recorder.event(RunEnded()), request(1, 1.0)
    recorder.request(record)
    recorder.close()
    assert heard == [envelope, record]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_full_disk_is_told_once_in_words(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").symlink_to("/dev/full")
    recorder = Recorder(tmp_path, ManualClock())
    with pytest.raises(RecordError, match=f"{tmp_path}: {os.strerror(28)}"):
        recorder.event(RunEnded())
    recorder.event(RunEnded())
    recorder.close()


def test_two_runs_of_the_same_instant_get_folders_of_their_own(tmp_path: Path) -> None:
    clock = ManualClock()
    first, second = (create_run_folder(tmp_path, "valiantys", clock) for _ in range(2))
    assert first.path != second.path
    assert (tmp_path / "valiantys" / "latest").resolve() == second.path


def test_a_run_folder_that_cannot_be_made_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UsageError, match="no run folder can be made below"):
        create_run_folder(tmp_path / "file", "valiantys", ManualClock())
