import pytest

from lb.retry import GIVE_UP, Again, Failure, GiveUp, after_failure

METHODS = ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "POST", "PATCH", "BREW"]


def decide(failure: Failure, method: str = "GET", **changes: object) -> Again | GiveUp:
    facts: dict[str, object] = {"redispatches": 0, "retries": 3, "repeated": False, "replayable": True}
    return after_failure(failure, method, **{**facts, **changes})  # type: ignore[arg-type]  # typed by the function


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("failure", [Failure.REFUSED, Failure.CONNECT_TIMEOUT])
def test_a_request_that_was_never_sent_goes_to_another_node_whatever_its_method(
    failure: Failure, method: str
) -> None:
    assert decide(failure, method) is Again.ANOTHER_NODE


def test_no_request_is_dispatched_more_often_than_retries_says() -> None:
    assert decide(Failure.REFUSED, redispatches=2) is Again.ANOTHER_NODE
    assert decide(Failure.REFUSED, redispatches=3) == GiveUp(502, "connection_refused")
    assert decide(Failure.CONNECT_TIMEOUT, retries=0) == GiveUp(504, "connection_timeout")


@pytest.mark.parametrize("method", METHODS)
def test_a_request_lost_on_a_reused_connection_is_repeated_only_if_idempotent(method: str) -> None:
    expected = GiveUp(502, "connection_terminated") if method in {"POST", "PATCH", "BREW"} else Again.FRESH_CONNECTION
    assert decide(Failure.CLOSED_REUSED, method) == expected


def test_a_request_is_repeated_once_at_most() -> None:
    assert decide(Failure.CLOSED_REUSED, repeated=True) == GiveUp(502, "connection_terminated")


@pytest.mark.parametrize("failure", list(Failure))
def test_a_body_that_is_gone_cannot_be_sent_again(failure: Failure) -> None:
    assert decide(failure, "PUT", replayable=False) == GIVE_UP[failure]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("failure", [Failure.CLOSED_FRESH, Failure.BAD_RESPONSE, Failure.NO_RESPONSE])
def test_what_a_node_may_have_executed_is_never_repeated_behind_the_clients_back(
    failure: Failure, method: str
) -> None:
    assert decide(failure, method) == GIVE_UP[failure]


def test_every_failure_has_its_status_502_or_504() -> None:
    assert set(GIVE_UP) == set(Failure)
    assert {give_up.status for give_up in GIVE_UP.values()} == {502, 504}
