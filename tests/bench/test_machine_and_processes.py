"""What is said of a machine without the programs, and how processes are watched and ended."""

import os
import signal
import sys
from pathlib import Path

import pytest

from bench.common import machine
from bench.common.errors import BenchError, run_command
from bench.common.machine import CoreTime, core_time, describe, require
from bench.common.processes import Children, free_ports, wait_for_port
from tests.support.waiting import until_in_another_process

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def test_missing_programs_are_named_with_the_packages_that_bring_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "find_program", lambda name: None if name != "wrk" else "/usr/bin/wrk")
    with pytest.raises(BenchError, match="apt-get install --no-install-recommends apache2 haproxy") as caught:
        require(["wrk", "haproxy", "apache2"])
    assert "wrk" not in str(caught.value)


def test_a_command_that_cannot_run_ends_with_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    def main() -> int:
        raise BenchError("not here")

    with pytest.raises(SystemExit) as ended:
        run_command(main)
    assert ended.value.code == 64
    assert capsys.readouterr().err == "error: not here\n"


def test_the_machine_is_described_with_cores_kernel_and_versions() -> None:
    text = describe()
    assert os.uname().release in text
    assert "core" in text
    assert "aiohttp" in text


def test_what_others_take_of_a_core_is_read_from_the_kernel() -> None:
    stat = "cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 100 1 50 800 5 2 3 39 0 0\ncpu1 1 1 1 1 1 1 1 1 0 0\n"
    assert core_time(0, stat) == CoreTime(programs=151, stolen=39, all=1000)
    assert core_time(0, stat).since(core_time(1, stat)) == CoreTime(148, 38, 992)
    assert core_time(min(os.sched_getaffinity(0))).all > 0


def test_free_ports_are_different_and_below_those_of_outgoing_connections() -> None:
    ports = free_ports(50)
    assert len(set(ports)) == 50
    assert max(ports) < 32768


def test_a_process_is_pinned_watched_and_ended_with_its_children(tmp_path: Path) -> None:
    script = (
        f"import subprocess, sys; print(subprocess.Popen({SLEEP!r}).pid, flush=True); import time; time.sleep(60)"
    )
    core = min(os.sched_getaffinity(0))
    with Children() as children:
        child = children.start("parent", [sys.executable, "-c", script], tmp_path, {core})
        until_in_another_process(lambda: child.output.read_text().endswith("\n"), "it tells its child's number", 30)
        text = child.output.read_text()
        assert os.sched_getaffinity(child.pid) == {core}
        assert os.getpgid(int(text)) == child.pid
        assert child.rss_bytes() > 2**20
        assert child.descriptors() >= 3
        assert not child.heeds(signal.SIGHUP)
        assert child.heeds(signal.SIGINT)  # Python's own
    until_in_another_process(lambda: has_ended(int(text)), "the child of the child has ended", 30)


def has_ended(pid: int) -> bool:
    """Whether it is gone, or only waits for somebody to ask for its exit code."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_process_that_ends_too_early_is_quoted(tmp_path: Path) -> None:
    with Children() as children:
        child = children.start("hasty", [sys.executable, "-c", "print('no such option'); exit(3)"], tmp_path)
        with pytest.raises(BenchError, match=r"hasty ended with code 3:\n    no such option"):
            wait_for_port(child, free_ports(1)[0])
