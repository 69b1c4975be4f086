import re

import pytest

from node.releases import find_release
from node.services import ApplicationState, NodeModeView, UpgradeView
from node.upgrade_state import UpgradeState, allowed
from node.web.pages.checks import Health
from node.web.pages.upgrade_model import UpgradePage, describe
from tests.support.web_node import Answer, Browser, WebNode, member
from zdu.errors import ZduError

PAGE = "/secure/admin/JiraUpgrades.jspa"
WARNING = "Your instance is undergoing an active upgrade."


def _works(page: Answer, button: str) -> bool | None:
    """Whether the button works; None if there is none."""
    match = re.search(rf'<button id="{button}"[^>]*>', page.text)
    return "disabled" not in match[0] if match else None


@pytest.mark.parametrize(
    ("state", "lozenge", "sentence", "start", "approve", "cancel", "retry", "warning"),
    [
        (
            "STABLE",
            '<span class="lozenge green" id="cluster-state">STABLE</span>',
            "Your cluster is in a stable condition and ready to start an upgrade.",
            True,
            False,
            False,
            None,
            False,
        ),
        (
            "READY_TO_UPGRADE",
            '<span class="lozenge blue" id="cluster-state">READY TO UPGRADE</span>',
            "Jira is in upgrade mode, and waiting for you to start upgrading your nodes.",
            False,
            False,
            True,
            None,
            True,
        ),
        (
            "MIXED",
            '<span class="lozenge yellow" id="cluster-state">MIXED</span>',
            "Some of them do not run the new version yet.",
            False,
            False,
            False,
            None,
            True,
        ),
        (
            "READY_TO_RUN_UPGRADE_TASKS",
            '<span class="lozenge blue" id="cluster-state">READY TO RUN UPGRADE TASKS</span>',
            "All nodes have been upgraded to a newer version. You can now finalize the upgrade.",
            False,
            True,
            False,
            None,
            True,
        ),
        (
            "RUNNING_UPGRADE_TASKS",
            '<span class="lozenge blue" id="cluster-state">RUNNING UPGRADE TASKS</span>',
            "Upgrade tasks are running",
            False,
            False,
            False,
            None,
            True,
        ),
        (
            "UPGRADE_TASKS_FAILED",
            '<span class="lozenge red" id="cluster-state">UPGRADE TASKS FAILED</span>',
            "An upgrade task failed.",
            False,
            False,
            False,
            True,
            True,
        ),
    ],
)
async def test_each_state_has_its_lozenge_its_sentence_and_its_buttons(
    node: WebNode,
    admin: Browser,
    state: str,
    lozenge: str,
    sentence: str,
    start: bool,
    approve: bool,
    cancel: bool,
    retry: bool | None,
    warning: bool,
) -> None:
    node.cluster.state = UpgradeState(state)

    page = await admin.get(PAGE)

    assert lozenge in page.text
    assert sentence in page.text
    assert [_works(page, name) for name in ("start", "approve", "cancel", "retry")] == [start, approve, cancel, retry]
    assert (WARNING in page.text) == warning
    for label in ("Put Jira into upgrade mode", "Run upgrade tasks", "Cancel upgrade", "1. Pre-upgrade tasks"):
        assert label in page.text


@pytest.mark.parametrize(
    ("state", "action", "after", "words"),
    [
        ("STABLE", "start", "READY_TO_UPGRADE", "Jira is now in upgrade mode."),
        ("READY_TO_UPGRADE", "cancel", "STABLE", "The upgrade has been cancelled."),
        ("READY_TO_RUN_UPGRADE_TASKS", "approve", "RUNNING_UPGRADE_TASKS", "The upgrade tasks have been started."),
        ("UPGRADE_TASKS_FAILED", "retry", "READY_TO_RUN_UPGRADE_TASKS", "The failure has been acknowledged."),
    ],
)
async def test_a_button_does_what_it_says_and_the_page_confirms_it(
    node: WebNode, admin: Browser, state: str, action: str, after: str, words: str
) -> None:
    node.cluster.state = UpgradeState(state)

    answer = await admin.submit(PAGE, action=action)
    page = await admin.get(answer.location)

    assert (answer.status, node.cluster.state) == (302, after)
    assert node.cluster.actions[0][1] == "admin"
    assert words in page.text
    assert "<script>" not in (await admin.get(f"{PAGE}?done={action}&node=<script>")).text


async def test_a_button_that_came_too_late_is_a_409_with_the_reason_on_the_page(admin: Browser) -> None:
    await admin.submit(PAGE, action="start")

    answer = await admin.submit(PAGE, action="start")

    assert (answer.status, answer.page) == (409, "upgrades")
    assert "An upgrade can only be started while the cluster is STABLE" in answer.text
    assert _works(answer, "cancel"), "the page shows how things are now"


@pytest.mark.parametrize("action", ["", "explode", "START"])
async def test_an_unknown_action_is_a_400(admin: Browser, action: str) -> None:
    assert (await admin.submit(PAGE, action=action)).status == 400


