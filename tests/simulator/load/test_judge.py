"""A status of 200 proves little: each answer is recognised by its own marks."""

import pytest

from simulator.load.judge import Expected, judge, xsrf_token


def page(name: str, user: str = "user1", text: str = "") -> str:
    marks = f'<meta name="ajs-remote-user" content="{user}"><meta name="zdu-page" content="{name}">'
    return f"{marks}<p>{text}</p></html>"


NODE = {"X-ANODEID": "node1"}
EXPECTED = Expected(user="user1", page="issue", text="ZDU-1")


@pytest.mark.parametrize(
    ("status", "headers", "body", "outcome"),
    [
        (200, {}, page("issue", text="ZDU-1"), "ok"),
        (200, {}, page("issue", text="ZDU-2"), "wrong_content"),
        (200, {}, page("issue", text="ZDU-1").removesuffix("</html>"), "wrong_content"),
        (200, {}, page("dashboard", text="ZDU-1"), "wrong_content"),
        (200, {}, page("issue", user="user2", text="ZDU-1"), "wrong_user"),
        (200, {}, page("issue", user="", text="ZDU-1"), "wrong_user"),
        (200, {}, page("login"), "login_page"),
        (302, {"Location": "/login.jsp?os_destination=%2Fbrowse%2FZDU-1"}, "", "login_page"),
        (401, {}, "{}", "login_page"),
        (503, {}, "<h1>JIRA is stopping</h1>", "http_503"),
        (404, {}, "", "http_404"),
    ],
)
def test_each_wrong_answer_has_its_word(status: int, headers: dict[str, str], body: str, outcome: str) -> None:
    assert judge(status, NODE | headers, body, EXPECTED).outcome == outcome


def test_an_error_of_the_load_balancer_is_told_from_one_of_a_node() -> None:
    by_lb = judge(503, {"X-LB-Error": "no usable node"}, "", EXPECTED)
    by_node = judge(503, {"X-ANODEID": "node1"}, "<h1>JIRA is stopping</h1>", EXPECTED)
    assert by_lb.detail == "from the load balancer: no usable node"
    assert by_node.detail == "JIRA is stopping"


def test_the_log_in_page_is_right_for_whoever_asks_for_it() -> None:
    assert judge(200, NODE, page("login", user=""), Expected(page="login")).outcome == "ok"


def test_a_redirect_must_lead_where_the_user_expects() -> None:
    expected = Expected(status=302, location="/browse/")
    assert judge(302, NODE | {"Location": "/browse/ZDU-7"}, "", expected).outcome == "ok"
    assert judge(302, NODE | {"Location": "/secure/Dashboard.jspa"}, "", expected).outcome == "wrong_content"


def test_the_xsrf_token_is_read_from_the_form() -> None:
    assert xsrf_token('<input type="hidden" name="atl_token" value="abc|lin">') == "abc|lin"
    assert xsrf_token("<form></form>") == ""


def test_after_signing_out_the_log_in_page_is_due() -> None:
    answer = {"Location": "/login.jsp?loggedOut=true"}
    assert judge(302, NODE | answer, "", Expected(status=302, location="/login.jsp")).outcome == "ok"


def test_an_answer_that_no_node_calls_its_own_is_wrong() -> None:
    assert judge(200, {}, page("issue", text="ZDU-1"), EXPECTED).outcome == "wrong_content"


def test_a_form_that_was_sent_in_somebody_else_s_name_is_found() -> None:
    expected = Expected(status=302, user="user1", location="/browse/")
    answer = NODE | {"Location": "/browse/ZDU-7", "X-AUSERNAME": "user9"}
    assert judge(302, answer, "", expected).outcome == "wrong_user"


def test_an_index_that_is_behind_is_told_from_a_wrong_answer() -> None:
    expected = Expected(user="user1", page="issues", news='href="/browse/ZDU-9"')
    shown = judge(200, NODE, page("issues", text='<a href="/browse/ZDU-9">'), expected)
    missing = judge(200, NODE, page("issues"), expected)

    assert (shown.outcome, shown.behind) == ("ok", False)
    assert (missing.outcome, missing.behind) == ("ok", True)
    assert judge(503, NODE, page("issues"), expected).outcome == "http_503"


def test_lost_work_and_a_stale_form_have_their_own_words() -> None:
    lost = page("work_lost").replace("<p>", '<p role="alert">').replace("</p>", "Please begin again.</p>")
    stale = '<meta name="zdu-page" content="error"><p role="alert">XSRF Security Token Missing: reload</p>'

    assert judge(409, NODE, lost, Expected(page="bulk_edit_2")).outcome == "work_lost"
    assert judge(403, NODE, stale, Expected(status=302)).outcome == "stale_form"
    assert judge(403, NODE, page("error"), Expected(status=302)).outcome == "http_403"


def test_what_an_error_page_says_is_told_as_people_read_it() -> None:
    trouble = '<p role="alert">JIRA has a problem. The node&#39;s log tells <b>more</b>.</p>'
    assert (
        judge(500, NODE, trouble, Expected(page="issue")).detail == "JIRA has a problem. The node's log tells more ."
    )
