import json

import pytest

from node.services import ApplicationState
from tests.support.web_node import Answer, Browser, WebNode, member, web_node

API = "/rest/api/2"
SESSION = "/rest/auth/1/session"
NO_CHECK = {"X-Atlassian-Token": "no-check"}


def _json(answer: Answer) -> dict[str, object]:
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    document = json.loads(answer.text)
    assert isinstance(document, dict)
    return document


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("STARTING", 200),
        ("FIRST_RUN", 200),
        ("RUNNING", 200),
        ("STOPPING", 200),
        ("DRAINING", 503),
        ("MAINTENANCE", 503),
        ("ERROR", 500),
    ],
)
async def test_status_tells_strangers_the_state_with_the_documented_code(
    node: WebNode, stranger: Browser, state: str, code: int
) -> None:
    node.cluster.application_state = ApplicationState(state)

    first, second = await stranger.get("/status"), await stranger.get("/status")

    assert (first.status, second.status) == (code, code)
    assert _json(first) == {"state": state, "nodeId": "node1", "bootId": "boot-1", "sequence": 1}
    assert _json(second)["sequence"] == 2


@pytest.mark.parametrize("state", ApplicationState)
async def test_ready_is_for_those_who_read_no_body(node: WebNode, stranger: Browser, state: ApplicationState) -> None:
    node.cluster.application_state = state

    assert (await stranger.get("/ready")).status == (200 if state is ApplicationState.RUNNING else 503)


async def test_status_answers_before_there_is_a_database() -> None:
    async with web_node(None, application_state=ApplicationState.STARTING) as node:
        stranger = Browser(node)
        assert (await stranger.get("/status")).status == 200
        assert (await stranger.get("/login.jsp")).status == 503
        assert (await stranger.get("/static/node.css")).status == 200, "for the page that says so"


async def test_a_program_logs_in_asks_who_it_is_and_logs_out(stranger: Browser) -> None:
    logged_in = await stranger.post(SESSION, json={"username": "user1", "password": "user1"})
    session = _json(logged_in)["session"]
    who = await stranger.get(SESSION)
    gone = await stranger.request("DELETE", SESSION, headers=NO_CHECK)

    assert session == {"name": "JSESSIONID", "value": logged_in.cookies["JSESSIONID"].value}
    assert "seraph.rememberme.cookie" not in logged_in.cookies
    document = _json(who)
    assert document["name"] == "user1"
    assert document["loginInfo"] == {"failedLoginCount": 0, "loginCount": 1}
    assert str(document["self"]).endswith("/rest/api/latest/user?username=user1")
    assert (gone.status, gone.text) == (204, "")
    assert (await stranger.get(SESSION)).status == 401


async def test_a_program_can_be_remembered(other_node: WebNode, stranger: Browser) -> None:
    await stranger.post(SESSION, json={"username": "user1", "password": "user1", "rememberMe": True})

    moved = await stranger.at(other_node).get(SESSION)

    assert (moved.status, moved.headers["X-Zdu-Signed-In"]) == (200, "remember-me")


async def test_a_wrong_log_in_is_a_401_and_too_many_a_403(stranger: Browser) -> None:
    wrong = {"username": "user1", "password": "wrong"}
    codes = [(await stranger.post(SESSION, json=wrong)).status for _ in range(6)]

    assert codes == [401] * 5 + [403]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"username": "user1"},
        {"username": 1, "password": "x"},
        {"username": "a", "password": "a", "rememberMe": "yes"},
    ],
)
async def test_a_log_in_of_the_wrong_shape_is_a_400(stranger: Browser, body: object) -> None:
    assert (await stranger.post(SESSION, json=body)).status == 400


async def test_a_log_in_from_another_site_is_refused(stranger: Browser) -> None:
    body = {"username": "user1", "password": "user1"}
    answer = await stranger.post(SESSION, json=body, headers={"Origin": "https://evil.example"})

    assert (answer.status, stranger.cookie("JSESSIONID")) == (403, "")


