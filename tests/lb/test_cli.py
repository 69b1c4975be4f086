"""``zdu lb`` as people and the simulator start it: a process of its own."""

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from click.testing import CliRunner

from lb.cli import EXAMPLE, lb
from lb.compiled import COMPILED
from lb.config import BalancerConfig
from tests.support.http_nodes import HttpNode
from zdu.config_file import parse_config
from zdu.errors import UsageError

ROOT = Path(__file__).parents[2]
LIMIT_S = 45.0


def write_config(path: Path, *nodes: HttpNode, more: str = "") -> Path:
    listed = "".join(f"  - {{name: {node.name}, port: {node.port}}}\n" for node in nodes)
    path.write_text(f"nodes:\n{listed}health: {{inter: 50ms}}\n{more}", encoding="utf-8")
    return path


@asynccontextmanager
async def zdu_lb(*arguments: object) -> AsyncIterator[Process]:
    command = [sys.executable, "-P", "-m", "zdu", "lb", *map(str, arguments)]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    try:
        async with asyncio.timeout(LIMIT_S):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def ready(process: Process) -> dict[str, Any]:
    assert process.stdout is not None
    line = await process.stdout.readline()
    assert line, "it ended before it was ready"
    facts: dict[str, Any] = json.loads(line)
    return facts


@pytest.mark.slow
async def test_it_says_where_it_listens_serves_and_stops_with_0_on_sigterm(tmp_path: Path) -> None:
    log = tmp_path / "lb.log"
    async with HttpNode() as node:
        config = write_config(tmp_path / "lb.yaml", node, more=f"log_file: {log}\n")
        async with zdu_lb("--config", config) as process, ClientSession() as client:
            facts = await ready(process)
            assert facts["ready"] is True
            assert facts["compiled"] is COMPILED
            assert facts["pid"] == process.pid
            status: dict[str, Any] = {}
            while not status or status["nodes"][0]["operational"] != "UP":
                async with client.get(facts["admin_url"] + "/events?after=0&wait_ms=2000"):
                    pass
                async with client.get(facts["admin_url"] + "/status.json") as response:
                    status = await response.json()
            async with client.get(facts["url"]) as response:
                assert (response.status, await response.text()) == (200, "node1")
            process.send_signal(signal.SIGTERM)
            stdout, stderr = await process.communicate()
    assert (process.returncode, stdout, stderr) == (0, b"", b"")
    assert "stopping: SIGTERM" in log.read_text(encoding="utf-8")


@pytest.mark.slow
async def test_with_exit_with_parent_it_goes_when_its_standard_input_closes(tmp_path: Path) -> None:
    async with HttpNode() as node:
        config = write_config(tmp_path / "lb.yaml", node)
        async with zdu_lb("--config", config, "--exit-with-parent") as process:
            await ready(process)
            assert process.stdin is not None
            process.stdin.close()
            assert await process.wait() == 0


@pytest.mark.slow
async def test_a_taken_port_ends_it_with_70_and_one_message(tmp_path: Path) -> None:
    async with HttpNode() as node:
        config = write_config(
            tmp_path / "lb.yaml", node, more=f"port: {node.port}\nlog_file: {tmp_path / 'lb.log'}\n"
        )
        async with zdu_lb("--config", config) as process:
            stdout, stderr = await process.communicate()
    assert (process.returncode, stdout) == (70, b"")
    assert stderr.decode().startswith(f"zdu: port {node.port} on 127.0.0.1 is taken by another process\n")
    assert b"Traceback" not in stderr


@pytest.mark.slow
async def test_a_wrong_file_ends_it_with_64_and_every_mistake_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "lb.yaml"
    path.write_text("prot: 1\nnodes:\n  - name: a b\n    port: 70000\nhealth:\n  inter: 5\n", encoding="utf-8")
    async with zdu_lb("--config", path) as process:
        _, stderr = await process.communicate()
    lines = stderr.decode().splitlines()
    assert process.returncode == 64
    assert lines[0] == f"zdu: {path}:1:1: prot: there is no such setting; did you mean 'port'?"
    assert [line.removeprefix(f"{path}:").split(": ")[:2] for line in lines[1:4]] == [
        ["3:5", "nodes.0.name"],
        ["4:5", "nodes.0.port"],
        ["6:3", "health.inter"],
    ]


def test_the_help_shows_the_example_and_the_example_is_right() -> None:
    result = CliRunner().invoke(lb, ["--help"])
    assert result.exit_code == 0
    for line in EXAMPLE.splitlines():
        assert line in result.output
    config = parse_config(EXAMPLE, "example", BalancerConfig)
    assert [node.name for node in config.nodes] == ["node1", "node2"]


def test_without_a_configuration_it_says_what_is_missing() -> None:
    with pytest.raises(UsageError, match="--config FILE is missing"):
        lb.main([], standalone_mode=False)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(UsageError, match=r"/no/such/file\.yaml: cannot read the configuration"):
        lb.main(["--config", "/no/such/file.yaml"], standalone_mode=False)