async def test_the_card_of_this_node_is_there_only_where_nodes_have_an_upgrade_mode(
    node: WebNode, admin: Browser
) -> None:
    assert "This node: node1" not in (await admin.get(PAGE)).text
    node.cluster.mode_available = True
    assert "This node: node1" in (await admin.get(PAGE)).text


async def test_this_node_is_put_into_upgrade_mode_by_its_card_once_the_cluster_is(
    node: WebNode, admin: Browser
) -> None:
    node.cluster.mode_available = True
    assert _works(await admin.get(PAGE), "node-mode-on") is False
    assert (await admin.submit(PAGE, action="nodeUpgradeModeOn")).status == 409
    await admin.submit(PAGE, action="start")
    assert _works(await admin.get(PAGE), "node-mode-on") is True

    answer = await admin.submit(PAGE, action="nodeUpgradeModeOn")
    page = await admin.get(answer.location)

    assert "node1 is now in upgrade mode" in page.text
    assert '<span class="lozenge yellow" id="node-state">DRAINING</span>' in page.text
    assert (_works(page, "node-mode-on"), _works(page, "node-mode-off")) == (None, True)
    await admin.submit(PAGE, action="nodeUpgradeModeOff")
    assert node.cluster.application_state is ApplicationState.RUNNING


async def test_the_nodes_are_listed_and_the_own_one_is_marked(node: WebNode, admin: Browser) -> None:
    node.cluster.nodes = [
        member("node1"),
        member("node2", "7.3.2", alive=False),
        member("node3", state="OFFLINE", alive=False),
    ]

    text = (await admin.get(PAGE)).text
    rows = {
        name: re.search(rf'<tr data-node="{name}">(.*?)</tr>', text, re.DOTALL)
        for name in ("node1", "node2", "node3")
    }
    first, second, third = (match[1] if match else "" for match in rows.values())

    assert 'title="Your node"' in first
    assert "ACTIVE" in first
    assert 'title="Your node"' not in second
    assert ("7.3.2" in second, "73013" in second, "NO HEARTBEAT" in second) == (True, True, True)
    assert "OFFLINE" in third


async def test_without_the_database_the_page_still_comes_and_no_button_works(node: WebNode, admin: Browser) -> None:
    node.cluster.failure = ZduError("no answer from db.example")

    page = await admin.get(PAGE)

    assert (page.status, page.page) == (503, "upgrades")
    assert "The database does not answer." in page.text
    assert "Some checks failed" in page.text
    assert "db.example" not in page.text
    assert [_works(page, name) for name in ("start", "approve", "cancel")] == [False, False, False]


async def test_an_upgrade_cannot_be_started_while_the_nodes_run_two_versions_and_the_page_says_why(
    node: WebNode, admin: Browser
) -> None:
    node.cluster.nodes = [member("node1"), member("node2", "7.3.2")]
    reason = "All live nodes have to run one version before an upgrade can be started."
    page = await admin.get(PAGE)
    assert (_works(page, "start"), reason in page.text) == (False, True)

    node.cluster.nodes = [member("node1"), member("node2", "7.3.2", state="OFFLINE", alive=False)]
    page = await admin.get(PAGE)

    assert (_works(page, "start"), reason in page.text) == (True, False)


async def test_the_three_cards_lead_to_their_pages(admin: Browser) -> None:
    text = (await admin.get(PAGE)).text

    for label, address in {
        "View all health checks": "/plugins/servlet/troubleshooting/view",
        "Check your apps": "/plugins/servlet/upm",
    }.items():
        assert f'<a href="{address}">{label}</a>' in text
        assert (await admin.get(address)).status == 200
    assert ">Download the latest at atlassian.com</a>" in text


@pytest.mark.parametrize(("state", "is_open"), [("STABLE", True), ("READY_TO_UPGRADE", False), ("MIXED", False)])
async def test_the_table_of_cards_is_open_until_the_upgrade_begins(
    node: WebNode, admin: Browser, state: str, is_open: bool
) -> None:
    node.cluster.state = UpgradeState(state)

    assert ('<details class="cards" open>' in (await admin.get(PAGE)).text) == is_open


def _model(state: str, version: str = "7.3.0") -> UpgradePage:
    return describe(
        UpgradeView(state, 73011, "7.3.0", allowed(UpgradeState(state))),
        Health([member("node1")], state, 73011, 73011, database_ms=1.0),
        node_id="node1",
        release=find_release(version),
        application_state=ApplicationState.RUNNING,
        mode=NodeModeView(available=False, enabled=False, requests_in_flight=0, sessions=0),
    )


@pytest.mark.parametrize("state", list(UpgradeState))
def test_no_state_is_without_words_and_colour(state: UpgradeState) -> None:
    model = _model(state)

    assert model.sentence
    assert model.colour != "grey"


def test_the_versions_to_rehearse_are_the_newer_ones_of_the_same_major_release() -> None:
    assert "7.3.2" in _model("STABLE").newer_versions
    assert "7.3.0" not in _model("STABLE").newer_versions
    assert "7.3.1" not in _model("STABLE", "7.3.2").newer_versions


def test_no_version_of_the_next_platform_is_offered() -> None:
    assert _model("STABLE", "7.6.17").newer_versions == ("7.13.18",)
    assert _model("STABLE", "7.13.18").newer_versions == ()
