import asyncio

import pytest

from node.web.logins import FREE_FAILURES
from node.web.sign_in import Denied, check_password
from tests.support.web_node import Browser, WebNode

DASHBOARD = "/secure/Dashboard.jspa"
HOURS = 3600.0


async def test_a_log_in_leads_to_the_dashboard_with_cookies_that_scripts_and_other_sites_cannot_use(
    stranger: Browser,
) -> None:
    answer = await stranger.log_in("user1")

    assert (answer.status, answer.location) == (302, DASHBOARD)
    cookies = answer.headers.getall("Set-Cookie")  # type: ignore[attr-defined]  # a multi-dict in truth
    assert {cookie.partition("=")[0] for cookie in cookies} == {"JSESSIONID", "atlassian.xsrf.token"}
    assert all("HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie for cookie in cookies)
    assert not any("Max-Age" in cookie for cookie in cookies), "they end with the browser"
    assert (await stranger.get(DASHBOARD)).status == 200


async def test_a_log_in_leads_to_the_page_that_was_wanted(stranger: Browser) -> None:
    sent_away = await stranger.get("/issues/?jql=a%26b&startIndex=0")
    assert sent_away.location == "/login.jsp?os_destination=%2Fissues%2F%3Fjql%3Da%2526b%26startIndex%3D0"

    form = await stranger.get(sent_away.location)
    assert 'name="os_destination" value="/issues/?jql=a%26b&amp;startIndex=0"' in form.text
    back = await stranger.post(
        "/login.jsp",
        {"os_username": "user1", "os_password": "user1", "os_destination": "/issues/?jql=a%26b&startIndex=0"},
    )
    assert back.location == "/issues/?jql=a%26b&startIndex=0"


@pytest.mark.parametrize(
    "destination",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "javascript:alert(1)",
        "evil",
        "/login.jsp",
        "/login.jsp?os_destination=/login.jsp",
        "/%0d%0aSet-Cookie:x=y\r\nX: y",
        "",
        "/" + "x" * 3000,
    ],
)
async def test_a_log_in_never_leads_to_another_site(stranger: Browser, destination: str) -> None:
    form = {"os_username": "user1", "os_password": "user1", "os_destination": destination}
    answer = await stranger.post("/login.jsp", form)

    assert (answer.status, answer.location) == (302, DASHBOARD)
    again = await stranger.get("/login.jsp", params={"os_destination": destination})
    assert (again.status, again.location) == (302, DASHBOARD), "not for those who are signed in either"


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("user1", "wrong"),
        ("nobody", "nobody"),
        ("", ""),
        ("user1", ""),
        ("a\x00", "a"),
        ("x" * 300, "x"),
        ("user1", "x" * 2000),
    ],
)
async def test_a_wrong_log_in_is_a_401_that_does_not_tell_what_was_wrong(
    stranger: Browser, username: str, password: str
) -> None:
    answer = await stranger.post("/login.jsp", {"os_username": username, "os_password": password})

    assert (answer.status, answer.page) == (401, "login")
    assert "Sorry, your username and password are incorrect - please try again." in answer.text
    assert answer.headers["X-Seraph-LoginReason"] == "AUTHENTICATED_FAILED"
    assert "Set-Cookie" not in answer.headers


async def test_names_are_the_same_in_any_case(stranger: Browser) -> None:
    await stranger.post("/login.jsp", {"os_username": "USER1", "os_password": "user1"})

    assert (await stranger.get(DASHBOARD)).headers["X-AUSERNAME"] == "user1"


async def test_a_session_ends_when_it_was_idle_for_too_long(node: WebNode, user: Browser) -> None:
    node.clock.advance(4.9 * HOURS)
    assert (await user.get(DASHBOARD)).status == 200
    node.clock.advance(4.9 * HOURS)
    assert (await user.get(DASHBOARD)).status == 200, "used meanwhile"
    node.clock.advance(5.1 * HOURS)
    assert (await user.get(DASHBOARD)).status == 302
    assert node.context.sessions.count() == 0


async def test_f16_a_plain_session_is_worth_nothing_on_another_node(other_node: WebNode, user: Browser) -> None:
    moved = await user.at(other_node).get(DASHBOARD)

    assert (moved.status, moved.location) == (302, "/login.jsp?os_destination=%2Fsecure%2FDashboard.jspa")


async def test_a_remembered_user_is_signed_in_silently_on_another_node(
    node: WebNode, other_node: WebNode, stranger: Browser
) -> None:
    logged_in = await stranger.log_in("user1", remember=True)
    there = stranger.at(other_node)

    first, second = await there.get(DASHBOARD), await there.get(DASHBOARD)

    remember_me = next(c for c in logged_in.headers.getall("Set-Cookie") if c.startswith("seraph"))  # type: ignore[attr-defined]  # a multi-dict
    assert f"Max-Age={14 * 24 * 3600}" in remember_me
    assert (first.status, first.headers["X-Zdu-Signed-In"], first.headers["X-ANODEID"]) == (
        200,
        "remember-me",
        "node2",
    )
    assert "JSESSIONID" in first.cookies
    assert (second.status, "X-Zdu-Signed-In" in second.headers) == (200, False)
    assert other_node.context.sessions.count() == 1


async def test_a_form_of_a_remembered_user_survives_the_move_to_another_node(
    other_node: WebNode, stranger: Browser
) -> None:
    await stranger.log_in("user1", remember=True)
    token = await stranger.xsrf_token()

    written = await stranger.at(other_node).post(
        "/secure/CreateIssue.jspa", {"atl_token": token, "summary": "Begun on node 1"}
    )

    assert (written.status, written.location) == (302, "/browse/ZDU-3")


