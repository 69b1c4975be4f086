"""Run a command with a throw-away PostgreSQL: ``python -P -m tests.support.postgres COMMAND ...``

The server listens on a free loopback port, its data lives in a temporary directory, and both are gone when the
command ends, however it ends. COMMAND finds the server in the variable ``ZDU_TEST_POSTGRES_URL``; where that is set
already, a server is there and COMMAND simply runs. Where PostgreSQL's programs are missing the database tests run on
SQLite alone, and this says so; with CI or ZDU_REQUIRE_POSTGRES in the environment that is an error.
"""

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support.waiting import looks

URL_VARIABLE = "ZDU_TEST_POSTGRES_URL"
OLDEST_VERSION = 15
START_LIMIT_S = 30.0
STOP_LIMIT_S = 10.0
PORT_ATTEMPTS = 3
_USER = "zdu"
_PASSWORD = "rehearsal"
_DATABASE = "postgres"


class NoServer(Exception):
    """No PostgreSQL where one is needed; the message says why."""


@dataclass(frozen=True)
class Account:
    """The unprivileged account that PostgreSQL runs under: it refuses to run as root."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Place:
    """Where the server runs: its address, a port (0 takes a free one), and what to put before its command."""

    host: str = "127.0.0.1"
    port: int = 0
    within: tuple[str, ...] = ()


HERE = Place()


def postgres_is_required() -> bool:
    """Whether missing out the tests on PostgreSQL is an error here."""
    return bool(os.environ.get("CI") or os.environ.get("ZDU_REQUIRE_POSTGRES"))


def find_programs() -> Path | None:
    """The directory with the newest initdb and postgres of a version that is new enough."""
    on_path = [Path(entry) for entry in os.environ.get("PATH", "").split(os.pathsep) if entry]
    installed = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr").glob("pgsql-*/bin")]
    found = [
        (version, -place, directory)
        for place, directory in enumerate([*on_path, *installed])
        if (directory / "initdb").exists() and (version := _version(directory / "postgres")) >= OLDEST_VERSION
    ]
    return max(found)[2] if found else None


def _version(program: Path) -> int:
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return 0
    number = re.search(r"\d+", answer.stdout)
    return int(number.group()) if number else 0


def _account() -> Account | None:
    """Whom to become; None when we are nobody special ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_uid, entry.pw_gid)
    raise NoServer("PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody to run it as")


def _start(
    command: Sequence[str | Path], account: Account | None, log: Path, cwd: Path, within: Sequence[str] = ()
) -> subprocess.Popen[bytes]:
    if within and account:  # entering wants rights that the account has not
        become = ["setpriv", f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups"]
        command, account = [*within, *become, *command], None
    # A session of its own: Ctrl-C is for the tests, which still need their server while they stop.
    with log.open("ab") as output:
        if account is None:
            return subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True, cwd=cwd)
        return subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd=cwd,
            user=account.uid,
            group=account.gid,
            extra_groups=[],
        )


@contextmanager
def postgres(programs: Path, place: Place = HERE) -> Iterator[str]:
    """A running server, as a URL; it and its data are gone at the end."""
    # Not below TMPDIR: its parents may be closed to the account.
    home = Path(tempfile.mkdtemp(prefix="zdu-postgres-", dir="/tmp" if os.geteuid() == 0 else None))
    try:
        account = _account()
        if account is not None:
            os.chown(home, account.uid, account.gid)
        _make_cluster(programs, home, account)
        server, port = _serve(programs, home, account, place)
        try:
            yield f"postgresql+asyncpg://{_USER}:{_PASSWORD}@{place.host}:{port}/{_DATABASE}"
        finally:
            _stop(server)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _make_cluster(programs: Path, home: Path, account: Account | None) -> None:
    password_file = home / "password"
    password_file.write_text(_PASSWORD)
    password_file.chmod(0o644 if account else 0o600)
    options = ["--username", _USER, "--pwfile", str(password_file), "--auth", "scram-sha-256"]
    options += ["--encoding", "UTF8", "--locale", "C", "--no-sync"]
    initdb = _start([programs / "initdb", "--pgdata", home / "data", *options], account, home / "initdb.log", home)
    try:
        failed = initdb.wait(timeout=START_LIMIT_S * 2)
    finally:
        _stop(initdb)
    if failed:
        raise NoServer(f"initdb failed:\n{(home / 'initdb.log').read_text(errors='replace')}")


