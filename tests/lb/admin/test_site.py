"""The operator's port: page, JSON, long poll, admin states."""

import asyncio
import html.parser
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.balancers import RunningBalancer, running_balancer
from tests.support.http_nodes import HttpNode

NODE_KEYS = {
    "name",
    "address",
    "admin",
    "operational",
    "status",
    "takes_new_sessions",
    "takes_bound_sessions",
    "in_flight",
    "drained",
    "weight",
    "requests",
    "errors",
    "check_status",
    "check_code",
    "check_body",
    "check_duration_ms",
    "last_check_s",
    "state_since_s",
}
EVENT_KEYS = {
    "seq",
    "at_s",
    "node",
    "admin",
    "operational",
    "takes_new_sessions",
    "takes_bound_sessions",
    "drained",
    "reason",
}


@pytest.fixture
async def nodes() -> AsyncIterator[tuple[HttpNode, HttpNode]]:
    async with HttpNode("node1") as one, HttpNode("node2") as two:
        yield one, two


@pytest.fixture
async def lb(nodes: tuple[HttpNode, HttpNode]) -> AsyncIterator[RunningBalancer]:
    async with running_balancer(*nodes) as running:
        yield running


async def get_json(lb: RunningBalancer, path: str) -> Any:
    async with asyncio.timeout(5), lb.client.get(lb.admin_url + path) as response:
        assert response.status == 200
        assert response.headers["Cache-Control"] == "no-store"
        return await response.json()


async def set_state(lb: RunningBalancer, node: str, body: object, **options: Any) -> tuple[int, Any]:
    options = options or {"json": body}
    async with lb.client.post(f"{lb.admin_url}/nodes/{node}/state", **options) as response:
        return response.status, await response.json()


async def test_status_json_tells_what_was_agreed(lb: RunningBalancer) -> None:
    await lb.request("/")
    status = await get_json(lb, "/status.json")

    assert {"load_balancer", "version", "uptime_s", "now_s", "requests", "errors", "retries"} <= set(status)
    assert {"redispatches", "sessions_moved"} <= set(status)
    assert (status["load_balancer"], status["requests"], status["errors"]) == ("zdu-lb", 1, 0)
    one, two = status["nodes"]
    assert set(one) >= NODE_KEYS
    assert (one["name"], one["admin"], one["operational"], one["status"]) == ("node1", "READY", "UP", "UP")
    assert (one["check_status"], one["check_code"]) == ("L7OK", 200)
    assert one["requests"] + two["requests"] == 1
    assert 0 <= status["now_s"] - one["last_check_s"] < 5
    assert abs(status["now_s"] - asyncio.get_running_loop().time()) < 5, "the machine's monotonic clock"


@pytest.mark.parametrize(("state", "status"), [("drain", "DRAIN"), ("maint", "MAINT"), ("READY", "UP")])
async def test_a_nodes_state_can_be_set(lb: RunningBalancer, state: str, status: str) -> None:
    code, node = await set_state(lb, "node1", {"state": state})
    assert (code, node["admin"], node["status"]) == (200, state.upper(), status)
    assert lb.balancer.view("node1").admin == state.upper()


@pytest.mark.parametrize("body", [{"state": "gone"}, {}, [], "drain", {"state": None}])
async def test_a_state_that_is_none_is_refused_and_changes_nothing(lb: RunningBalancer, body: object) -> None:
    code, answer = await set_state(lb, "node1", body)
    assert code == 400
    assert "drain" in answer["error"]
    assert lb.balancer.view("node1").admin == "READY"


async def test_an_unknown_node_is_404_and_the_known_ones_are_named(lb: RunningBalancer) -> None:
    code, answer = await set_state(lb, "node9", {"state": "drain"})
    assert (code, answer["error"]) == (404, "no node is called node9; known: node1, node2")


async def test_a_form_of_another_site_cannot_set_a_state(lb: RunningBalancer) -> None:
    code, _ = await set_state(lb, "node1", None, data='{"state": "maint"}', headers={"Content-Type": "text/plain"})
    assert code == 415
    assert lb.balancer.view("node1").admin == "READY"


