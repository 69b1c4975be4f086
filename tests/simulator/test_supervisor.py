"""The supervisor starts real processes, hears their last words, and leaves none behind."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from simulator.supervisor import Child, StartFailed, Supervisor
from zdu.errors import ExitCode, first_zdu_error
from zdu.fork_server import VARIABLE

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("way")]

BALANCER = "admin_port: 0\nnodes: [{name: node1, port: 1}]\n"


@pytest.fixture(params=["started", "forked"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, a_fork_server: str) -> None:
    """Each test is about a process, however it came to be."""
    monkeypatch.setenv(VARIABLE, a_fork_server if request.param == "forked" else "")


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def start_balancer(supervisor: Supervisor, folder: Path, text: str = BALANCER) -> Child:
    config = folder / "lb.yaml"
    config.write_text(text)
    return await supervisor.start("lb", ["lb", "--config", str(config), "--exit-with-parent"], folder / "lb.log")


async def test_a_started_process_says_where_it_serves_and_stops_when_asked(tmp_path: Path) -> None:
    ended: list[Child] = []
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        supervisor = Supervisor(tasks, ended.append)
        child = await start_balancer(supervisor, tmp_path)
        assert child.ready["admin_url"].startswith("http://127.0.0.1:")
        await supervisor.stop_all(within_s=10)
    assert (child.returncode, child.stop_asked, ended) == (0, True, [child])
    assert not alive(child.pid)


async def test_a_process_that_is_stopping_is_not_hurried_by_being_asked_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signals: list[int] = []
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        supervisor = Supervisor(tasks, lambda _: None)
        child = await start_balancer(supervisor, tmp_path)
        send = child.send

        def noting(number: signal.Signals) -> None:
            signals.append(number)
            send(number)

        monkeypatch.setattr(child, "send", noting)
        async with asyncio.TaskGroup() as stops:
            stops.create_task(child.stop(within_s=10))
            stops.create_task(child.stop(within_s=10))
    assert (signals, child.returncode) == ([child.stop_signal], 0)


async def test_a_process_that_dies_is_reported_as_not_asked_to_stop(tmp_path: Path) -> None:
    ended: list[Child] = []
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        child = await start_balancer(Supervisor(tasks, ended.append), tmp_path)
        os.kill(child.pid, 9)
    assert [(c.name, c.returncode, c.stop_asked) for c in ended] == [("lb", -9, False)]


async def test_a_process_that_does_not_start_is_told_in_its_own_words_with_its_log(tmp_path: Path) -> None:
    ended: list[Child] = []
    with pytest.raises(BaseExceptionGroup) as caught:
        async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
            await start_balancer(Supervisor(tasks, ended.append), tmp_path, "nodes: 7\n")
    error = first_zdu_error(caught.value)
    assert isinstance(error, StartFailed)
    assert error.exit_code is ExitCode.USAGE
    assert error.message.startswith("lb did not start: ")
    assert "nodes" in error.message
    assert str(tmp_path / "lb.log") in error.hint
    assert "nodes" in (tmp_path / "lb.log").read_text()
    assert ended == []


async def test_a_process_whose_parent_is_gone_ends_by_itself(tmp_path: Path) -> None:
    """The parent's end of the pipe closes with the parent, however it ends."""
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        child = await start_balancer(Supervisor(tasks, lambda _: None), tmp_path)
        assert child.process.stdin is not None
        child.process.stdin.close()
        await child.ended.wait()
    assert child.returncode == 0


async def test_a_process_that_stands_still_stops_when_asked_all_the_same(tmp_path: Path) -> None:
    ended: list[Child] = []
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        child = await start_balancer(Supervisor(tasks, ended.append), tmp_path)
        child.pause()
        await child.stop(within_s=20)
    assert (child.returncode, child.paused) == (0, False)