async def test_an_issue_is_created_read_edited_and_commented_in_jiras_shapes(user: Browser) -> None:
    fields = {"project": {"key": "ZDU"}, "summary": "By REST", "description": "Old", "issuetype": {"name": "Task"}}
    created = await user.post(f"{API}/issue", json={"fields": fields})
    edited = await user.request("PUT", f"{API}/issue/ZDU-3", json={"fields": {"summary": "New"}})
    commented = await user.post(f"{API}/issue/ZDU-3/comment", json={"body": "Good"})
    issue = _json(await user.get(f"{API}/issue/ZDU-3?expand=changelog"))

    assert created.status == 201
    own = f"http://127.0.0.1:{user.node.server.port}{API}/issue/ZDU-3"
    assert _json(created) == {"id": issue["id"], "key": "ZDU-3", "self": own}
    assert (edited.status, edited.text) == (204, "")
    assert commented.status == 201
    assert (_json(commented)["body"], _json(commented)["author"]) == ("Good", {"name": "user1"})
    found = issue["fields"]
    assert isinstance(found, dict)
    assert (found["summary"], found["description"], found["reporter"]) == ("New", "Old", {"name": "user1"})
    assert found["comment"] == {"comments": [_json(commented)], "maxResults": 1, "total": 1, "startAt": 0}
    changelog = issue["changelog"]
    assert isinstance(changelog, dict)
    assert changelog["histories"][0]["author"] == {"name": "user1"}
    assert changelog["histories"][0]["items"] == [
        {
            "field": "summary",
            "fieldtype": "jira",
            "from": None,
            "fromString": "By REST",
            "to": None,
            "toString": "New",
        }
    ]


async def test_the_changelog_comes_only_when_asked_for(user: Browser) -> None:
    assert "changelog" not in _json(await user.get(f"{API}/issue/ZDU-1"))


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"project": {"key": "ZDU"}}, "summary"),
        ({"project": {"key": "ZDU"}, "summary": "x" * 256}, "summary"),
        ({"project": {"key": "ZDU"}, "summary": 7}, "summary"),
        ({"project": {"key": "ZDU"}, "summary": None}, "summary"),
        ({"project": {"key": "ZDU"}, "summary": "a\ud800"}, "summary"),
        ({"project": {"key": "ZDU"}, "summary": "x", "description": ["y"]}, "description"),
        ({"project": {"key": "ZDU"}, "summary": "x", "description": "y" * 32_768}, "description"),
        ({"summary": "x"}, "project"),
        ({"project": {"key": "OTHER"}, "summary": "x"}, "project"),
        ({"project": "ZDU", "summary": "x"}, "project"),
        ({"project": {"key": "ZDU"}, "summary": "x", "issuetype": {"name": "Epic"}}, "issuetype"),
        ({"project": {"key": "ZDU"}, "summary": "x", "colour": "red"}, "colour"),
    ],
)
async def test_a_wrong_issue_is_a_400_that_names_the_field(
    user: Browser, fields: dict[str, object], field: str
) -> None:
    answer = await user.post(f"{API}/issue", json={"fields": fields})

    assert answer.status == 400
    errors = _json(answer)["errors"]
    assert isinstance(errors, dict)
    assert list(errors) == [field]
    assert (await user.node.database.issues.search("", 0, 1))[1] == 2


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"null", 400),
        (b'{"fields": []}', 400),
        (b'{"fields": {}}', 400),
        (b"\xff\xfe", 400),
        (b"[" * 100_000, 400),
        (b"1" * 5_000, 400),
    ],
)
async def test_a_body_that_is_no_issue_is_a_400(user: Browser, body: bytes, code: int) -> None:
    answer = await user.post(f"{API}/issue", data=body, headers={"Content-Type": "application/json"})

    assert answer.status == code
    assert _json(answer)["errorMessages"]


async def test_a_body_of_another_type_is_a_415(user: Browser) -> None:
    answer = await user.post(f"{API}/issue", data=b"{}", headers={"Content-Type": "text/plain", **NO_CHECK})

    assert answer.status == 415


