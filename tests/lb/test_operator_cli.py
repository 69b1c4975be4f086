"""``zdu lb state``, ``weight``, ``status``, ``explain``, ``reload`` against a load balancer that runs."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import click
import pytest

from lb import operator_cli
from lb.cli import lb as lb_command
from lb.operator_client import AdminClient, NotThere
from tests.support.balancers import RunningBalancer, running_balancer
from tests.support.http_nodes import Gate, HttpNode
from zdu.errors import UsageError, ZduError

TOKEN = "0123456789-token"


class Terminal:
    """Runs ``zdu lb …`` commands in this test's event loop and keeps what they print."""

    def __init__(self, admin_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lines: list[str] = []
        self._admin_url = admin_url
        monkeypatch.setenv("ZDU_LB_ADMIN", admin_url)
        monkeypatch.setattr(click, "echo", lambda text, **_: self.lines.extend(str(text).splitlines()))
        self._running: list[asyncio.Task[Any]] = []
        monkeypatch.setattr(operator_cli, "run_here", self._start)

    def _start(self, talk: Any) -> None:
        self._running.append(asyncio.ensure_future(talk))

    async def run(self, *arguments: str) -> list[str]:
        """What the command printed. Raises what it raised."""
        self.lines.clear()
        lb_command.main(list(arguments), standalone_mode=False, prog_name="zdu lb")
        await self._running.pop()
        return list(self.lines)


@pytest.fixture
async def nodes() -> AsyncIterator[tuple[HttpNode, HttpNode]]:
    async with HttpNode("node1") as one, HttpNode("node2") as two:
        yield one, two


@pytest.fixture
async def lb(nodes: tuple[HttpNode, HttpNode]) -> AsyncIterator[RunningBalancer]:
    async with running_balancer(*nodes, trusted_proxies=["127.0.0.0/8"]) as running:
        yield running


@pytest.fixture
def terminal(lb: RunningBalancer, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(lb.admin_url, monkeypatch)


async def test_a_node_is_drained_and_taken_back(terminal: Terminal, lb: RunningBalancer) -> None:
    [line] = await terminal.run("state", "node1", "drain", "--deadline", "20s")
    assert line.startswith("node1: DRAIN (DRAIN/UP), weight 100")
    deadline_s = lb.balancer.view("node1").drain_deadline_s
    assert deadline_s is not None
    assert 10 < deadline_s - lb.balancer.now() <= 20
    assert await terminal.run("state", "node1", "ready") == ["node1: UP (READY/UP), weight 100"]
    assert await terminal.run("state", "node1", "maint") == ["node1: MAINT (MAINT/UP), weight 100, drained"]


async def test_with_wait_it_returns_when_the_last_request_has_finished(
    terminal: Terminal, lb: RunningBalancer, nodes: tuple[HttpNode, HttpNode]
) -> None:
    gate = Gate()
    nodes[0].on("/slow", gate)
    request = asyncio.create_task(lb.request("/slow", "node1"))
    await gate.entered.wait()
    waiting = asyncio.create_task(terminal.run("state", "node1", "drain", "--wait"))
    await lb.until(lambda: lb.balancer.view("node1").admin == "DRAIN")
    assert not waiting.done()
    gate.release.set()
    await request
    async with asyncio.timeout(10):
        lines = await waiting
    assert "drained" in lines[-1]
    assert "1 requests in flight" in lines[0]


async def test_a_wait_that_is_too_long_says_how_far_it_came(
    terminal: Terminal, lb: RunningBalancer, nodes: tuple[HttpNode, HttpNode]
) -> None:
    gate = Gate()
    nodes[0].on("/slow", gate)
    request = asyncio.create_task(lb.request("/slow", "node1"))
    await gate.entered.wait()
    with pytest.raises(ZduError, match=r"node1 is not drained after 0\.05 s: .*1 requests in flight") as raised:
        await terminal.run("state", "node1", "drain", "--wait", "--timeout", "50ms")
    assert raised.value.exit_code == 1
    gate.release.set()
    await request


async def test_a_weight_is_set(terminal: Terminal, lb: RunningBalancer) -> None:
    assert await terminal.run("weight", "node2", "50") == ["node2: UP (READY/UP), weight 50"]
    assert lb.balancer.view("node2").weight == 50


async def test_status_as_json_is_what_the_admin_port_tells(terminal: Terminal) -> None:
    told = json.loads("\n".join(await terminal.run("status", "--json")))
    assert [node["name"] for node in told["nodes"]] == ["node1", "node2"]


async def test_status_shows_every_node(
    terminal: Terminal, lb: RunningBalancer, capsys: pytest.CaptureFixture[str]
) -> None:
    await terminal.run("state", "node1", "maint")
    await terminal.run("status")
    text = capsys.readouterr().out
    assert "1 of 2 nodes serve" in text
    [one] = [line for line in text.splitlines() if line.startswith("node1")]
    [two] = [line for line in text.splitlines() if line.startswith("node2")]
    assert ("MAINT" in one, "drained" in one) == (True, True)
    assert ("UP" in two, "new" in two, "L7OK" in two) == (True, True, True)


async def test_explain_tells_where_a_cookie_leads_and_why(terminal: Terminal) -> None:
    await terminal.run("state", "node2", "maint")
    lines = await terminal.run("explain", "--cookie", "ROUTEID=.node2")
    assert lines[0] == "It brought a cookie of a node that did not take it any more (node2)."
    assert lines[1].startswith("It would go to node1: ")
    assert lines[3] == "  node2: MAINT, in maintenance, 0 in flight"


async def test_explain_tells_why_a_request_went_where_it_went(terminal: Terminal, lb: RunningBalancer) -> None:
    await lb.request("/", "node2", headers={"X-Request-Id": "abc"})
    lines = await terminal.run("explain", "abc")
    assert lines[:3] == [
        "Request abc:",
        "It brought a valid cookie; it was left as it is.",
        "Why node2: bound to node2.",
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("state", "node9", "drain"), "no node is called node9; known: node1, node2"),
        (("weight", "node9", "5"), "no node is called node9; known: node1, node2"),
        (("state", "node1", "ready", "--deadline", "5s"), "--deadline goes with drain, not with ready"),
        (("explain", "nobody"), "request nobody is not among the latest"),
        (("explain", "x", "--cookie", "y"), "either a request or a cookie"),
    ],
)
async def test_what_cannot_be_done_is_one_message_and_64(
    terminal: Terminal, arguments: tuple[str, ...], said: str
) -> None:
    with pytest.raises(UsageError, match=said) as raised:
        await terminal.run(*arguments)
    assert raised.value.exit_code == 64


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("state", "node1", "gone"), "'gone' is not one of 'ready', 'drain', 'maint'"),
        (("state", "node1", "drain", "--deadline", "20"), "expected a duration with its unit"),
        (("weight", "node1", "257"), "0<=x<=256"),
    ],
)
async def test_a_wrong_command_line_is_said_before_anything_is_asked(
    terminal: Terminal, arguments: tuple[str, ...], said: str
) -> None:
    with pytest.raises(click.UsageError, match=said):
        await terminal.run(*arguments)


