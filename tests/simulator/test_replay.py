"""``zdu replay`` serves the page that plays a run, from the record alone, and to this machine only."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from click.testing import CliRunner

from simulator.replay_cli import replay, site
from tests.support.recorded_runs import record_run
from zdu.errors import UsageError


async def test_the_page_is_served_and_may_load_nothing() -> None:
    async with TestClient(TestServer(site("<p>the run</p>"))) as client:
        answer = await client.get("/")
        assert (answer.status, await answer.text(), answer.content_type) == (200, "<p>the run</p>", "text/html")
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert (await client.get("/etc/passwd")).status == 404


async def test_a_site_whose_name_was_led_here_gets_nothing() -> None:
    async with TestClient(TestServer(site("<p>the run</p>"))) as client:
        answer = await client.get("/", headers={"Host": "evil.example"})
        assert answer.status == 403
        assert "the run" not in await answer.text()


def test_a_port_that_is_taken_is_told_with_what_to_try(tmp_path: Path) -> None:
    record_run(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        told = CliRunner().invoke(replay, ["--out", str(tmp_path), "--port", str(port)])
    assert isinstance(told.exception, UsageError)
    assert f"port {port} on 127.0.0.1 cannot be used" in str(told.exception)


@pytest.mark.slow
def test_it_leaves_the_folder_alone_and_ends_in_order_with_ctrl_c(tmp_path: Path) -> None:
    folder = record_run(tmp_path).path
    before = sorted(path.name for path in folder.iterdir())
    command = [sys.executable, "-P", "-m", "zdu", "replay", "valiantys", "--at", "7.2", "--out", str(tmp_path)]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        assert process.stdout.readline() == "Ctrl-C ends it.\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
    assert (process.returncode, errors) == (0, "")
    assert sorted(path.name for path in folder.iterdir()) == before
