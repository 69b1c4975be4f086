import asyncio
import io
from pathlib import Path

import pytest

from node.logs import LAUNCHER, NodeLog
from zdu.clock import ManualClock
from zdu.errors import ZduError


def log_lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def test_a_line_has_jiras_shape(tmp_path: Path) -> None:
    log = NodeLog(ManualClock(now_s=1.234), tmp_path / "log" / "jira.log")

    log.logger(LAUNCHER).info("Starting Jira %s", "7.3.0")
    log.logger("c.a.jira.Other").warning("careful")
    log.close()

    assert log_lines(tmp_path / "log" / "jira.log") == [
        "2017-03-07 09:51:01,234+0000 main INFO [c.a.jira.startup.LauncherContextListener] Starting Jira 7.3.0",
        "2017-03-07 09:51:01,234+0000 main WARN [c.a.jira.Other] careful",
    ]


async def test_the_task_stands_where_java_names_its_thread(tmp_path: Path) -> None:
    log = NodeLog(ManualClock(), tmp_path / "jira.log")

    async def beat() -> None:
        log.logger("x").info("beat")

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(beat(), name="heartbeat")
    log.close()

    assert " heartbeat INFO [x] beat" in log_lines(tmp_path / "jira.log")[0]


def test_two_nodes_in_one_process_keep_their_logs_apart(tmp_path: Path) -> None:
    logs = [NodeLog(ManualClock(), tmp_path / name) for name in ("a", "b")]
    for log in logs:
        log.logger(LAUNCHER).info("from %s", log.path.name)
        log.close()

    assert [len(log_lines(tmp_path / name)) for name in ("a", "b")] == [1, 1]


def test_an_exception_is_logged_with_its_traceback(tmp_path: Path) -> None:
    log = NodeLog(ManualClock(), tmp_path / "jira.log")
    try:
        raise RuntimeError("boom")  # noqa: TRY301 - the exception is the test's subject
    except RuntimeError:
        log.logger(LAUNCHER).exception("Unable to start JIRA.")
    log.close()

    lines = log_lines(tmp_path / "jira.log")
    assert lines[0].endswith("ERROR [c.a.jira.startup.LauncherContextListener] Unable to start JIRA.")
    assert lines[-1] == "RuntimeError: boom"


def test_a_log_file_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")

    with pytest.raises(ZduError, match="cannot write the log file"):
        NodeLog(ManualClock(), tmp_path / "file" / "jira.log")


def test_a_log_that_is_renamed_goes_on_in_a_new_file_of_the_same_name(tmp_path: Path) -> None:
    log = NodeLog(ManualClock(), tmp_path / "jira.log")
    log.logger(LAUNCHER).info("before")
    (tmp_path / "jira.log").rename(tmp_path / "jira.log.1")

    log.logger(LAUNCHER).info("after")
    log.close()

    assert [log_lines(tmp_path / name)[0].split()[-1] for name in ("jira.log.1", "jira.log")] == ["before", "after"]


FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="needs Linux's disk that is always full")
def test_a_full_disk_ends_neither_writing_nor_closing(capsys: pytest.CaptureFixture[str]) -> None:
    log = NodeLog(ManualClock(), FULL)

    log.logger(LAUNCHER).info("Stopping Jira")
    log.close()

    assert "cannot write to the log: Stopping Jira" in capsys.readouterr().err


@pytest.mark.skipif(not FULL.exists(), reason="needs Linux's disk that is always full")
def test_nor_does_a_standard_error_output_that_is_full_too(monkeypatch: pytest.MonkeyPatch) -> None:
    log = NodeLog(ManualClock(), FULL)
    raw = FULL.open("wb", buffering=0)
    monkeypatch.setattr("sys.stderr", io.TextIOWrapper(raw, write_through=True))

    log.logger(LAUNCHER).info("Stopping Jira")
    log.close()

    raw.close()


def test_half_a_surrogate_pair_is_logged_escaped(tmp_path: Path) -> None:
    log = NodeLog(ManualClock(), tmp_path / "jira.log")

    log.logger(LAUNCHER).info("a\ud800b")
    log.close()

    assert log_lines(tmp_path / "jira.log")[0].endswith(r"a\ud800b")
