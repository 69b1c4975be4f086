from collections.abc import Iterator
from itertools import count

import pytest

from node.web.sessions import Session, SessionStore


@pytest.fixture
def tokens() -> Iterator[str]:
    return (f"token{number}" for number in count(1))


@pytest.fixture
def store(tokens: Iterator[str]) -> SessionStore:
    return SessionStore(idle_timeout_s=100.0, new_token=lambda: next(tokens), limit=3)


def _open(store: SessionStore, now: float = 0.0, **more: int | str) -> Session:
    return store.open(username="user1", now=now, **more)  # type: ignore[arg-type]  # the test's business


def test_a_session_is_found_by_its_token_only(store: SessionStore) -> None:
    session = _open(store)

    assert store.find(session.token, 1.0) == session
    assert store.find("other", 1.0) is None
    assert store.find("", 1.0) is None


def test_use_keeps_a_session_and_idleness_ends_it(store: SessionStore) -> None:
    session = _open(store)

    assert store.find(session.token, 100.0)
    assert store.find(session.token, 200.0)
    assert store.find(session.token, 300.1) is None
    assert store.count() == 0


def test_an_idle_session_is_forgotten_also_when_nobody_asks_for_it(store: SessionStore) -> None:
    _open(store)
    _open(store, now=150.0)

    assert store.count() == 1


def test_beyond_the_limit_the_session_unused_for_longest_goes(store: SessionStore) -> None:
    first, second, third = (_open(store, now=float(moment)) for moment in range(3))
    store.find(first.token, 3.0)
    _open(store, now=4.0)

    assert store.count() == 3
    assert store.find(first.token, 5.0)
    assert store.find(second.token, 5.0) is None
    assert store.find(third.token, 5.0)


def test_a_closed_session_is_gone_and_closing_it_again_does_no_harm(store: SessionStore) -> None:
    session = _open(store)
    store.close(session.token)
    store.close(session.token)

    assert store.find(session.token, 0.0) is None


def test_a_plain_session_has_an_xsrf_token_of_its_own_and_a_remembered_one_the_given(store: SessionStore) -> None:
    plain, remembered = _open(store), _open(store, xsrf_token="derived", remember_me_id=7)

    assert plain.xsrf_token not in {plain.token, "", remembered.xsrf_token}
    assert (remembered.xsrf_token, remembered.remember_me_id) == ("derived", 7)


def test_the_digest_tells_sessions_apart_and_not_what_they_are(store: SessionStore) -> None:
    one, two = _open(store), _open(store)

    assert one.digest != two.digest
    assert one.token not in one.digest