async def test_f17_a_form_of_a_plain_session_is_refused_on_another_node_even_after_signing_in_there(
    other_node: WebNode, user: Browser
) -> None:
    form = {"atl_token": await user.xsrf_token(), "summary": "Begun on node 1"}
    there = user.at(other_node)

    assert (await there.post("/secure/CreateIssue.jspa", form)).location.startswith("/login.jsp")
    await there.log_in("user1")
    refused = await there.post("/secure/CreateIssue.jspa", form)

    assert (refused.status, refused.page) == (403, "error")
    assert "XSRF Security Token Missing" in refused.text


async def test_a_form_of_one_remembered_user_is_not_accepted_from_another(node: WebNode, stranger: Browser) -> None:
    await stranger.log_in("user1", remember=True)
    token = await stranger.xsrf_token()
    victim = Browser(node)
    await victim.log_in("user2", remember=True)

    refused = await victim.post("/secure/CreateIssue.jspa", {"atl_token": token, "summary": "x"})

    assert refused.status == 403


@pytest.mark.parametrize(
    "value", ["", "x", "1:", "1:zz", "0:" + "a" * 48, "1:" + "a" * 48, "99999999999999999999:" + "a" * 48]
)
async def test_a_forged_remember_me_cookie_signs_nobody_in_and_is_taken_away(stranger: Browser, value: str) -> None:
    answer = await stranger.get(DASHBOARD, headers={"Cookie": f"seraph.rememberme.cookie={value}"})

    assert answer.status == 302
    if value:
        assert answer.cookies["seraph.rememberme.cookie"]["max-age"] == "0"


async def test_the_database_does_not_know_the_remember_me_token(node: WebNode, stranger: Browser) -> None:
    await stranger.log_in("user1", remember=True)
    number, _, token = stranger.cookie("seraph.rememberme.cookie").partition(":")

    assert await node.database.remember_me.find(int(number), token) is None, "only its hash"


async def test_a_log_out_ends_session_and_remember_me_everywhere(
    node: WebNode, other_node: WebNode, stranger: Browser
) -> None:
    await stranger.log_in("user1", remember=True)
    stolen = stranger.cookie("seraph.rememberme.cookie")

    answer = await stranger.submit("/secure/Logout.jspa")

    assert (answer.status, answer.location) == (302, "/login.jsp?logout=true")
    assert "You are now logged out." in (await stranger.get(answer.location)).text
    assert node.context.sessions.count() == 0
    assert stranger.cookie("JSESSIONID") == ""
    later = await Browser(other_node).get(DASHBOARD, headers={"Cookie": f"seraph.rememberme.cookie={stolen}"})
    assert later.status == 302


async def test_a_log_in_never_goes_on_with_the_session_that_was_there_before(node: WebNode, user: Browser) -> None:
    before = user.cookie("JSESSIONID")
    await user.log_in("user2")

    assert user.cookie("JSESSIONID") != before
    assert node.context.sessions.count() == 1


async def test_a_session_token_from_outside_is_not_adopted(stranger: Browser) -> None:
    answer = await stranger.get("/login.jsp", headers={"Cookie": "JSESSIONID=" + "a" * 48})
    await stranger.log_in("user1")

    assert answer.status == 200
    assert stranger.cookie("JSESSIONID") != "a" * 48


async def test_guessing_passwords_has_to_wait_longer_and_longer(node: WebNode, stranger: Browser) -> None:
    wrong = {"os_username": "user1", "os_password": "wrong"}
    for _ in range(5):
        assert (await stranger.post("/login.jsp", wrong)).status == 401

    refused = await stranger.log_in("user1")
    assert (refused.status, refused.page) == (403, "login"), "even with the right password"
    assert refused.headers["X-Seraph-LoginReason"] == "AUTHENTICATION_DENIED"
    assert "Please wait 1 s" in refused.text or "Please wait 2 s" in refused.text
    assert (await Browser(node).log_in("user2")).status == 302, "others are not concerned"

    node.clock.advance(1.0)
    assert (await stranger.log_in("user1")).status == 302
    assert (await stranger.post("/login.jsp", wrong)).status == 401, "forgiven"


async def test_guesses_made_at_the_same_time_are_held_up_as_well(node: WebNode) -> None:
    outcomes = await asyncio.gather(*(check_password(node.context, "user1", f"wrong{n}") for n in range(20)))

    waits = [outcome.wait_s for outcome in outcomes if isinstance(outcome, Denied)]
    assert (len(waits), waits.count(0.0)) == (20, FREE_FAILURES)


async def test_a_log_in_form_from_another_site_is_refused(stranger: Browser) -> None:
    form = {"os_username": "user1", "os_password": "user1"}
    answer = await stranger.post("/login.jsp", form, headers={"Origin": "https://evil.example"})

    assert (answer.status, stranger.cookie("JSESSIONID")) == (403, "")


async def test_basic_authentication_is_for_programs_only(stranger: Browser) -> None:
    header = {"Authorization": "Basic YWRtaW46YWRtaW4="}  # admin:admin

    rest = await stranger.get("/rest/api/2/serverInfo", headers=header)
    page = await stranger.get(DASHBOARD, headers=header)

    assert (rest.status, rest.headers["X-AUSERNAME"]) == (200, "admin")
    assert "Set-Cookie" not in rest.headers
    assert page.status == 302


@pytest.mark.parametrize(
    "value", ["Basic !!!", "Basic YWRtaW46d3Jvbmc=", "Basic", "Basic /////w==", "Basic \u00e9", "basic YWRtaW4="]
)
async def test_wrong_basic_authentication_is_a_401(stranger: Browser, value: str) -> None:
    answer = await stranger.get("/rest/api/2/serverInfo", headers={"Authorization": value})

    assert answer.status == 401
    assert "Basic" not in answer.headers["WWW-Authenticate"], "or browsers would ask with a dialog"
