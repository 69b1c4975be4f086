from pathlib import Path

import pytest

from node.services import MemberView
from node.web.pages.checks import LITTLE_SPACE_BYTES, Health, HomeFacts, health_checks, one_version
from node.web.pages.health import shared_home
from tests.support.web_node import Browser, WebNode, member
from zdu.errors import ZduError

PAGE = "/plugins/servlet/troubleshooting/view"
TWO = (member("node1"), member("node2"))


def found(
    *members: MemberView,
    state: str = "STABLE",
    ms: float = 2.0,
    data_build: int | None = 73011,
    home: HomeFacts | None = None,
) -> list[tuple[str, str]]:
    checks = health_checks(Health(members, state, 73011, data_build, ms, home))
    return [(check.mark, check.text) for check in checks]


def test_a_healthy_cluster_passes_all_checks() -> None:
    assert found(*TWO, home=HomeFacts("/shared", free_bytes=2 * 1024**3)) == [
        ("ok", "All nodes are alive."),
        ("ok", "All nodes run version 7.3.0."),
        ("ok", "The database answered in 2 ms."),
        ("ok", "The data is of build 73011, as the software is."),
        ("ok", "/shared can be written; 2,048 MB are free."),
    ]


def test_a_silent_node_fails_a_check_and_a_stopped_one_is_only_mentioned() -> None:
    gone = member("node3", state="OFFLINE", alive=False)

    assert ("bad", "No heartbeat from node2.") in found(member("node1"), member("node2", alive=False), gone)
    assert ("info", "All running nodes are alive; offline: node3.") in found(*TWO, gone)


def test_two_versions_fail_a_check_only_before_an_upgrade() -> None:
    nodes = (member("node1"), member("node2", "7.3.2"))

    assert ("bad", "Your nodes run 7.3.0 and 7.3.2.") in found(*nodes)
    assert ("info", "Your nodes run 7.3.0 and 7.3.2.") in found(*nodes, state="MIXED")


def test_one_node_alone_is_told_that_its_upgrade_is_felt() -> None:
    assert ("info", "Only one node is alive: while it is upgraded, nobody is served.") in found(member("node1"))


def test_a_slow_database_fails_a_check() -> None:
    assert ("bad", "The database answered in 1500 ms.") in found(*TWO, ms=1500.0)


def test_data_of_another_build_fails_a_check_once_the_upgrade_is_over() -> None:
    wrong = ("bad", "The data is of build 73013, the software of build 73011.")

    assert wrong in found(*TWO, data_build=73013)
    assert wrong not in found(*TWO, data_build=73013, state="RUNNING_UPGRADE_TASKS")


@pytest.mark.parametrize(
    ("home", "text"),
    [
        (HomeFacts("/shared", problem="permission denied"), "/shared cannot be written: permission denied."),
        (HomeFacts("/shared", free_bytes=LITTLE_SPACE_BYTES - 1), "/shared can be written; 99 MB are free."),
    ],
)
def test_a_shared_home_without_right_or_room_fails_a_check(home: HomeFacts, text: str) -> None:
    assert ("bad", text) in found(*TWO, home=home)


def test_what_failed_says_what_to_do() -> None:
    home = HomeFacts("/shared", problem="permission denied")
    nodes = (member("node1"), member("node2", "7.3.2", alive=False))
    checks = health_checks(Health(nodes, "STABLE", 73011, 1, 5000.0, home))

    assert [check.name for check in checks if check.mark == "bad"] == [
        *("Cluster nodes", "Versions", "Database", "Upgrade tasks", "Shared home"),
    ]
    assert all(check.advice for check in checks if check.mark == "bad")


def test_only_live_nodes_have_to_run_one_version() -> None:
    assert one_version(TWO)
    assert one_version([*TWO, member("node3", "7.3.2", alive=False)])
    assert not one_version([*TWO, member("node3", "7.3.2")])
    assert not one_version([])


def test_the_shared_home_is_really_looked_at(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert shared_home(tmp_path).problem == ""
    assert shared_home(tmp_path).free_bytes > 0
    assert shared_home(tmp_path / "file").problem == "it is no folder"
    assert shared_home(tmp_path / "nowhere").problem == "it is no folder"


async def test_the_page_lists_every_check_and_sums_them_up(node: WebNode, admin: Browser) -> None:
    page = await admin.get(PAGE)
    assert (page.status, page.page) == (200, "troubleshooting")
    assert "All checks passed" in page.text
    assert all(name in page.text for name in ("Cluster nodes", "Versions", "Database", "Shared home"))

    node.cluster.nodes = [member("node1"), member("node2", alive=False)]
    page = await admin.get(PAGE)

    assert "1 check failed" in page.text
    assert "Restart such a node" in page.text


async def test_without_the_database_the_page_still_comes(node: WebNode, admin: Browser) -> None:
    node.cluster.failure = ZduError("no answer from db.example")

    page = await admin.get(PAGE)

    assert page.status == 200
    assert "The database does not answer." in page.text
    assert "db.example" not in page.text
