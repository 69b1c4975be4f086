"""Nodes of another application as real processes: a small server, here behind a shell, as people start things."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from simulator.application.programs import NodeNotUp, Programs
from simulator.ports import ReservedPort
from simulator.record.run_folder import create_run_folder
from simulator.scenario.application import NodePart
from simulator.supervisor import StartFailed, Supervisor
from tests.support.waiting import until
from tests.support.zdu_runs import still_alive
from zdu.clock import SystemClock
from zdu.errors import UsageError

pytestmark = pytest.mark.slow

SERVER = """\
import http.server, os, sys
class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = " ".join([os.environ["WORDS"], str(os.getpid())]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_POST(self):
        os._exit(0)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Answers).serve_forever()
"""
SHELL = ("sh", "-c", f'{sys.executable} "$0" "$1"; true', "server.py", "{port}")


def part(folder: Path, **keys: object) -> NodePart:
    (folder / "server.py").write_text(SERVER)
    data = {"command": (sys.executable, "server.py", "{port}"), "env": {"WORDS": "{node} {version}"}, **keys}
    return NodePart.model_validate({"folder": str(folder), **data})


@asynccontextmanager
async def programs(node: NodePart, folder: Path) -> AsyncIterator[tuple[Programs, ReservedPort]]:
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        supervisor = Supervisor(tasks, lambda _: None)
        try:
            with ReservedPort() as port:
                yield Programs(node, create_run_folder(folder / "runs", "x", SystemClock()), supervisor), port
        finally:
            supervisor.kill_all()


async def answer(port: ReservedPort) -> str:
    reader, writer = await asyncio.open_connection(port.host, port.port)
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    body = (await reader.read()).decode().partition("\r\n\r\n")[2]
    writer.close()
    return body


async def test_a_node_serves_with_its_version_and_comes_back_on_its_port_with_another(tmp_path: Path) -> None:
    async with programs(part(tmp_path), tmp_path) as (started, port):
        for version in ("v1", "v2"):
            child = await started.start("node1", version, port)
            assert (await answer(port)).startswith(f"node1 {version} ")
            await started.stop(child, port)
            assert child.returncode == -signal.SIGTERM


async def test_a_node_can_be_stopped_by_a_request_and_is_killed_if_that_does_nothing(tmp_path: Path) -> None:
    async with programs(part(tmp_path, stop={"request": "POST /stop"}), tmp_path) as (started, port):
        child = await started.start("node1", "v1", port)
        await started.stop(child, port)
        assert (child.returncode, child.stop_asked) == (0, True)
    deaf = part(tmp_path, stop={"request": "GET /", "deadline": "200ms"})
    async with programs(deaf, tmp_path) as (started, port):
        child = await started.start("node1", "v1", port)
        await started.stop(child, port)
        assert child.returncode == -signal.SIGKILL


async def test_what_a_shell_has_started_ends_with_it(tmp_path: Path) -> None:
    async with programs(part(tmp_path, command=SHELL), tmp_path) as (started, port):
        child = await started.start("node1", "v1", port)
        server = int((await answer(port)).split()[-1])
        assert server != child.pid
        await started.stop(child, port)
        await until(lambda: not still_alive([server]))


async def test_what_a_program_has_started_ends_when_the_simulator_is_killed(tmp_path: Path) -> None:
    """A process of its own plays the simulator, and is killed with -9."""
    (tmp_path / "server.py").write_text(SERVER)
    script = tmp_path / "simulator.py"
    script.write_text(
        "import asyncio, sys\n"
        f"sys.path[:0] = {[str(Path(__file__).parents[3])]!r}\n"
        "from pathlib import Path\n"
        "from tests.simulator.application import test_programs as t\n"
        "async def main():\n"
        "    folder = Path(sys.argv[1])\n"
        "    async with t.programs(t.part(folder, command=t.SHELL), folder) as (started, port):\n"
        "        await started.start('node1', 'v1', port)\n"
        "        print(await t.answer(port), flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    simulator = await asyncio.create_subprocess_exec(
        sys.executable, str(script), str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert simulator.stdout is not None
    async with asyncio.timeout(60):
        server = int((await simulator.stdout.readline()).split()[-1])
        os.kill(simulator.pid, signal.SIGKILL)
        await simulator.wait()
        await until(lambda: not still_alive([server]))


async def test_a_program_that_is_not_there_or_not_well_is_told_with_what_to_look_at(tmp_path: Path) -> None:
    async def failing(node: NodePart) -> Exception | None:
        with suppress(BaseExceptionGroup):
            async with programs(node, tmp_path) as (started, port):
                try:
                    await started.start("node1", "v1", port)
                except (UsageError, StartFailed) as error:
                    return error
        return None

    absent = await failing(part(tmp_path, command=["./nothing", "{port}"]))
    assert isinstance(absent, UsageError)
    assert "./nothing cannot be run" in absent.message
    unwell = await failing(part(tmp_path, health={"text": "no such word"}, start_deadline="2s"))
    assert isinstance(unwell, StartFailed)
    assert "node1 did not serve within 2 s" in unwell.message
    assert "GET /, was answered with 200, which is not what is expected" in unwell.hint
    assert isinstance(unwell, NodeNotUp)
    assert unwell.reason.startswith("it did not serve within 2 s, its health check was answered with 200")
    ended = await failing(part(tmp_path, command=["sh", "-c", "echo one >&2; echo two >&2; exit 3", "{port}"]))
    assert isinstance(ended, NodeNotUp)
    assert ended.reason == "two"
