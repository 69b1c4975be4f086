import re

import pytest

from node.services import ApplicationState
from node.web.pages.clustering_model import ClusterRow, cluster_rows, duration_words
from shared_db import NodeFigures
from tests.support.web_node import Browser, WebNode, member
from zdu.errors import ZduError

PAGE = "/secure/admin/Clustering.jspa"
FIGURES = NodeFigures("RUNNING", 1.237, 84 * 1024**2 + 5, 7_512.0)


def rows(*members: object, figures: dict[str, NodeFigures]) -> list[ClusterRow]:
    return list(cluster_rows(members, figures, own_id="node1"))  # type: ignore[arg-type]  # members


def test_a_node_that_is_heard_of_has_its_figures() -> None:
    (row,) = rows(member("node1"), figures={"node1": FIGURES})

    assert (row.load, row.memory, row.uptime) == ("1.24", "84 MB", "2 h 5 min")
    assert (row.address, row.version, row.build_number) == ("127.0.0.1", "7.3.0", 73011)
    assert (row.status.word, row.application.word, row.own) == ("ACTIVE", "RUNNING", True)


@pytest.mark.parametrize(
    ("state", "alive", "word"), [("ACTIVE", False, "NO HEARTBEAT"), ("OFFLINE", False, "OFFLINE")]
)
def test_a_node_that_is_not_has_none_old_ones_would_mislead(state: str, alive: bool, word: str) -> None:
    (row,) = rows(member("node2", state=state, alive=alive), figures={"node2": FIGURES})

    assert (row.load, row.memory, row.uptime, row.application.word) == ("–", "–", "–", "–")
    assert (row.status.word, row.own) == (word, False)


def test_a_node_that_has_not_told_yet_is_shown_all_the_same() -> None:
    (row,) = rows(member("node2"), figures={})

    assert (row.status.word, row.application.word, row.load) == ("ACTIVE", "–", "–")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.9, "0 s"),
        (59, "59 s"),
        (60, "1 min 0 s"),
        (3_600, "1 h 0 min"),
        (90_000, "1 d 1 h"),
        (-1, "0 s"),
    ],
)
def test_a_duration_has_its_two_largest_units(seconds: float, words: str) -> None:
    assert duration_words(seconds) == words


async def test_the_page_marks_the_own_node_and_shows_each_ones_state(node: WebNode, admin: Browser) -> None:
    node.cluster.nodes = [member("node1"), member("node2", "7.3.2", alive=False)]
    node.cluster.application_state = ApplicationState.DRAINING

    text = (await admin.get(PAGE)).text
    first, second = re.findall(r'<tr role="row" data-node="\w+">(.*?)</tr>', text, re.DOTALL)

    assert ('title="Your node"' in first, 'title="Your node"' in second) == (True, False)
    assert all(words in first for words in ("ACTIVE", "DRAINING", "0.25", "90 MB", "1 h 2 min"))
    assert "NO HEARTBEAT" in second


async def test_without_the_database_the_page_still_comes(node: WebNode, admin: Browser) -> None:
    async def fail() -> None:
        raise ZduError("no answer from db.example")

    node.cluster.members = fail  # type: ignore[method-assign,assignment]  # what a database that is gone does

    page = await admin.get(PAGE)

    assert (page.status, page.page) == (503, "clustering")
    assert "The database does not answer." in page.text


@pytest.mark.parametrize("path", [PAGE, "/plugins/servlet/troubleshooting/view", "/plugins/servlet/upm"])
async def test_administrators_find_the_pages_in_their_menu_and_nobody_else_may_see_them(
    admin: Browser, user: Browser, path: str
) -> None:
    assert f'<a href="{path}"' in (await admin.get("/secure/Dashboard.jspa")).text
    assert f'<a href="{path}" aria-current="page"' in (await admin.get(path)).text

    dashboard = (await user.get("/secure/Dashboard.jspa")).text

    assert "Administration" not in dashboard
    assert (await user.get(path)).status == 403
