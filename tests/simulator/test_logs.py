import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from simulator.log_files import LogTail, latest_run
from simulator.logs_cli import logs
from zdu.errors import UsageError


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return a_run(tmp_path / "runs" / "valiantys" / "20261124T100000.000")


def a_run(folder: Path) -> Path:
    """A run of two nodes of which the second has not started yet."""
    (folder / "logs").mkdir(parents=True)
    started = {"kind": "run_started", "nodes": ["node1", "node2"]}
    (folder / "events.jsonl").write_text(json.dumps(started) + "\n" + "{half a li")
    (folder / "logs" / "node1.log").write_text("one\ntwo\nthree\n", encoding="utf-8")
    (folder / "logs" / "lb-access.jsonl").write_text("{}\n")
    return folder


def zdu_logs(*arguments: str) -> Result:
    return CliRunner().invoke(logs, arguments, catch_exceptions=True)


def test_a_log_is_printed_whole(run: Path) -> None:
    assert zdu_logs("node1", "--run", str(run)).output == "one\ntwo\nthree\n"


@pytest.mark.parametrize(
    ("lines", "shown"), [("0", ""), ("1", "three\n"), ("2", "two\nthree\n"), ("9", "one\ntwo\nthree\n")]
)
def test_or_its_last_lines(run: Path, lines: str, shown: str) -> None:
    assert zdu_logs("node1", "--run", str(run), "-n", lines).output == shown


def test_a_log_of_more_than_one_chunk_is_printed_whole(run: Path) -> None:
    text = "".join(f"line {number} with an é\n" for number in range(20_000))
    (run / "logs" / "node1.log").write_text(text, encoding="utf-8")

    assert zdu_logs("node1", "--run", str(run)).output == text


def test_without_a_name_it_tells_which_logs_there_are_also_those_to_come(run: Path) -> None:
    told = zdu_logs("--run", str(run)).output

    assert [line.split()[0] for line in told.splitlines()[1:]] == ["lb", "node1", "node2"]
    assert "14 bytes" in told
    assert "nothing yet" in told


def test_the_run_that_began_last_is_meant_whichever_scenario_it_played(tmp_path: Path, run: Path) -> None:
    newest = a_run(tmp_path / "runs" / "other" / "20261124T110000.000")
    (newest / "logs" / "node1.log").write_text("the newest\n")
    a_run(tmp_path / "runs" / "valiantys" / "20261123T235959.999")
    (tmp_path / "runs" / "valiantys" / "latest").symlink_to(run.name)

    assert latest_run(tmp_path / "runs") == newest
    assert zdu_logs("node1", "--out", str(tmp_path / "runs")).output == "the newest\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["node9", "--run", "{run}"],
            "no process of this run is called 'node9'\nIn {run} there are: lb, node1, node2.",
        ),
        (["../node1", "--run", "{run}"], "no process of this run is called '../node1'"),
        (["node1", "--run", "{run}/logs"], "{run}/logs is not the folder of a run"),
        (["node1", "--out", "{run}"], "there is no run below {run}"),
    ],
)
def test_what_cannot_be_meant_is_told_in_a_sentence(run: Path, arguments: list[str], message: str) -> None:
    error = zdu_logs(*(argument.format(run=run) for argument in arguments)).exception

    assert isinstance(error, UsageError)
    assert str(error).startswith(message.format(run=run))
    assert error.hint


def test_a_log_that_is_still_to_come_is_told_and_no_mistake(run: Path) -> None:
    done = zdu_logs("node2", "--run", str(run))

    assert (done.exit_code, done.stdout) == (0, "")
    assert "node2 has not logged anything yet" in done.stderr


def test_a_run_whose_record_is_unreadable_still_has_its_logs(run: Path) -> None:
    (run / "events.jsonl").write_text("\n")

    assert zdu_logs("node1", "--run", str(run)).output == "one\ntwo\nthree\n"
    assert isinstance(zdu_logs("node2", "--run", str(run)).exception, UsageError)


def test_a_log_is_read_on_where_it_was_left_also_within_a_character(tmp_path: Path) -> None:
    path = tmp_path / "node1.log"
    path.write_bytes(b"caf\xc3")
    tail = LogTail(path)
    said = [tail.more()]
    with path.open("ab") as log:
        log.write(b"\xa9\nnext\n")

    said += [tail.more(), tail.more()]
    tail.close()

    assert said == ["caf", "é\nnext\n", ""]


def test_a_log_may_come_later_than_its_reader(tmp_path: Path) -> None:
    tail = LogTail(tmp_path / "node1.log")
    assert (tail.more(), tail.present) == ("", False)

    tail.path.write_text("here\n")

    assert (tail.more(), tail.present) == ("here\n", True)
    tail.close()


def test_a_log_that_is_rotated_is_read_to_its_end_and_then_from_the_new_ones_start(tmp_path: Path) -> None:
    path = tmp_path / "node1.log"
    path.write_text("old\n")
    tail = LogTail(path)
    assert tail.more() == "old\n"
    path.rename(tmp_path / "node1.log.1")
    assert tail.more() == ""
    with (tmp_path / "node1.log.1").open("a") as log:
        log.write("the last of the old\n")
    assert tail.more() == "the last of the old\n"

    path.write_text("new\n")

    assert (tail.more(), tail.more()) == ("new\n", "")
    tail.close()


def test_a_log_that_is_cut_short_is_read_from_its_start_again(tmp_path: Path) -> None:
    path = tmp_path / "node1.log"
    path.write_text("a long line\n")
    tail = LogTail(path)
    tail.more()

    path.write_text("short\n")

    assert tail.more() == "short\n"
    tail.close()


@pytest.mark.slow
def test_following_ends_with_ctrl_c_and_without_a_traceback(run: Path) -> None:
    command = [sys.executable, "-P", "-m", "zdu", "logs", "node1", "-f", "-n", "1", "--run", str(run)]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as following:
        assert following.stdout is not None
        assert following.stdout.readline() == "three\n"
        with (run / "logs" / "node1.log").open("a") as log:
            log.write("four\n")
        assert following.stdout.readline() == "four\n"
        following.send_signal(signal.SIGINT)
        out, err = following.communicate(timeout=30)

    assert (following.returncode, out, err.strip()) == (130, "", "")
