"""Retries that never lie: the whole table, and the budget under storms."""

import bisect
import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lb.config import RetryConfig
from lb.retry import GIVE_UP, NEVER_SEEN, Again, Failure, GiveUp, RetryBudget, after_failure

METHODS = [b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE", b"POST", b"PATCH", b"CONNECT", b"BREW", b"get"]
OTHERS = {b"POST", b"PATCH", b"CONNECT", b"BREW", b"get"}


def decide(
    failure: Failure, method: bytes = b"GET", earlier: tuple[str, ...] = (), **changes: object
) -> Again | GiveUp:
    facts: dict[str, object] = {
        "retries": 3,
        "keyed": False,
        "responding": False,
        "replayable": True,
        "remaining_s": 10.0,
        "may_retry": lambda: True,
    }
    return after_failure(failure, method, earlier, **{**facts, **changes})  # type: ignore[arg-type]  # its own arguments


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("failure", "if_idempotent", "otherwise"),
    [
        ("REFUSED", Again.ANOTHER_NODE, Again.ANOTHER_NODE),
        ("CONNECT_TIMEOUT", Again.ANOTHER_NODE, Again.ANOTHER_NODE),
        ("NOT_SENT", Again.ANOTHER_NODE, Again.ANOTHER_NODE),
        ("CLOSED_REUSED", Again.FRESH_CONNECTION, GiveUp(502, "connection_terminated")),
        ("CLOSED_FRESH", Again.ANOTHER_NODE, GiveUp(502, "connection_terminated")),
        ("UNAVAILABLE", Again.ANOTHER_NODE, GiveUp(503, "destination_unavailable")),
        ("BAD_RESPONSE", GiveUp(502, "http_protocol_error"), GiveUp(502, "http_protocol_error")),
        ("NO_RESPONSE", GiveUp(504, "http_response_timeout"), GiveUp(504, "http_response_timeout")),
    ],
)
def test_what_follows_a_failure_depends_on_what_the_node_can_have_seen(
    failure: str, if_idempotent: Again | GiveUp, otherwise: Again | GiveUp, method: bytes
) -> None:
    assert decide(Failure[failure], method) == (otherwise if method in OTHERS else if_idempotent)
    assert decide(Failure[failure], method, keyed=True) == if_idempotent


@pytest.mark.parametrize("failure", list(Failure))
def test_in_every_combination_a_request_goes_again_only_if_nothing_at_all_is_against_it(failure: Failure) -> None:
    tried = 0
    for method, keyed, responding, replayable, remaining_s, budget, earlier in itertools.product(
        (b"GET", b"POST"),
        (False, True),
        (False, True),
        (False, True),
        (-1.0, 0.0, 0.1),
        (False, True),
        [
            (),
            (Failure.REFUSED,),
            (Failure.CLOSED_REUSED,),
            (Failure.CLOSED_FRESH,),
            (Failure.CLOSED_REUSED, Failure.CLOSED_FRESH),
            (Failure.REFUSED, Failure.UNAVAILABLE, Failure.NOT_SENT),
        ],
    ):
        asked: list[bool] = []

        def may_retry(*, answer: bool = budget, asked: list[bool] = asked) -> bool:
            asked.append(answer)
            return answer

        got = decide(
            failure,
            method,
            tuple(earlier),
            keyed=keyed,
            responding=responding,
            replayable=replayable,
            remaining_s=remaining_s,
            may_retry=may_retry,
        )

        possible = replayable and not responding and remaining_s > 0 and len(earlier) < 3
        certainly_unseen = failure in {Failure.REFUSED, Failure.CONNECT_TIMEOUT, Failure.NOT_SENT}
        harmless = method == b"GET" or keyed
        repeats_itself = failure in {Failure.CLOSED_REUSED, Failure.CLOSED_FRESH} and failure in earlier
        answered = failure in {Failure.BAD_RESPONSE, Failure.NO_RESPONSE}
        asks = possible and harmless and not certainly_unseen and not repeats_itself and not answered
        assert asked == ([budget] if asks else []), "the budget is asked once, and only when all else is in favour"
        if (possible and certainly_unseen) or (asks and budget):
            same_node = failure is Failure.CLOSED_REUSED
            assert got is (Again.FRESH_CONNECTION if same_node else Again.ANOTHER_NODE)
        else:
            assert got == GIVE_UP[failure]
        tried += 1
    assert tried == 2 * 2 * 2 * 2 * 3 * 2 * 6


