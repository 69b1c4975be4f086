"""What a good answer of a system that is not ours is, and what the command line may say of it."""

import pytest

from simulator.certify.cli import command_line
from simulator.certify.target import Target, hidden_fields, pairs, parse_url
from simulator.load.judge import Expected
from zdu.errors import UsageError

PLAIN = Target("http://127.0.0.1:1", "/", text="Welcome")
WITH_LOGIN = Target("http://127.0.0.1:1", "/home", login="/login", form={"user": "u{n}"})


@pytest.mark.parametrize(
    ("status", "headers", "body", "outcome"),
    [
        (200, {}, "<h1>Welcome</h1>", "ok"),
        (200, {}, "Somebody else's page", "wrong_content"),
        (502, {}, "Bad Gateway", "http_502"),
        (404, {}, "", "http_404"),
        (302, {"Location": "/elsewhere"}, "", "http_302"),
        (401, {}, "", "login_page"),
    ],
)
def test_an_answer_is_good_if_it_is_2xx_and_has_the_text(
    status: int, headers: dict[str, str], body: str, outcome: str
) -> None:
    assert PLAIN.judge(status, headers, body, Expected()).outcome == outcome


@pytest.mark.parametrize("location", ["/login", "/login?back=/home", "http://127.0.0.1:1/login"])
def test_who_is_sent_to_the_log_in_page_has_lost_the_session(location: str) -> None:
    assert WITH_LOGIN.judge(302, {"Location": location}, "", Expected()).outcome == "login_page"


def test_a_log_in_that_leads_back_to_the_form_was_refused() -> None:
    sent = Expected(page="login", text="accepted")
    assert WITH_LOGIN.judge(302, {"Location": "/home"}, "", sent).outcome == "ok"
    assert WITH_LOGIN.judge(302, {"Location": "/login?error"}, "", sent).outcome == "not_logged_in"
    assert WITH_LOGIN.judge(403, {}, "", sent).outcome == "not_logged_in"


def test_the_form_has_its_hidden_fields_and_the_visitors_number() -> None:
    page = '<form><input type="hidden" name="csrf" value="t&amp;1"><input name="user"></form>'
    assert WITH_LOGIN.form_of(7, hidden_fields(page)) == {"csrf": "t&1", "user": "u7"}


def test_a_node_is_known_by_header_or_cookie_and_otherwise_not() -> None:
    assert Target("", node_header="X-Node").node_of(200, {"X-Node": "a"}, {}) == "a"
    assert Target("", node_cookie="ROUTEID").node_of(200, {}, {"ROUTEID": ".a"}) == ".a"
    assert Target("", node_cookie="ROUTEID").node_of(502, {}, {"ROUTEID": ".a"}) == ""  # the balancer's own answer
    assert Target("").node_of(200, {"X-Node": "a"}, {"ROUTEID": ".a"}) == "the system"


def test_a_url_is_taken_apart() -> None:
    assert parse_url("http://127.0.0.1:80/x?y=1", allow_remote=False) == ("http://127.0.0.1:80", "/x?y=1")
    assert parse_url("https://jira.example.com", allow_remote=True) == ("https://jira.example.com", "/")


@pytest.mark.parametrize("url", ["jira", "ftp://127.0.0.1/", "http://jira.example.com/", "http:///x"])
def test_what_is_no_url_or_another_machine_is_refused(url: str) -> None:
    with pytest.raises(UsageError):
        parse_url(url, allow_remote=False)


def test_a_form_field_without_a_value_is_told() -> None:
    with pytest.raises(UsageError, match="--form: expected NAME=VALUE, not 'user'"):
        pairs(("user",), "--form", "=")


def test_the_command_is_kept_without_its_secrets() -> None:
    words = [
        "certify",
        "--form",
        "password=s=e",
        "--header=Authorization: Bearer x",
        "--header",
        "Cookie: a=b",
        "--",
        "./up",
    ]
    assert (
        command_line(words)
        == "zdu certify --form 'password=…' '--header=Authorization=…' --header 'Cookie:…' -- ./up"
    )
