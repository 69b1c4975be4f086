"""Processes of ours that are ready at once: one interpreter imports everything, and each process is a fork of it.

Six interpreters that import the same libraries are most of what a test waits for before its cluster serves. So the
pytest plugin, and our own tests, keep one *fork server* (the word of Python's multiprocessing): a process without
threads or an event loop, which imports what ``zdu`` needs, and then forks for every command it is asked to run. The
fork is a process like any other: it has a process id, a session, a memory and an exit code of its own, and SIGKILL
ends it as it ends any process. Only the way it came about differs, and ``ps`` shows it with the server's command
line. People's own runs do not use it: there a process is started as an administrator would start it.

``ZDU_FORK_SERVER`` names the server's Unix socket; where it is set, :mod:`simulator.spawn` asks the server. One
connection (SOCK_SEQPACKET) belongs to one process, from its start to its end. The client sends one message: the wish
(:class:`Wish`, JSON) and the process's three standard streams (SCM_RIGHTS). The server answers ``{"pid": …}``, and
``{"returncode": …}`` when the process has ended, negative for a signal as in :mod:`subprocess`. A client that goes
away has its processes sent SIGCONT, for the system would do that only at the end of their parent: one that stands
still must notice that nobody holds its standard input any more.

The server ends when its standard input closes and its last process has ended. Linux only: elsewhere a fork that does
not call exec is not safe beside the system's own threads.
"""

import gc
import importlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from zdu.app_path import add_app_path
from zdu.errors import ZduError

VARIABLE = "ZDU_FORK_SERVER"
"""The environment variable that names the server's socket."""
AVAILABLE = sys.platform == "linux"
READY = (
    "node.process",
    "node.cli",
    "node.setup",
    "lb.cli",
    "simulator.cli",
    "simulator.up.cli",
    "simulator.up.commands",
    "simulator.up.down",
    "simulator.load.control_target",
    "simulator.faults.path.process",
    "alembic.operations",
    "alembic.runtime.migration",
    "sqlalchemy.dialects.sqlite.aiosqlite",
    "sqlalchemy.dialects.postgresql.asyncpg",
)
"""What is imported before the first fork: all that a cluster's processes, and its holder, import themselves."""
STARTS_WITHIN_S = 60.0
_MOST_BYTES = 256 * 1024
"""Of one message: an environment may be large, the system's own limit for all of it is 128 KiB a string."""
_STREAMS = 3
_STDERR = 2


class ForkServerGone(ZduError):
    """The server does not answer."""


@dataclass(frozen=True)
class Wish:
    """Which command is to be run, where, and with which environment."""

    arguments: Sequence[str]
    cwd: str
    environment: Mapping[str, str]

    def message(self) -> bytes:
        """As it is sent."""
        return json.dumps(asdict(self)).encode()