async def test_events_tell_each_change_once_and_in_order(lb: RunningBalancer) -> None:
    before = (await get_json(lb, "/events"))["events"]
    assert sorted(event["node"] for event in before) == ["node1", "node2"]

    await set_state(lb, "node1", {"state": "drain"})
    await set_state(lb, "node1", {"state": "ready"})
    events = (await get_json(lb, f"/events?after={before[-1]['seq']}"))["events"]

    assert all(set(event) >= EVENT_KEYS for event in events)
    assert [event["seq"] for event in events] == [3, 4]
    assert [(event["admin"], event["takes_new_sessions"], event["drained"]) for event in events] == [
        ("DRAIN", False, True),
        ("READY", True, False),
    ]


async def test_the_long_poll_answers_as_soon_as_something_happens(
    lb: RunningBalancer, nodes: tuple[HttpNode, HttpNode]
) -> None:
    last = (await get_json(lb, "/status.json"))["last_seq"]
    poll = asyncio.create_task(get_json(lb, f"/events?after={last}&wait_ms=20000"))
    nodes[0].state = "DRAINING"
    [event] = (await poll)["events"]
    assert (event["node"], event["operational"], event["drained"]) == ("node1", "STOPPING", True)
    assert event["reason"] == "L7OKC the node says DRAINING"


async def test_the_long_poll_comes_back_empty_when_nothing_happens(lb: RunningBalancer) -> None:
    last = (await get_json(lb, "/status.json"))["last_seq"]
    assert (await get_json(lb, f"/events?after={last}&wait_ms=30"))["events"] == []


@pytest.mark.parametrize("query", ["after=x", "after=-1", "wait_ms=99999999", "wait_ms=1.5"])
async def test_a_wrong_number_is_400_and_says_what_is_expected(lb: RunningBalancer, query: str) -> None:
    async with lb.client.get(f"{lb.admin_url}/events?{query}") as response:
        assert response.status == 400
        assert "expected a whole number" in (await response.json())["error"]


