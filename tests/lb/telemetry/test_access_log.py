"""The access log: one JSON line a request, whatever strangers send, and a disk that may be full."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lb.retry import Failure
from lb.telemetry.access_log import FLUSH_BYTES, AccessLog, line_of
from lb.telemetry.record import AttemptRecord, RequestRecord
from tests.support.records import attempt_record, attributes_of, request_record
from zdu.errors import ZduError

STRANGERS = st.text(st.characters())  # lone surrogates too: what surrogateescape makes of bytes
WORDS = st.text("abcXYZ019._-", max_size=20)
NUMBERS = st.floats(0, 1e9)
COUNTS = st.integers(0, 2**53)
ATTEMPTS = st.builds(
    attempt_record,
    node=WORDS,
    reused_connection=st.booleans(),
    failure=st.sampled_from(["", *Failure]),
    status=st.integers(0, 999),
    began_s=NUMBERS,
    connect_ms=NUMBERS,
    response_ms=NUMBERS,
)
RECORDS = st.builds(
    request_record,
    request_id=STRANGERS,
    client=STRANGERS,
    method=STRANGERS,
    target=STRANGERS,
    received_s=NUMBERS,
    version=st.sampled_from(["1.0", "1.1"]),
    status=st.integers(0, 999),
    node=WORDS,
    route=STRANGERS,
    cookie=st.text("NIDVEOUPR-", min_size=2, max_size=2),
    ended=st.text("CSPRQHDLT-cs", min_size=2, max_size=2),
    own=WORDS,
    moved_from=WORDS,
    attempts=st.lists(ATTEMPTS, max_size=4),
    received_bytes=COUNTS,
    sent_bytes=COUNTS,
    tq_ms=NUMBERS,
    tw_ms=NUMBERS,
    ta_ms=NUMBERS,
)


@given(RECORDS, st.integers(0, 2**53))
def test_every_line_is_one_json_object_that_says_what_the_record_says(record: RequestRecord, wall_ms: int) -> None:
    line = line_of(record, wall_ms)
    assert line.isascii()
    assert line.isprintable(), "no line break in a line"
    said: dict[str, Any] = json.loads(line)

    assert said.pop("wall_ms") == wall_ms
    assert said.pop("termination") == record.ended + record.cookie
    last = record.attempts[-1] if record.attempts else None
    assert said.pop("tc_ms") == (pytest.approx(last.connect_ms, abs=0.001) if last else None)
    assert said.pop("tr_ms") == (pytest.approx(last.response_ms, abs=0.001) if last else None)
    attempts = said.pop("attempts")
    assert len(attempts) == len(record.attempts)
    for told, attempt in zip(attempts, record.attempts, strict=True):
        assert told == {name: close_to(getattr(attempt, name)) for name in attributes_of(AttemptRecord)}
    ours = attributes_of(RequestRecord) - {"attempts", "ended", "cookie"}
    assert said == {name: close_to(getattr(record, name)) for name in ours}


def close_to(value: object) -> object:
    return pytest.approx(value, abs=0.001) if isinstance(value, float) else value


def test_lines_are_gathered_until_they_are_flushed_or_many(tmp_path: Path) -> None:
    path = tmp_path / "access.jsonl"
    log = AccessLog(str(path))
    log.add("first")
    assert path.read_text() == ""
    log.flush()
    log.flush()
    assert path.read_text() == "first\n"
    log.add("x" * (FLUSH_BYTES - 2))
    assert path.read_text() == "first\n"
    log.add("")
    assert path.stat().st_size == len("first\n") + FLUSH_BYTES
    log.add("last")
    log.close()
    assert path.read_text().endswith("\nlast\n")
    log.add("after the end")
    log.close()


def test_a_log_goes_on_in_a_new_file_after_the_old_one_was_renamed(tmp_path: Path) -> None:
    path, old = tmp_path / "access.jsonl", tmp_path / "access.jsonl.1"
    log = AccessLog(str(path))
    log.add("before")
    path.rename(old)
    log.add("while")
    log.reopen()
    log.add("after")
    log.close()
    assert old.read_text() == "before\nwhile\n"
    assert path.read_text() == "after\n"


def test_a_log_that_cannot_be_reopened_goes_on_in_the_old_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    log = AccessLog(str(folder / "access.jsonl"))
    moved = folder.rename(tmp_path / "old")
    log.reopen()
    log.add("still here")
    log.close()
    assert (moved / "access.jsonl").read_text() == "still here\n"
    assert "it goes on in the old file" in caplog.text


def test_a_log_that_cannot_be_written_fails_no_request_and_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    log = AccessLog("/dev/full")
    with caplog.at_level(logging.ERROR, "lb.access"):
        for _ in range(3):
            log.add("line")
            log.flush()
    assert [record.message for record in caplog.records] == [
        "the access log stops here: [Errno 28] No space left on device"
    ]


def test_a_log_that_cannot_be_opened_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(ZduError, match=r"cannot write the access log .*: No such file or directory"):
        AccessLog(str(tmp_path / "no" / "such" / "place.jsonl"))


def test_without_a_path_nothing_is_written() -> None:
    log = AccessLog("")
    log.add("line")
    log.reopen()
    log.close()