class Forked:
    """A process that the server forked for us, with those parts of ``subprocess.Popen`` that are used."""

    def __init__(self, connection: socket.socket, pid: int) -> None:
        self.connection = connection
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        return self._told(0.0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end, at most ``timeout`` seconds. Raises subprocess.TimeoutExpired."""
        code = self._told(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def hear(self, message: bytes) -> int:
        """Take the server's last word; without one the server is gone, and what became of the process is unknown."""
        self.connection.close()
        self.returncode = json.loads(message)["returncode"] if message else -signal.SIGKILL
        return self.returncode

    def _told(self, within_s: float | None) -> int | None:
        if self.returncode is None:
            self.connection.settimeout(within_s)
            with suppress(BlockingIOError, TimeoutError):
                return self.hear(self.connection.recv(_MOST_BYTES))
        return self.returncode


def fork(server: str, wish: Wish, streams: Sequence[int]) -> Forked:
    """Have the server at the socket ``server`` run ``wish`` on three open file descriptors. Raises ForkServerGone.

    It blocks for some milliseconds: the server does nothing else, and a fork is all that it does now.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        connection.settimeout(STARTS_WITHIN_S)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MOST_BYTES)
        with _short(server) as path:
            connection.connect(path)
        socket.send_fds(connection, [wish.message()], list(streams))
        answer = connection.recv(_MOST_BYTES)
    except OSError as error:
        connection.close()
        raise ForkServerGone(
            f"the fork server at {server} does not answer: {error}", hint=f"Unset {VARIABLE} to do without it."
        ) from error
    if not answer:
        connection.close()
        raise ForkServerGone(f"the fork server at {server} went away", hint=f"Unset {VARIABLE} to do without it.")
    connection.setblocking(False)
    return Forked(connection, json.loads(answer)["pid"])


@contextmanager
def fork_server(folder: Path) -> Iterator[str]:
    """A fork server of our own; the path of its socket, in ``folder``, beside ``fork-server.log`` with its messages.

    Raises ForkServerGone with its words when it does not come up.
    """
    log, path = folder / "fork-server.log", str(folder / "fork-server")
    with log.open("wb") as errors:
        process = subprocess.Popen(  # noqa: S603 - our own command line
            [sys.executable, "-P", "-m", "zdu.fork_server", path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
        with process:  # closes its input, and waits until its last process has ended
            assert process.stdout is not None  # noqa: S101 - it was asked for
            if not process.stdout.readline():
                said = log.read_text(encoding="utf-8", errors="replace").strip()
                raise ForkServerGone(f"the fork server did not start: {said or 'it said nothing'}")
            yield path


@contextmanager
def _short(path: str) -> Iterator[str]:
    """Another name of ``path``: that of a Unix socket has room for 107 bytes, fewer than that of many a folder."""
    folder, name = os.path.split(path)
    descriptor = os.open(folder or ".", os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{name}"
    finally:
        os.close(descriptor)


class Server:
    """The loop of the server. :meth:`serve` returns in the server at its end, and in each fork with its wish."""

    def __init__(self, path: str) -> None:
        self._selector = selectors.DefaultSelector()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with _short(path) as name:
            self._listener.bind(name)
        Path(path).chmod(0o600)
        self._listener.listen(64)
        self._alarm, self._wakes = socket.socketpair()
        for end in (self._alarm, self._wakes):
            end.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wakes.fileno(), warn_on_full_buffer=False)
        self._running: dict[int, socket.socket] = {}
        self._input_open = True

    def serve(self) -> Wish | None:
        """Fork until the input has closed and everybody has ended. The wish in a fork, None in the server."""
        for source in (self._listener, self._alarm):
            self._selector.register(source, selectors.EVENT_READ)
        self._selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
        while self._input_open or self._running:
            for key, _ in self._selector.select():
                if key.fileobj is self._listener:
                    wish = self._fork()
                    if wish is not None:
                        return wish
                elif key.fileobj is self._alarm:
                    self._bury()
                elif key.fd == sys.stdin.fileno():
                    self._input_open = bool(os.read(key.fd, 4096))
                    if not self._input_open:
                        self._selector.unregister(key.fd)
                else:
                    self._client_is_gone(key.data)
        return None

    def _fork(self) -> Wish | None:
        connection, _ = self._listener.accept()
        connection.settimeout(STARTS_WITHIN_S)
        message, streams, _, _ = socket.recv_fds(connection, _MOST_BYTES, _STREAMS)
        if len(streams) != _STREAMS:  # somebody who thought better of it
            connection.close()
            return None
        wish = Wish(**json.loads(message))
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            self._selector.close()
            for end in (self._listener, self._alarm, self._wakes, connection, *self._running.values()):
                end.close()
            _take_over(streams)
            return wish
        for stream in streams:
            os.close(stream)
        self._running[pid] = connection
        with suppress(OSError):
            connection.send(json.dumps({"pid": pid}).encode())
        connection.setblocking(False)
        self._selector.register(connection, selectors.EVENT_READ, pid)
        return None

    def _bury(self) -> None:
        with suppress(BlockingIOError):
            self._alarm.recv(4096)
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                pid, status = ended
                connection = self._running.pop(pid)
                with suppress(OSError):
                    connection.send(json.dumps({"returncode": os.waitstatus_to_exitcode(status)}).encode())
                with suppress(KeyError):  # its client went away before
                    self._selector.unregister(connection)
                connection.close()

    def _client_is_gone(self, pid: int) -> None:
        """Nobody writes but the wish, so what can be read is the end."""
        if (connection := self._running.get(pid)) is not None:
            self._selector.unregister(connection)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def _take_over(streams: Sequence[int]) -> None:
    """Make the fork a process of its own: session, streams, signals, and nothing else of the server's."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(_STDERR + 1, os.sysconf("SC_OPEN_MAX"))


def _become(wish: Wish) -> None:
    """Have the interpreter look as if it had been started for this wish."""
    os.chdir(wish.cwd)
    os.environ.clear()
    os.environ.update(wish.environment)
    sys.argv = [str(Path(__file__).with_name("__main__.py")), *wish.arguments]
    at_once = bool(wish.environment.get("PYTHONUNBUFFERED"))
    for name, number in (("stdout", 1), ("stderr", _STDERR)):
        stream = open(  # noqa: SIM115 - it lives as long as the process
            number, "w", encoding="utf-8", errors="backslashreplace" if number == _STDERR else "strict", closefd=False
        )
        stream.reconfigure(line_buffering=number == _STDERR or os.isatty(number), write_through=at_once)
        setattr(sys, name, stream)


def main() -> None:
    """``python -P -m zdu.fork_server SOCKET``."""
    server = Server(sys.argv[1])
    gc.disable()  # nothing that is imported is garbage, and looking for it takes a tenth of the time
    add_app_path()
    for module in READY:
        importlib.import_module(module)
    from zdu.cli import run_command_line  # noqa: PLC0415 - the path has to be in place first

    gc.freeze()  # a collection in a fork would touch, and so copy, every page of the server's
    gc.enable()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    wish = server.serve()
    if wish is not None:
        _become(wish)
        run_command_line()


if __name__ == "__main__":
    main()