async def test_without_the_token_it_says_what_brings_it(
    nodes: tuple[HttpNode, HttpNode], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_balancer(*nodes, admin_token=TOKEN) as lb:
        terminal = Terminal(lb.admin_url, monkeypatch)
        with pytest.raises(UsageError, match=r"(?s)admin_token.*ZDU_LB_TOKEN"):
            await terminal.run("weight", "node1", "7")
        assert await terminal.run("weight", "node1", "7", "--token", TOKEN)
        monkeypatch.setenv("ZDU_LB_TOKEN", TOKEN)
        assert await terminal.run("weight", "node1", "8")


async def test_where_nobody_listens_it_says_so_and_is_1(nodes: tuple[HttpNode, HttpNode]) -> None:
    port = nodes[0].port
    await nodes[0].stop()
    async with AdminClient(f"http://127.0.0.1:{port}", None) as client:
        with pytest.raises(NotThere, match=rf"no load balancer answers at http://127\.0\.0\.1:{port}") as raised:
            await client.get("/nodes")
    assert raised.value.exit_code == 1


async def test_another_server_is_not_taken_for_a_load_balancer(nodes: tuple[HttpNode, HttpNode]) -> None:
    async with AdminClient(f"http://127.0.0.1:{nodes[0].port}", None) as client:
        with pytest.raises(NotThere, match="is no load balancer's admin port"):
            await client.get("/nodes")


@pytest.mark.parametrize("admin", ["", "127.0.0.1:8081", "http://", "http://host:port", "ftp://127.0.0.1:1"])
async def test_an_address_that_is_none_is_said_to_be_none(admin: str) -> None:
    async with AdminClient(admin, None) as client:
        with pytest.raises(UsageError, match="is no address of an admin port"):
            await client.get("/nodes")


async def test_reload_says_what_has_changed_or_why_it_could_not(
    nodes: tuple[HttpNode, HttpNode], monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes: list[Callable[[], list[str]]] = [lambda: ["weight of node1: 100 to 50"], list, _wrong_file]

    async def reload() -> list[str]:
        return outcomes.pop(0)()

    async with running_balancer(*nodes) as lb:
        lb.server.on_reload(reload)
        terminal = Terminal(lb.admin_url, monkeypatch)
        assert await terminal.run("reload") == ["weight of node1: 100 to 50"]
        assert await terminal.run("reload") == ["Nothing has changed."]
        with pytest.raises(UsageError, match=r"nothing was changed: lb\.yaml:3:1: no such setting"):
            await terminal.run("reload")


def _wrong_file() -> list[str]:
    raise UsageError("lb.yaml:3:1: no such setting")


async def test_a_load_balancer_without_a_file_cannot_reload(terminal: Terminal) -> None:
    with pytest.raises(UsageError, match="was not started from a configuration file"):
        await terminal.run("reload")