@pytest.mark.parametrize("key", ["ZDU-99", "X-1", "nonsense", "ZDU-0", "ZDU-99999999999999999999"])
async def test_an_unknown_issue_is_a_404(user: Browser, key: str) -> None:
    body = {"fields": {"summary": "x"}}

    for answer in (
        await user.get(f"{API}/issue/{key}"),
        await user.request("PUT", f"{API}/issue/{key}", json=body),
        await user.post(f"{API}/issue/{key}/comment", json={"body": "x"}),
    ):
        assert answer.status == 404
        assert _json(answer)["errorMessages"] == ["Issue Does Not Exist"]


@pytest.mark.parametrize("body", [{}, {"body": " "}, {"body": 1}, {"body": "x" * 32_768}])
async def test_a_wrong_comment_is_a_400(user: Browser, body: object) -> None:
    assert (await user.post(f"{API}/issue/ZDU-1/comment", json=body)).status == 400


async def test_the_search_tells_what_it_found_and_how_much_there_is(user: Browser) -> None:
    document = _json(await user.get(f"{API}/search?jql=&startAt=0&maxResults=1"))
    found = document["issues"]

    assert (document["startAt"], document["maxResults"], document["total"]) == (0, 1, 2)
    assert isinstance(found, list)
    assert [(issue["key"], issue["fields"]["summary"]) for issue in found] == [("ZDU-2", "Another thing")]


@pytest.mark.parametrize("query", ["startAt=-1", "maxResults=x", "startAt=1.5"])
async def test_a_search_with_wrong_numbers_is_a_400(user: Browser, query: str) -> None:
    assert (await user.get(f"{API}/search?{query}")).status == 400


async def test_server_info_names_version_and_build(user: Browser) -> None:
    document = _json(await user.get(f"{API}/serverInfo"))

    assert (document["version"], document["versionNumbers"], document["buildNumber"]) == ("7.3.0", [7, 3, 0], 73011)
    assert {"buildDate", "deploymentType", "scmInfo", "serverTitle"} <= set(document)


async def test_the_nodes_have_jiras_fields(node: WebNode, admin: Browser) -> None:
    node.cluster.nodes = [member("node1"), member("node2", "7.3.2", alive=False)]

    nodes = json.loads((await admin.get(f"{API}/cluster/nodes")).text)

    assert nodes[1] == {
        "nodeId": "node2",
        "state": "ACTIVE",
        "lastStateChangeTimestamp": 1_488_880_260_000,
        "ip": "127.0.0.1",
        "cacheListenerPort": 40001,
        "nodeBuildNumber": 73013,
        "nodeVersion": "7.3.2",
        "alive": False,
    }


@pytest.mark.parametrize(
    ("method", "path", "code", "said"),
    [
        ("PUT", "node2/offline", 200, ""),
        ("PUT", "node1/offline", 409, "Node node1 is ACTIVE and alive"),
        ("PUT", "node3/offline", 409, "Node node3 is OFFLINE already"),
        ("PUT", "node9/offline", 404, "no node node9"),
        ("DELETE", "node3", 200, ""),
        ("DELETE", "node2", 409, "Node node2 is ACTIVE and without a heartbeat"),
        ("DELETE", "node9", 404, "no node node9"),
    ],
)
async def test_a_node_that_is_gone_is_set_offline_and_deleted_and_no_other_one(
    node: WebNode, admin: Browser, method: str, path: str, code: int, said: str
) -> None:
    node.cluster.nodes = [
        member("node1"),
        member("node2", alive=False),
        member("node3", state="OFFLINE", alive=False),
    ]

    answer = await admin.request(method, f"{API}/cluster/node/{path}", headers=NO_CHECK)

    assert answer.status == code
    assert said in answer.text
    assert len(node.cluster.actions) == (code == 200)


async def test_a_foreground_reindex_locks_everybody_out_administrators_included(
    node: WebNode, admin: Browser
) -> None:
    assert (await admin.post(f"{API}/reindex?type=BACKGROUND", headers=NO_CHECK)).status == 400

    begun = await admin.post(f"{API}/reindex?type=FOREGROUND", headers=NO_CHECK)

    assert (begun.status, node.cluster.actions) == (202, [("reindex", "admin")])
    shown = await admin.get("/status")
    assert (shown.status, _json(shown)["state"]) == (503, "MAINTENANCE")
    assert (await admin.get(f"{API}/cluster/zdu/state")).status == 503