def _serve(programs: Path, home: Path, account: Account | None, place: Place) -> tuple[subprocess.Popen[bytes], int]:
    log = home / "postgres.log"
    with (home / "data" / "pg_hba.conf").open("a", encoding="utf-8") as rules:
        rules.write("host all all samenet scram-sha-256\n")
    for _ in range(PORT_ATTEMPTS):
        port = place.port or _free_port()
        # -F: no fsync, this data need not survive anything. -k '': no socket in the file system.
        options = ["-D", str(home / "data"), "-h", place.host, "-p", str(port), "-k", "", "-F"]
        # A node may open ten connections, and `make bench-cluster` has fifty nodes.
        settings = ["-c", "max_connections=600", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]
        server = _start([programs / "postgres", *options, *settings], account, log, home, place.within)
        try:
            if _accepts(server, home / "data"):
                return server, port
        except BaseException:
            _stop(server)
            raise
        _stop(server)
    raise NoServer(f"the server did not start:\n{log.read_text(errors='replace')}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _accepts(server: subprocess.Popen[bytes], data: Path) -> bool:
    """Wait until the server takes connections; False if it ends or takes too long."""
    status = data / "postmaster.pid"  # pg_ctl too waits for the word in its last line
    for _ in looks(START_LIMIT_S):
        if server.poll() is not None:
            break
        with suppress(OSError):
            if status.read_text().rstrip().endswith("ready"):
                return True
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)  # PostgreSQL's fast shutdown
        try:
            process.wait(timeout=STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGQUIT)  # its immediate one, which also ends its children
            try:
                process.wait(timeout=STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class _Terminated(BaseException):
    """SIGTERM or SIGHUP: as Ctrl-C, but for us."""


def _terminated(number: int, _frame: object) -> None:
    raise _Terminated(number)


def run(command: Sequence[str], environment: dict[str, str]) -> int:
    """Run the command to its end and return its exit code. Ctrl-C it hears from the terminal, SIGTERM from us."""
    child = subprocess.Popen(command, env=environment)
    while True:
        try:
            code = child.wait()
        except KeyboardInterrupt:
            continue  # the terminal has told the command as well; what it makes of that decides
        except _Terminated:
            child.terminate()
            continue
        return 128 - code if code < 0 else code


def main(command: Sequence[str]) -> int:
    """The exit code of the command, or 1 if PostgreSQL is required and missing, 64 without a command."""
    if not command:
        sys.stderr.write("usage: python -P -m tests.support.postgres COMMAND ...\n")
        return 64
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _terminated)
    try:
        return run_with_server(command)
    except NoServer as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except (KeyboardInterrupt, _Terminated):
        return 130


def run_with_server(command: Sequence[str]) -> int:
    """Run the command with the server that is there, else one of its own, else none. Raises NoServer."""
    environment = dict(os.environ)
    if environment.get(URL_VARIABLE):
        return run(command, environment)
    programs = find_programs()
    if programs is not None:
        with postgres(programs) as url:
            return run(command, environment | {URL_VARIABLE: url})
    missing = f"PostgreSQL {OLDEST_VERSION} or newer (initdb, postgres) is not installed"
    if postgres_is_required():
        raise NoServer(f"{missing}, and CI or ZDU_REQUIRE_POSTGRES asks for it.")
    sys.stderr.write(f"{missing}: the database tests run on SQLite only.\n")
    return run(command, environment)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
