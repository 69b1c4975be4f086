"""How a node of another application is asked for its state, and told to ask for its drain."""

import signal
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from lb.config import HealthConfig
from lb.health import Outcome, classify
from simulator.application.looks import state_in
from simulator.application.programs import Programs
from simulator.balancers.ours import OwnBalancer
from simulator.clients.jira_admin import AdminRequestFailed
from simulator.cluster import health_of
from simulator.scenario.application import NodePart

STATES = {Outcome.PASS: "RUNNING", Outcome.DRAIN: "DRAINING", Outcome.FAIL: ""}


def part(**keys: object) -> NodePart:
    return NodePart.model_validate({"command": ["x", "{port}"], **keys})


@pytest.mark.parametrize(
    ("status", "body", "state"),
    [(200, "all (well)", "RUNNING"), (200, "hm", ""), (503, "now leaving.", "DRAINING"), (503, "broken", "")],
)
def test_the_load_balancer_and_who_looks_understand_an_answer_alike(status: int, body: str, state: str) -> None:
    node = part(health={"path": "/h", "text": "(well)", "draining": {"text": "leaving."}})
    assert state_in(node.health, status, body) == state
    asked = OwnBalancer._asked(health_of(cast(Any, SimpleNamespace(node=node))))
    config = HealthConfig.model_validate({"expect_state": "", "drain_states": [], "stopping_states": [], **asked})
    assert STATES[classify(status, body.encode(), config).outcome] == state


async def test_a_node_is_told_by_a_signal_or_by_a_request_that_has_to_be_answered_well() -> None:
    sent: list[signal.Signals] = []
    child = cast(Any, SimpleNamespace(name="node1", send=sent.append))
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(f"{request.method} {request.path}")
        return web.Response(status=403 if request.path == "/no" else 202)

    def programs(drain: dict[str, str]) -> Programs:
        node = part(health={"draining": {}}, drain=drain)
        return Programs(node, cast(Any, None), cast(Any, None))

    app = web.Application()
    app.router.add_route("*", "/{rest}", answer)
    async with TestServer(app) as server:
        port = cast(Any, SimpleNamespace(host="127.0.0.1", port=server.port))
        await programs({"signal": "HUP"}).ask_for_drain(child, port)
        await programs({"request": "PUT /drain"}).ask_for_drain(child, port)
        with pytest.raises(AdminRequestFailed, match="node1 answered POST /no with 403"):
            await programs({"request": "POST /no"}).ask_for_drain(child, port)
    assert (sent, asked) == ([signal.SIGHUP], ["PUT /drain", "POST /no"])
    with pytest.raises(AdminRequestFailed, match="node1 did not answer POST /drain"):
        await programs({"request": "POST /drain"}).ask_for_drain(child, port)
