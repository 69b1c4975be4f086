"""A forked process is a process like any other: streams, environment, session, signals and exit code are its own."""

import json
import os
import signal
import socket
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.zdu_runs import still_alive
from zdu.fork_server import AVAILABLE, VARIABLE, Forked, ForkServerGone, Wish, fork, fork_server

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not AVAILABLE, reason="Linux only")]

SERVES = ("control-target", "--exit-with-parent")


class Process:
    """One that was forked, with files for what it says and a pipe as its input."""

    def __init__(self, server: str, folder: Path, *arguments: str, **environment: str) -> None:
        self.output, self.errors = folder / "out", folder / "err"
        theirs, self.input = os.pipe()
        with os.fdopen(theirs) as stdin, self.output.open("wb") as stdout, self.errors.open("wb") as stderr:
            wish = Wish(arguments, str(folder), {**os.environ, **environment})
            self.forked: Forked = fork(server, wish, [stream.fileno() for stream in (stdin, stdout, stderr)])

    def ready(self) -> int:
        """The port at which it serves."""
        while not (line := self.output.read_text()).endswith("\n"):
            assert self.forked.poll() is None, self.errors.read_text()
        return int(json.loads(line)["url"].rpartition(":")[2])

    def close(self) -> None:
        with suppress(OSError):
            os.close(self.input)


def test_it_has_its_arguments_its_folder_its_environment_and_its_own_streams(
    a_fork_server: str, tmp_path: Path
) -> None:
    (tmp_path / "mine.yaml").write_text("name: mine\ntimeline: 7\n")
    wrong = Process(a_fork_server, tmp_path, "scenario", "check", "mine.yaml")
    assert wrong.forked.wait(60) == 64
    assert "mine.yaml" in wrong.output.read_text(), "found in its folder, and refused"
    asked = Process(a_fork_server, tmp_path, "status", XDG_STATE_HOME=str(tmp_path / "home"), ZDU_CLUSTER="nowhere")
    assert asked.forked.wait(60) == 1
    assert "nowhere" in asked.errors.read_text()
    assert asked.output.read_text() == ""
    for process in (wrong, asked):
        process.close()


def test_it_leads_a_session_serves_and_stops_when_its_input_closes(a_fork_server: str, tmp_path: Path) -> None:
    process = Process(a_fork_server, tmp_path, *SERVES)
    port, pid = process.ready(), process.forked.pid
    assert pid not in (os.getpid(), os.getsid(0))
    assert (os.getsid(pid), os.getpgid(pid)) == (pid, pid)
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert client.recv(99).startswith(b"HTTP/1.1 200")
    assert process.forked.poll() is None
    process.close()
    assert process.forked.wait(60) == 0
    process.forked.send_signal(signal.SIGKILL)
    assert process.forked.wait() == 0, "whoever has ended is sent nothing any more"


def test_a_kill_is_a_kill(a_fork_server: str, tmp_path: Path) -> None:
    process = Process(a_fork_server, tmp_path, *SERVES)
    process.ready()
    process.forked.kill()
    assert process.forked.wait(60) == -signal.SIGKILL
    process.close()


def test_one_that_stands_still_ends_when_its_client_is_gone(a_fork_server: str, tmp_path: Path) -> None:
    process = Process(a_fork_server, tmp_path, *SERVES)
    process.ready()
    process.forked.send_signal(signal.SIGSTOP)
    process.close()
    process.forked.connection.close()
    assert still_alive([process.forked.pid]) == []


def test_a_server_that_is_gone_is_told_and_so_is_one_that_never_was(tmp_path: Path) -> None:
    wish = Wish(SERVES, str(tmp_path), dict(os.environ))
    left_behind, never_was = tmp_path / "left-behind", tmp_path / "never-was"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(left_behind))
    for server in (str(left_behind), str(never_was)):
        with pytest.raises(ForkServerGone, match="does not answer") as caught:
            fork(server, wish, [0, 1, 2])
        assert VARIABLE in caught.value.hint


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "fork-server").write_text("in the way")
    with pytest.raises(ForkServerGone, match="in use"), fork_server(tmp_path):
        pass