class _Page(html.parser.HTMLParser):
    """The page's rows by id, with their text, and its buttons."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, str] = {}
        self.buttons: list[tuple[str, str, bool]] = []
        self._row = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag in {"article", "tr", "li"}:
            self._row = found.get("id") or ""
        if tag == "button":
            self.buttons.append((found["data-node"] or "", found["data-state"] or "", "disabled" in found))

    def handle_data(self, data: str) -> None:
        if self._row:
            self.rows[self._row] = " ".join([self.rows.get(self._row, ""), *data.split()]).strip()


async def test_the_page_shows_every_node_with_its_states_and_buttons(lb: RunningBalancer) -> None:
    await set_state(lb, "node1", {"state": "drain"})
    async with lb.client.get(lb.admin_url) as response:
        assert response.content_type == "text/html"
        page = _Page()
        page.feed(await response.text())

    assert {name for name in page.rows if not name.startswith("event-")} == {
        *("node-node1", "node-node2", "row-frontend", "row-node1", "row-node2", "row-backend")
    }
    assert "DRAIN UP · DRAIN" in page.rows["node-node1"].replace("127.0.0.1", "")
    assert "drained: it can be stopped now" in page.rows["node-node1"]
    assert "UP" in page.rows["node-node2"]
    assert "new and bound sessions" in page.rows["node-node2"]
    assert ("node1", "drain", True) in page.buttons
    assert ("node2", "drain", False) in page.buttons


async def test_what_a_node_says_cannot_become_markup_on_the_page(
    lb: RunningBalancer, nodes: tuple[HttpNode, HttpNode]
) -> None:
    nodes[0].state = "<script>alert(1)</script>"
    await lb.until_state("node1", "DOWN")
    async with lb.client.get(lb.admin_url) as response:
        text = await response.text()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text


async def test_a_drain_may_bring_its_own_deadline(lb: RunningBalancer) -> None:
    code, node = await set_state(lb, "node1", {"state": "drain", "deadline": "20s"})
    assert code == 200
    assert node["takes_bound_sessions"]
    assert 10 < node["drain_deadline_s"] - lb.balancer.now() <= 20


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"state": "drain", "deadline": 20}, "expected a duration with its unit"),
        ({"state": "drain", "deadline": "soon"}, "expected a duration with its unit"),
        ({"state": "ready", "deadline": "20s"}, "only a drain has one"),
        ({"state": "drain", "dedline": "20s"}, "dedline: there is no such setting"),
    ],
)
async def test_a_deadline_that_is_none_is_refused(lb: RunningBalancer, body: object, said: str) -> None:
    code, answer = await set_state(lb, "node1", body)
    assert code == 400
    assert said in answer["error"]
    assert lb.balancer.view("node1").admin == "READY"


async def post(lb: RunningBalancer, path: str, body: object) -> tuple[int, Any]:
    async with lb.client.post(lb.admin_url + path, json=body) as response:
        return response.status, await response.json()


async def test_a_nodes_weight_can_be_set(lb: RunningBalancer) -> None:
    code, node = await post(lb, "/nodes/node1/weight", {"weight": 0})
    assert (code, node["weight"], node["takes_new_sessions"], node["takes_bound_sessions"]) == (200, 0, False, True)
    for _ in range(4):
        _, body = await lb.request("/")
        assert body == b"node2"


@pytest.mark.parametrize("weight", [-1, 257, "50", 1.5, True, None])
async def test_a_weight_that_is_none_is_refused(lb: RunningBalancer, weight: object) -> None:
    code, answer = await post(lb, "/nodes/node1/weight", {"weight": weight})
    assert code == 400
    assert "a whole number from 0 to 256" in answer["error"]
    assert lb.balancer.view("node1").weight == 100


async def test_nodes_are_listed_and_can_be_asked_for_one_by_one(lb: RunningBalancer) -> None:
    listed = (await get_json(lb, "/nodes"))["nodes"]
    assert [node["name"] for node in listed] == ["node1", "node2"]
    assert set(await get_json(lb, "/nodes/node2")) == set(listed[1])


async def test_healthz_is_503_while_no_node_takes_requests(lb: RunningBalancer) -> None:
    assert await get_json(lb, "/healthz") == {"status": "ok", "serving": 2, "nodes": 2}
    for name in ("node1", "node2"):
        await set_state(lb, name, {"state": "maint"})
    async with lb.client.get(lb.admin_url + "/healthz") as response:
        assert (response.status, (await response.json())["serving"]) == (503, 0)


async def test_the_configuration_shows_as_its_file_would_say_it_without_its_secrets() -> None:
    token, secret = "0123456789-token", "0123456789-secret"
    settings: dict[str, Any] = {"admin_token": token, "stickiness": {"secret": secret}}
    async with HttpNode() as node, running_balancer(node, **settings) as lb:
        headers = {"Authorization": f"Bearer {token}"}
        async with lb.client.get(lb.admin_url + "/config", headers=headers) as response:
            text = await response.text()
            config = await response.json()
    assert token not in text
    assert secret not in text
    assert config["health"]["inter"] == "40ms"
    assert config["nodes"][0]["name"] == "node1"


async def test_a_path_or_method_that_is_none_gets_json_too(lb: RunningBalancer) -> None:
    async with lb.client.get(lb.admin_url + "/nodez") as response:
        assert (response.status, await response.json()) == (404, {"error": "there is no /nodez here"})
    async with lb.client.get(lb.admin_url + "/reload") as response:
        assert (response.status, await response.json()) == (405, {"error": "/reload takes POST"})


async def test_a_form_of_another_site_can_change_nothing(lb: RunningBalancer) -> None:
    for path in ("/reload", "/nodes/node1/weight", "/nodes/node1/state"):
        async with lb.client.post(lb.admin_url + path, data={"state": "maint", "weight": "1"}) as response:
            assert response.status == 415
    assert (lb.balancer.view("node1").admin, lb.balancer.view("node1").weight) == ("READY", 100)


async def test_the_page_runs_no_scripts_but_its_own(lb: RunningBalancer) -> None:
    async with lb.client.get(lb.admin_url) as response:
        policy = response.headers["Content-Security-Policy"]
        text = await response.text()
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert '<script type="module" src="/static/status.js"></script>' in text
    assert "style=" not in text
    async with lb.client.get(lb.admin_url + "/static/../site.py") as response:
        assert response.status == 404
