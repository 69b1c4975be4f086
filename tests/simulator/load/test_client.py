"""The recording client tells what a user would have noticed, and what a browser would have hidden."""

import asyncio
import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count, pairwise
from pathlib import Path

import pytest

from simulator.load.client import RecordingClient, Write
from simulator.load.judge import Expected
from simulator.load.probes import Probe, Probes, SignedIn, Unrelated
from simulator.record.recorder import Recorder
from simulator.record.requests import read_requests
from tests.support.waiting import until
from zdu.clock import SystemClock

OK = "HTTP/1.1 200 OK\r\nX-ANODEID: node1\r\nX-Zdu-Version: 7.3.0\r\nContent-Length: 2\r\n\r\nok"


class Server:
    """Answers each request with the next of its scripted texts; None closes the connection without a word."""

    def __init__(self, *script: str | None) -> None:
        self.script = list(script)
        self.seen: list[str] = []
        self.release = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.seen.append(head.decode().split("\r\n")[0])
                answer = self.script.pop(0) if self.script else OK
                if answer == "hang":
                    await self.release.wait()
                    answer = OK
                if answer is None:
                    return
                writer.write(answer.encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def running(server: Server) -> AsyncIterator[str]:
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    finally:
        server.release.set()
        listener.close()
        await listener.wait_closed()


@pytest.fixture
def recorder(tmp_path: Path):  # type: ignore[no-untyped-def]  # a generator of Recorder
    made = Recorder(tmp_path, SystemClock())
    yield made
    made.close()


def client(url: str, recorder: Recorder, *, timeout_s: float = 5.0, keep_alive: bool = True) -> RecordingClient:
    return RecordingClient(url, recorder, count(1), session="s1", timeout_s=timeout_s, keep_alive=keep_alive)


async def outcomes(recorder: Recorder, server: Server, *methods: str, timeout_s: float = 5.0) -> list[str]:
    async with running(server) as url:
        user = client(url, recorder, timeout_s=timeout_s)
        for method in methods:
            await user.send("view_issue", method, "/", Expected())
        await user.close()
    return [record.outcome for record in recorder.requests]


async def test_a_good_answer_is_recorded_with_its_node_and_connection(recorder: Recorder) -> None:
    assert await outcomes(recorder, Server(), "GET", "GET") == ["ok", "ok"]
    first, second = recorder.requests
    assert (first.node, first.version, first.status, first.connection) == ("node1", "7.3.0", 200, "new")
    assert (second.id, second.connection) == (2, "reused")
    assert first.intended_s <= first.sent_s <= (first.first_byte_s or 0) <= first.end_s


async def test_a_connection_closed_without_an_answer_is_a_reset(recorder: Recorder) -> None:
    assert await outcomes(recorder, Server(None, None), "POST") == ["reset"]


async def test_a_repetition_that_a_browser_would_hide_counts_as_failed(recorder: Recorder) -> None:
    """The server closes the kept-alive connection as the second request arrives; aiohttp sends a GET again."""
    server = Server(OK, None, OK)
    assert await outcomes(recorder, server, "GET", "GET") == ["ok", "reset"]
    assert len(server.seen) == 3


async def test_an_answer_that_breaks_off_is_truncated(recorder: Recorder) -> None:
    short = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\nhalf"

    class Breaking(Server):
        async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(short.encode())
            await writer.drain()
            writer.close()

    assert await outcomes(recorder, Breaking(), "GET") == ["truncated"]


async def test_a_port_where_nobody_listens_refuses(recorder: Recorder) -> None:
    async with running(Server()) as url:
        pass
    user = client(url, recorder)
    await user.send("view_issue", "GET", "/", Expected())
    await user.close()
    assert recorder.requests[0].outcome == "refused"


async def test_no_answer_in_time_is_a_time_out(recorder: Recorder) -> None:
    assert await outcomes(recorder, Server("hang"), "GET", timeout_s=0.05) == ["timeout"]


async def test_the_issue_of_a_new_write_is_found_in_the_answer(recorder: Recorder) -> None:
    created = "HTTP/1.1 302 Found\r\nX-ANODEID: node1\r\nLocation: /browse/ZDU-77\r\nContent-Length: 0\r\n\r\n"
    async with running(Server(created)) as url:
        user = client(url, recorder)
        await user.send(
            "create_issue",
            "POST",
            "/",
            Expected(status=302),
            write=Write("w000001"),
            issue_of=lambda headers: headers["Location"].removeprefix("/browse/"),
        )
        await user.close()
    record = recorder.requests[0]
    assert (record.write, record.issue, record.acknowledged_write) == ("w000001", "ZDU-77", True)


LOGIN = '<meta name="zdu-page" content="login"></html>'
SIGN_IN = (
    f"HTTP/1.1 200 OK\r\nX-ANODEID: node1\r\nContent-Length: {len(LOGIN)}\r\n\r\n{LOGIN}",
    "HTTP/1.1 302 Found\r\nX-ANODEID: node1\r\nLocation: /secure/Dashboard.jspa\r\nContent-Length: 0\r\n\r\n",
)


async def test_a_probe_is_sent_on_its_tick_although_the_one_before_still_hangs(recorder: Recorder) -> None:
    server = Server(*SIGN_IN, "hang", "hang", "hang")
    stopping = asyncio.Event()
    async with asyncio.timeout(20), running(server) as url, asyncio.TaskGroup() as tasks:
        sender = client(url, recorder, keep_alive=False)
        probe = Probe("probe_new", SignedIn("probe_new", "user1", sender, remember_me=True), recorder)
        task = tasks.create_task(Probes([probe], recorder, rate=50, phase_s=0.0).run(stopping))
        await until(lambda: len(server.seen) >= 5, "two requests to sign in, then three probes, none answered yet")
        stopping.set()
        server.release.set()
        await task
    probes = [record for record in recorder.requests if record.kind == "probe_new"]
    ticks = sorted(record.intended_s for record in probes)
    assert [round(later - earlier, 6) for earlier, later in pairwise(ticks)][:2] == [0.02, 0.02]
    assert probe.count.intended >= 3


CONTROL = "HTTP/1.1 200 OK\r\nX-ANODEID: control\r\nContent-Length: 8\r\n\r\ncontrol\n"


async def test_the_control_probe_looks_on_the_same_ticks_and_is_recorded_apart(
    recorder: Recorder, tmp_path: Path
) -> None:
    cluster, unrelated = Server(*SIGN_IN, *["hang"] * 1000), Server(*[CONTROL] * 1000)
    stopping = asyncio.Event()
    async with (
        asyncio.timeout(20),
        running(cluster) as url,
        running(unrelated) as control_url,
        asyncio.TaskGroup() as tasks,
    ):
        target = SignedIn("probe_new", "user1", client(url, recorder, keep_alive=False), remember_me=True)
        control = RecordingClient(
            control_url,
            recorder,
            count(1),
            session="probe_control",
            timeout_s=5.0,
            keep_alive=False,
            record=recorder.control_request,
        )
        probes = [
            Probe("probe_new", target, recorder),
            Probe("probe_control", Unrelated(control), recorder),
        ]
        task = tasks.create_task(Probes(probes, recorder, rate=50, phase_s=0.0).run(stopping))
        await until(lambda: len(recorder.control) >= 3 and len(cluster.seen) >= 5, "three ticks")
        stopping.set()
        cluster.release.set()
        await task
    assert {record.outcome for record in recorder.control} == {"ok"}
    assert not [record for record in recorder.requests if record.kind == "probe_control"]
    ticks = {record.intended_s for record in recorder.requests if record.kind == "probe_new"}
    assert {record.intended_s for record in recorder.control} == ticks
    recorder.close()
    assert len(list(read_requests(tmp_path / "control.csv"))) == len(recorder.control)


async def test_a_want_of_sockets_is_this_machine_s_trouble_not_the_load_balancer_s(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_socket(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    user = client("http://127.0.0.1:1", recorder)
    monkeypatch.setattr("aiohttp.connector.aiohappyeyeballs.start_connection", no_socket)
    await user.send("view_issue", "GET", "/", Expected())
    await user.close()
    (record,) = recorder.requests
    assert (record.outcome, record.failed) == ("own_trouble", False)


async def test_header_names_are_read_whatever_their_case_as_haproxy_writes_them(recorder: Recorder) -> None:
    server = Server(OK.replace("X-ANODEID", "x-anodeid").replace("X-Zdu-Version", "x-zdu-version"))
    async with running(server) as url:
        client = RecordingClient(url, recorder, count(1), session="s1", timeout_s=5)
        answer = await client.send("view", "GET", "/", Expected())
        await client.close()
    assert (answer.record.outcome, answer.record.node, answer.record.version) == ("ok", "node1", "7.3.0")
