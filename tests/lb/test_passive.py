"""When users' requests take a node out, and that they never take out too many."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lb.config import HealthConfig, PassiveConfig
from lb.health import CheckResult, NodeHealth, Operational, Outcome
from lb.passive import Passive
from lb.retry import Failure

LIMIT = 3


def passive(**settings: object) -> Passive:
    return Passive(PassiveConfig.model_validate({"error_limit": LIMIT, **settings}))


def up(*names: str) -> dict[str, NodeHealth]:
    nodes = {name: NodeHealth(HealthConfig()) for name in names}
    for health in nodes.values():
        health.observe(CheckResult(Outcome.PASS, "L7OK"), 0.0)
    return nodes


@pytest.mark.parametrize("status", [500, 502, 503, 504, 506, 599])
def test_a_run_of_server_errors_is_enough_and_no_sooner_than_the_limit(status: int) -> None:
    one = passive()
    assert [one.answered("a", status) for _ in range(LIMIT)] == [
        None,
        None,
        f"3 failed requests in a row, the last one: status {status}",
    ]


@pytest.mark.parametrize("status", [101, 200, 304, 400, 401, 404, 429, 499, 501, 505])
def test_answers_that_haproxy_calls_valid_count_as_well_done(status: int) -> None:
    one = passive()
    for _ in range(LIMIT - 1):
        one.answered("a", 500)
    assert [one.answered("a", status) for _ in range(10)] == [None] * 10
    assert one.answered("a", 500) is None, "the count begins anew"


COUNTED = [
    Failure.CONNECT_TIMEOUT,
    Failure.CLOSED_FRESH,
    Failure.BAD_RESPONSE,
    Failure.NO_RESPONSE,
    Failure.UNAVAILABLE,
]


@pytest.mark.parametrize("failure", COUNTED)
def test_a_run_of_failures_is_enough(failure: Failure) -> None:
    one = passive()
    assert [bool(one.failed("a", failure)) for _ in range(LIMIT)] == [False, False, True]


def test_failures_and_server_errors_are_one_run() -> None:
    one = passive()
    one.failed("a", Failure.NO_RESPONSE)
    one.answered("a", 500)
    assert one.failed("a", Failure.CLOSED_FRESH) == "3 failed requests in a row, the last one: closed-fresh"


@pytest.mark.parametrize("failure", [Failure.CLOSED_REUSED, Failure.NOT_SENT])
def test_an_idle_connection_that_the_node_closed_is_no_error(failure: Failure) -> None:
    one = passive()
    assert [one.failed("a", failure) for _ in range(100)] == [None] * 100


def test_every_failure_is_either_counted_or_harmless_or_enough() -> None:
    assert set(COUNTED) | {Failure.CLOSED_REUSED, Failure.NOT_SENT, Failure.REFUSED} == set(Failure)


def test_one_refused_connection_is_enough_or_counts_like_the_others() -> None:
    assert passive().failed("a", Failure.REFUSED) == "a user's connection was refused"
    one = passive(refused_counts=False)
    assert [bool(one.failed("a", Failure.REFUSED)) for _ in range(LIMIT)] == [False, False, True]


def test_the_errors_of_one_node_say_nothing_about_another() -> None:
    one = passive()
    for _ in range(LIMIT - 1):
        one.answered("a", 500)
        one.answered("b", 200)
    assert one.answered("b", 500) is None
    assert one.answered("a", 500) is not None


def test_with_passive_checks_off_nothing_is_ever_said() -> None:
    one = passive(enabled=False)
    assert [one.answered("a", 500) for _ in range(20)] == [None] * 20
    assert [one.failed("a", Failure.REFUSED) for _ in range(20)] == [None] * 20


@pytest.mark.parametrize(
    ("nodes", "max_ejected", "out"),
    [
        (1, 1.0, 0),
        (2, 0.5, 1),
        (2, 1.0, 1),
        (2, 0.4, 0),
        (3, 0.5, 1),
        (3, 0.0, 0),
        (3, 1.0, 2),
        (4, 0.5, 2),
        (100, 0.29, 29),
    ],
)
def test_no_more_than_the_share_is_ejected_and_never_the_last_one(nodes: int, max_ejected: float, out: int) -> None:
    one = passive(max_ejected=max_ejected)
    health = up(*(f"n{number}" for number in range(nodes)))
    for name in health:
        serving = [other for other in health if health[other].state is Operational.UP]
        if one.may_eject(name, health, serving):
            health[name].eject("broken")
    assert sum(node.ejected for node in health.values()) == out


def test_a_node_without_another_that_takes_new_sessions_is_kept() -> None:
    one = passive(max_ejected=1.0)
    health = up("a", "b", "c")
    assert not one.may_eject("a", health, ["a"])
    assert not one.may_eject("a", health, [])
    assert one.may_eject("a", health, ["b"])


def test_a_node_that_is_down_for_its_checks_leaves_the_cap_to_others() -> None:
    one = passive(max_ejected=0.5)
    health = up("a", "b", "c")
    health["a"].eject("broken")
    assert not one.may_eject("b", health, ["b", "c"])
    health["a"].observe(CheckResult(Outcome.FAIL, "L4CON"), 1.0)
    assert one.may_eject("b", health, ["b", "c"])


def test_a_node_kept_in_by_a_cap_is_asked_about_again_with_its_next_error() -> None:
    one = passive()
    health = up("a", "b")
    for _ in range(LIMIT):
        reason = one.answered("a", 500)
    assert reason is not None
    assert not one.may_eject("a", health, ["a"])
    assert one.answered("a", 500) == "4 failed requests in a row, the last one: status 500"
    assert one.may_eject("a", health, ["a", "b"])
    assert one.answered("a", 500) is None, "once ejected it begins anew"


def test_a_node_that_is_forgotten_begins_anew() -> None:
    one = passive()
    for _ in range(LIMIT - 1):
        one.answered("a", 500)
    one.forget("a")
    one.forget("unknown")
    assert one.answered("a", 500) is None


@given(
    seed=st.integers(0, 2**32),
    nodes=st.integers(1, 6),
    max_ejected=st.sampled_from([0.0, 0.3, 0.5, 0.75, 1.0]),
)
def test_whatever_happens_passive_checks_alone_leave_somebody_who_serves(
    seed: int, nodes: int, max_ejected: float
) -> None:
    rng = random.Random(seed)
    one = passive(max_ejected=max_ejected)
    health = up(*(f"n{number}" for number in range(nodes)))
    for _ in range(300):
        name, reason = rng.choice(list(health)), None
        if rng.random() < 0.1:
            health[name].observe(CheckResult(Outcome.PASS, "L7OK"), 1.0)
        elif rng.random() < 0.5:
            reason = one.failed(name, rng.choice(list(Failure)))
        else:
            reason = one.answered(name, rng.choice([200, 500, 503]))
        if reason is not None:
            serving = [other for other in health if health[other].state is Operational.UP]
            if one.may_eject(name, health, serving):
                health[name].eject(reason)
        assert any(node.state is Operational.UP for node in health.values())
        assert sum(node.ejected for node in health.values()) <= max_ejected * nodes
