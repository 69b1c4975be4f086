"""The throw-away PostgreSQL that the tests run on: there while the command runs, gone however it ends."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from tests.support import postgres

needs_programs = pytest.mark.skipif(
    postgres.find_programs() is None and not postgres.postgres_is_required(), reason="PostgreSQL is not installed"
)

# Tells where the server is and where its data lives, then waits to be told how to end.
COMMAND = """
import asyncio, os, sys, asyncpg
url = os.environ["ZDU_TEST_POSTGRES_URL"]
async def main():
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    print(url, await connection.fetchval("SHOW data_directory"), flush=True)
    await connection.close()
asyncio.run(main())
sys.exit(int(input()))
"""


@contextmanager
def wrapper() -> Iterator[subprocess.Popen[str]]:
    environment = {name: value for name, value in os.environ.items() if name != postgres.URL_VARIABLE}
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "tests.support.postgres", sys.executable, "-c", COMMAND],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=30)


def server_of(process: subprocess.Popen[str]) -> tuple[int, Path]:
    assert process.stdout is not None
    url, data = process.stdout.readline().split()
    port = make_url(url).port
    assert port is not None
    assert Path(data).is_dir()
    return port, Path(data)


def assert_gone(port: int, data: Path) -> None:
    assert not data.parent.exists()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


@needs_programs
@pytest.mark.slow
def test_the_commands_exit_code_is_passed_on_and_the_server_is_gone() -> None:
    with wrapper() as process:
        port, data = server_of(process)
        process.communicate("7\n", timeout=30)
        assert process.returncode == 7
        assert_gone(port, data)


@needs_programs
@pytest.mark.slow
def test_ctrl_c_ends_the_command_and_the_server() -> None:
    with wrapper() as process:
        port, data = server_of(process)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(timeout=30) == 128 + signal.SIGINT
        assert_gone(port, data)


@needs_programs
@pytest.mark.slow
def test_a_request_to_terminate_ends_the_command_and_the_server() -> None:
    with wrapper() as process:
        port, data = server_of(process)
        process.terminate()
        assert process.wait(timeout=30) == 128 + signal.SIGTERM
        assert_gone(port, data)


def test_a_server_that_is_there_already_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(postgres.URL_VARIABLE, "postgresql+asyncpg://there")
    monkeypatch.setattr(postgres, "find_programs", lambda: pytest.fail("no server of our own is needed"))
    check = f"import os, sys; sys.exit(os.environ['{postgres.URL_VARIABLE}'] == 'postgresql+asyncpg://there')"

    assert postgres.run_with_server([sys.executable, "-c", check]) == 1


def test_without_postgresql_the_tests_run_on_sqlite_and_one_line_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in (postgres.URL_VARIABLE, "CI", "ZDU_REQUIRE_POSTGRES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(postgres, "find_programs", lambda: None)

    assert postgres.run_with_server([sys.executable, "-c", "raise SystemExit(3)"]) == 3

    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert "SQLite only" in lines[0]


@pytest.mark.parametrize("variable", ["CI", "ZDU_REQUIRE_POSTGRES"])
def test_where_postgresql_is_required_its_absence_is_an_error(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.delenv(postgres.URL_VARIABLE, raising=False)
    monkeypatch.setenv(variable, "1")
    monkeypatch.setattr(postgres, "find_programs", lambda: None)
    monkeypatch.setattr(postgres, "run", lambda *_: pytest.fail("the command must not run"))

    with pytest.raises(postgres.NoServer, match="not installed"):
        postgres.run_with_server(["true"])
