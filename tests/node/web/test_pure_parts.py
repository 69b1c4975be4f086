"""The small decisions: tokens, log-in brake, destinations, JQL, footer."""

from time import process_time

import pytest

from node.releases import find_release
from node.search_index import Query
from node.web.build_info import footer
from node.web.jql import parse
from node.web.logins import FREE_FAILURES, LONGEST_WAIT_S, REMEMBERED_NAMES, LogInBook
from node.web.redirects import DASHBOARD, local_destination, log_in_address
from node.web.sign_in import parse_basic
from node.web.tokens import RememberMe, derive_xsrf_token, parse_remember_me, same_token


def test_the_remember_me_cookie_is_read_as_it_was_written() -> None:
    remembered = RememberMe(12, "ab" * 24)

    assert str(remembered) == "12:" + "ab" * 24
    assert parse_remember_me(str(remembered)) == remembered


@pytest.mark.parametrize(
    "text", ["", ":", "a:b", "-1:" + "ab" * 24, "1:" + "AB" * 24, " 1:" + "ab" * 24, "1:" + "ab" * 24 + "\n"]
)
def test_anything_else_is_no_remember_me_cookie(text: str) -> None:
    assert parse_remember_me(text) is None


def test_a_derived_xsrf_token_depends_on_secret_token_and_user_only() -> None:
    token = derive_xsrf_token("secret", 1, "user1")

    assert token == derive_xsrf_token("secret", 1, "user1")
    assert (
        len(
            {
                token,
                *(
                    derive_xsrf_token(*other)
                    for other in (("s", 1, "user1"), ("secret", 2, "user1"), ("secret", 1, "u"))
                ),
            }
        )
        == 4
    )


def test_tokens_are_compared_whatever_they_are() -> None:
    assert same_token("abc", "abc")
    assert not same_token("abd", "abc")
    assert not same_token("é\ud800", "abc")


def test_the_wait_doubles_with_each_failure_up_to_a_limit() -> None:
    book, waits = LogInBook(), []
    for attempt in range(FREE_FAILURES + 9):
        book.failed("user1", now=float(attempt), wall_ms=0)
        waits.append(book.wait_s("user1", now=float(attempt)))

    assert waits[: FREE_FAILURES - 1] == [0.0] * (FREE_FAILURES - 1)
    assert waits[FREE_FAILURES - 1 : FREE_FAILURES + 3] == [1.0, 2.0, 4.0, 8.0]
    assert waits[-1] == LONGEST_WAIT_S


def test_a_long_run_of_blanks_takes_a_search_no_time() -> None:
    began_s = process_time()
    found = parse("x" + " " * 20_000 + "y").text

    assert (found, process_time() - began_s < 0.5) == ("x", True)


def test_a_search_is_cut_and_its_blanks_collapsed() -> None:
    assert parse('summary ~ "a  \t b"   AND  project = zdu') == Query("a b", "ZDU")
    assert parse("x " * 400).text == " ".join("x" * 128)[:255]


def test_the_wait_is_over_when_its_time_has_passed_and_forgotten_after_success() -> None:
    book = LogInBook()
    for _ in range(FREE_FAILURES):
        book.failed(" User1", now=10.0, wall_ms=5)

    assert book.wait_s("user1", now=10.5) == 0.5
    assert book.wait_s("user1", now=11.0) == 0.0
    record = book.succeeded("user1", wall_ms=9)
    assert (record.failures, record.logins, record.last_failure_ms, record.last_login_ms) == (0, 1, 5, 9)
    assert book.succeeded("user1", wall_ms=12).previous_login_ms == 9


def test_the_book_does_not_grow_without_end() -> None:
    book = LogInBook()
    book.failed("first", now=0.0, wall_ms=0)
    for number in range(REMEMBERED_NAMES):
        book.failed(f"name{number}", now=0.0, wall_ms=0)

    assert book.record("first").failures == 0
    assert book.record("name0").failures == 1


@pytest.mark.parametrize(
    "path", ["/", "/browse/ZDU-1", "/issues/?jql=a%20b&startIndex=20", "/browse/ZDU-1#comment-2"]
)
def test_own_paths_are_kept_as_destinations(path: str) -> None:
    assert local_destination(path) == path


def test_a_destination_with_other_letters_is_fit_for_a_header() -> None:
    assert local_destination("/issues/?jql=größe") == "/issues/?jql=gr%C3%B6%C3%9Fe"


@pytest.mark.parametrize("path", ["//evil", "///evil", "/\\evil", "http://evil", "/a\x7fb", "/a b", "", "browse"])
def test_anything_else_leads_to_the_dashboard(path: str) -> None:
    assert local_destination(path) == DASHBOARD


def test_the_log_in_address_carries_the_destination_as_one_value() -> None:
    assert log_in_address("/issues/?a=b&c=d") == "/login.jsp?os_destination=%2Fissues%2F%3Fa%3Db%26c%3Dd"


@pytest.mark.parametrize(
    ("jql", "query"),
    [
        ("project = ZDU", Query(project="ZDU")),
        ('status = "In Progress"', Query(status="In Progress")),
        ("STATUS=done AND project = zdu AND text ~ fire", Query("fire", "ZDU", "done")),
        ('status = "unfinished', Query('status = "unfinished')),
    ],
)
def test_jql_names_a_project_and_a_status(jql: str, query: Query) -> None:
    assert parse(jql) == query


@pytest.mark.parametrize(
    ("jql", "text"),
    [
        ("", ""),
        ("  words of mine ", "words of mine"),
        ("ORDER BY created DESC", ""),
        ("project = ZDU ORDER BY key", ""),
        ('project="ZDU" and summary ~ "two words" order by created', "two words"),
        ("text ~ word", "word"),
        ('summary ~ ""', ""),
        ("assignee = me", "assignee = me"),
        ("a\x00b", "a b"),
        ("x" * 300, "x" * 255),
    ],
)
def test_jql_is_read_as_far_as_it_is_understood(jql: str, text: str) -> None:
    assert parse(jql).text == text


def test_the_footer_splits_at_its_colons_as_load_tools_expect() -> None:
    text = footer(find_release("7.3.2"), "node2")

    assert text.startswith("(v7.3.2#73013-sha1:")
    assert text.strip("()").split(":")[2] == "node2"


def test_basic_authentication_keeps_colons_of_the_password() -> None:
    assert parse_basic("Basic YTpiOmM=") == ("a", "b:c")
    assert parse_basic("Bearer x") is None
    assert parse_basic("") is None