def test_no_request_is_dispatched_again_more_often_than_retries_says() -> None:
    refused = Failure.REFUSED
    assert decide(refused, earlier=(refused, refused)) is Again.ANOTHER_NODE
    assert decide(refused, earlier=(refused, refused, refused)) == GiveUp(502, "connection_refused")
    assert decide(Failure.CONNECT_TIMEOUT, retries=0) == GiveUp(504, "connection_timeout")
    assert decide(Failure.CLOSED_REUSED, retries=0) == GiveUp(502, "connection_terminated")


def test_a_node_that_dies_during_the_repeat_costs_an_idempotent_request_nothing() -> None:
    """The keep-alive race, and then the fresh connection is reset from the queue of a socket that closes."""
    assert decide(Failure.CLOSED_FRESH, earlier=(Failure.CLOSED_REUSED,)) is Again.ANOTHER_NODE


@given(
    failures=st.lists(st.sampled_from(list(Failure)), max_size=12),
    method=st.sampled_from(METHODS),
    retries=st.integers(0, 10),
)
def test_no_run_of_failures_sends_a_request_twice_that_a_node_may_execute_twice(
    failures: list[Failure], method: bytes, retries: int
) -> None:
    sent = 0
    earlier: list[str] = []
    for failure in failures:
        sent += failure not in NEVER_SEEN
        if isinstance(decide(failure, method, tuple(earlier), retries=retries), GiveUp):
            break
        earlier.append(failure)
    assert len(earlier) <= retries
    assert earlier.count(Failure.CLOSED_REUSED) <= 1
    assert earlier.count(Failure.CLOSED_FRESH) <= 1
    if method in OTHERS:
        assert sent <= 1


def test_every_failure_has_its_answer() -> None:
    assert set(GIVE_UP) == set(Failure)
    assert {failure: give_up.status for failure, give_up in GIVE_UP.items() if give_up.status != 502} == {
        Failure.CONNECT_TIMEOUT: 504,
        Failure.NO_RESPONSE: 504,
        Failure.UNAVAILABLE: 503,
    }


class TestBudget:
    def test_with_few_requests_there_are_so_many_a_second_over_ten_seconds(self) -> None:
        budget = RetryBudget(RetryConfig(budget=0.2, budget_min=3))
        assert [budget.may_retry(5.0) for _ in range(31)] == [True] * 30 + [False]

    def test_with_many_requests_there_is_a_share_of_them(self) -> None:
        budget = RetryBudget(RetryConfig(budget=0.2, budget_min=0))
        for number in range(1000):
            budget.counted(number / 1000)
        assert sum(budget.may_retry(1.0) for _ in range(1000)) == 200

    def test_it_is_full_again_when_what_was_spent_is_past(self) -> None:
        budget = RetryBudget(RetryConfig(budget=0, budget_min=1))
        assert sum(budget.may_retry(0.5) for _ in range(20)) == 10
        assert not budget.may_retry(10.4)
        assert sum(budget.may_retry(11.0) for _ in range(20)) == 10
        assert sum(budget.may_retry(1e9) for _ in range(20)) == 10

    def test_requests_of_long_ago_buy_nothing(self) -> None:
        budget = RetryBudget(RetryConfig(budget=0.5, budget_min=0))
        for _ in range(100):
            budget.counted(0.0)
        assert budget.may_retry(9.0)
        assert not budget.may_retry(12.0)

    def test_with_nothing_allowed_nothing_is_sent_again(self) -> None:
        budget = RetryBudget(RetryConfig(budget=0, budget_min=0))
        budget.counted(1.0)
        assert not budget.may_retry(1.0)

    @pytest.mark.parametrize("seed", range(5))
    def test_a_storm_of_failures_is_not_amplified(self, seed: int) -> None:
        """Every request fails and asks for all the retries it can get, at a rate that changes wildly."""
        rng = random.Random(seed)
        budget = RetryBudget(RetryConfig(budget=0.2, budget_min=3))
        now = 0.0
        requests: list[float] = []
        retries: list[float] = []
        for _ in range(20_000):
            now += rng.expovariate(rng.choice([2.0, 50.0, 500.0]))
            budget.counted(now)
            requests.append(now)
            retries += [now for _ in range(3) if budget.may_retry(now)]
        assert len(retries) > 1000
        for number, at in enumerate(retries):
            spent = number + 1 - bisect.bisect_right(retries, at - 10.0)
            asked = bisect.bisect_right(requests, at) - bisect.bisect_left(requests, at - 11.0)
            assert spent <= max(0.2 * asked, 30)