async def test_a_node_that_asks_to_be_drained_is_not_reindexed(node: WebNode, admin: Browser) -> None:
    node.cluster.application_state = ApplicationState.DRAINING

    refused = await admin.post(f"{API}/reindex?type=FOREGROUND", headers=NO_CHECK)

    assert (refused.status, "DRAINING" in refused.text) == (409, True)


async def test_the_upgrade_state_has_jiras_shape(admin: Browser) -> None:
    document = _json(await admin.get(f"{API}/cluster/zdu/state"))

    assert document == {"state": "STABLE", "build": {"buildNumber": 73011, "version": "7.3.0"}}


@pytest.mark.parametrize(
    ("state", "action", "code", "after"),
    [
        ("STABLE", "start", 201, "READY_TO_UPGRADE"),
        ("READY_TO_UPGRADE", "cancel", 201, "STABLE"),
        ("READY_TO_RUN_UPGRADE_TASKS", "approve", 200, "RUNNING_UPGRADE_TASKS"),
        ("UPGRADE_TASKS_FAILED", "retryUpgrade", 200, "READY_TO_RUN_UPGRADE_TASKS"),
    ],
)
async def test_an_action_has_the_specified_code_and_an_empty_answer(
    node: WebNode, admin: Browser, state: str, action: str, code: int, after: str
) -> None:
    node.cluster.state = type(node.cluster.state)(state)

    answer = await admin.post(f"{API}/cluster/zdu/{action}", headers=NO_CHECK)

    assert (answer.status, answer.text, node.cluster.state) == (code, "", after)
    assert node.cluster.actions == [(action, "admin")]


async def test_an_action_that_the_state_forbids_is_a_409_that_says_what_is_allowed(admin: Browser) -> None:
    answer = await admin.post(f"{API}/cluster/zdu/approve", headers=NO_CHECK)

    document = _json(answer)
    assert answer.status == 409
    assert (document["state"], document["allowed"]) == ("STABLE", ["start"])
    assert "READY_TO_RUN_UPGRADE_TASKS" in str(document["errorMessages"])


MODE = "/rest/zdu-simulator/1/node/upgradeMode"


async def test_a_node_is_put_into_its_upgrade_mode_and_taken_out_again(node: WebNode, admin: Browser) -> None:
    node.cluster.mode_available = True
    await admin.post(f"{API}/cluster/zdu/start", headers=NO_CHECK)

    shown = _json(await admin.get(MODE))
    on = await admin.post(MODE, headers=NO_CHECK)
    draining = await admin.get("/status")
    off = await admin.request("DELETE", MODE, headers=NO_CHECK)

    assert shown == {"nodeId": "node1", "enabled": False, "requestsInFlight": 0, "sessions": 1}
    assert (on.status, _json(on)["enabled"]) == (200, True)
    assert (draining.status, _json(draining)["state"]) == (503, "DRAINING")
    assert (off.status, _json(off)["enabled"]) == (200, False)


async def test_the_nodes_upgrade_mode_is_refused_where_there_is_none(admin: Browser) -> None:
    assert (await admin.post(MODE, headers=NO_CHECK)).status == 409


async def test_half_a_surrogate_pair_in_the_name_of_a_field_is_given_back_as_it_came(user: Browser) -> None:
    body = r'{"fields": {"\ud800": 1}}'
    answer = await user.post(f"{API}/issue", data=body, headers={"Content-Type": "application/json"})

    assert (answer.status, list(_json(answer)["errors"])) == (400, ["\ud800"])  # type: ignore[call-overload]  # a dictionary
    assert answer.headers["X-ANODEID"] == "node1"


async def test_a_host_header_that_names_no_host_does_not_spoil_the_answer(user: Browser) -> None:
    answer = await user.get(f"{API}/issue/ZDU-1", headers={"Host": "node1:port"})

    assert (answer.status, _json(answer)["self"]) == (200, f"{API}/issue/ZDU-1")
