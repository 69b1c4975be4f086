"""Several people at one browser: whoever signs in or out leaves nothing of the one before in force."""

from tests.support.web_node import Browser, WebNode

DASHBOARD = "/secure/Dashboard.jspa"
REMEMBER_ME = "seraph.rememberme.cookie"
NO_CHECK = {"X-Atlassian-Token": "no-check"}


async def who_is(cookie: str, node: WebNode) -> str:
    """Whom a remember-me token signs in, on that node."""
    answer = await Browser(node).get(DASHBOARD, headers={"Cookie": f"{REMEMBER_ME}={cookie}"})
    return answer.headers.get("X-AUSERNAME", "nobody")


async def test_after_another_user_signed_in_a_move_does_not_bring_the_first_one_back(
    other_node: WebNode, stranger: Browser
) -> None:
    await stranger.log_in("admin", remember=True)
    admins = stranger.cookie(REMEMBER_ME)

    await stranger.log_in("user1")

    moved = await stranger.at(other_node).get(DASHBOARD)
    assert (moved.status, moved.headers.get("X-AUSERNAME")) == (302, None)
    assert stranger.cookie(REMEMBER_ME) == ""
    assert await who_is(admins, other_node) == "nobody"


async def test_another_user_who_is_remembered_replaces_the_first_one(other_node: WebNode, stranger: Browser) -> None:
    await stranger.log_in("admin", remember=True)
    admins = stranger.cookie(REMEMBER_ME)

    answer = await stranger.log_in("user1", remember=True)

    set_now = [c.partition("=")[0] for c in answer.headers.getall("Set-Cookie")]  # type: ignore[attr-defined]  # a multi-dict
    assert sorted(set_now) == sorted(set(set_now)), "one cookie of each name"
    assert await who_is(admins, other_node) == "nobody"
    assert await who_is(stranger.cookie(REMEMBER_ME), other_node) == "user1"


async def test_signing_in_where_another_user_is_only_remembered_ends_that_too(
    node: WebNode, other_node: WebNode, stranger: Browser
) -> None:
    await stranger.log_in("admin", remember=True)
    admins = stranger.cookie(REMEMBER_ME)
    there = stranger.at(other_node)

    await there.log_in("user1")

    assert (await there.get(DASHBOARD)).headers["X-AUSERNAME"] == "user1"
    assert other_node.context.sessions.count() == 1
    assert await who_is(admins, node) == "nobody"


async def test_a_program_that_signs_in_by_its_password_ends_the_session_it_presents(
    node: WebNode, user: Browser
) -> None:
    header = {"Authorization": "Basic YWRtaW46YWRtaW4="}  # admin:admin

    await user.post("/rest/auth/1/session", json={"username": "admin", "password": "admin"}, headers=header)

    assert (await user.get(DASHBOARD)).headers["X-AUSERNAME"] == "admin"
    assert node.context.sessions.count() == 1


async def test_a_log_out_ends_a_remember_me_token_that_the_session_was_not_opened_with(
    other_node: WebNode, node: WebNode
) -> None:
    remembered, plain = Browser(node), Browser(node)
    await remembered.log_in("user1", remember=True)
    await plain.log_in("user1")
    token = remembered.cookie(REMEMBER_ME)
    both = {"Cookie": f"JSESSIONID={plain.cookie('JSESSIONID')}; {REMEMBER_ME}={token}"}

    answer = await Browser(node).request("DELETE", "/rest/auth/1/session", headers={**both, **NO_CHECK})

    assert answer.status == 204
    assert await who_is(token, other_node) == "nobody"


async def test_a_log_out_with_a_forged_token_leaves_the_real_one_alone(
    other_node: WebNode, stranger: Browser, user: Browser
) -> None:
    await stranger.log_in("admin", remember=True)
    number = stranger.cookie(REMEMBER_ME).partition(":")[0]
    forged = {"Cookie": f"JSESSIONID={user.cookie('JSESSIONID')}; {REMEMBER_ME}={number}:{'ab' * 24}"}

    answer = await Browser(user.node).request("DELETE", "/rest/auth/1/session", headers={**forged, **NO_CHECK})

    assert answer.status == 204
    assert await who_is(stranger.cookie(REMEMBER_ME), other_node) == "admin"
