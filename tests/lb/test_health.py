import itertools
import json
import random

import pytest

from lb.config import HealthConfig
from lb.health import TRANSITIONS, CheckResult, NodeHealth, Operational, Outcome, classify

CONFIG = HealthConfig(rise=2, fall=3)
PASS, FAIL, DRAIN, LEAVE = (
    CheckResult(outcome, "X") for outcome in (Outcome.PASS, Outcome.FAIL, Outcome.DRAIN, Outcome.LEAVE)
)


def health_in(state: Operational, config: HealthConfig = CONFIG) -> NodeHealth:
    """A node brought into ``state`` by check results alone."""
    ways = {
        Operational.INIT: [],
        Operational.UP: [PASS],
        Operational.GOING_DOWN: [PASS, FAIL],
        Operational.DOWN: [FAIL],
        Operational.GOING_UP: [FAIL, PASS],
        Operational.STOPPING: [PASS, DRAIN],
    }
    health = NodeHealth(config)
    for result in ways[state]:
        health.observe(result, 0.0)
    assert health.state is state
    return health


@pytest.mark.parametrize(
    ("state", "result", "expected"),
    [
        ("INIT", PASS, "UP"),
        ("INIT", FAIL, "DOWN"),
        ("INIT", DRAIN, "STOPPING"),
        ("UP", PASS, "UP"),
        ("UP", FAIL, "GOING_DOWN"),
        ("UP", DRAIN, "STOPPING"),
        ("GOING_DOWN", PASS, "UP"),
        ("GOING_DOWN", FAIL, "GOING_DOWN"),
        ("GOING_DOWN", DRAIN, "STOPPING"),
        ("DOWN", PASS, "GOING_UP"),
        ("DOWN", FAIL, "DOWN"),
        ("DOWN", DRAIN, "DOWN"),
        ("GOING_UP", PASS, "UP"),
        ("GOING_UP", FAIL, "DOWN"),
        ("GOING_UP", DRAIN, "DOWN"),
        ("STOPPING", PASS, "UP"),
        ("STOPPING", FAIL, "STOPPING"),
        ("STOPPING", DRAIN, "STOPPING"),
        *((state, LEAVE, "DOWN") for state in Operational),
    ],
)
def test_every_state_goes_where_the_table_says(state: str, result: CheckResult, expected: str) -> None:
    health = health_in(Operational(state))

    change = health.observe(result, 1.0)

    assert change is not None
    assert (change.before, change.after) == (state, expected)
    assert health.state == expected


def test_the_table_knows_every_pair_of_state_and_outcome() -> None:
    assert set(TRANSITIONS) == set(itertools.product(Operational, Outcome))


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("INIT", "INIT"),
        ("UP", "DOWN"),
        ("GOING_DOWN", "DOWN"),
        ("DOWN", "DOWN"),
        ("GOING_UP", "GOING_UP"),
        ("STOPPING", "DOWN"),
    ],
)
def test_users_requests_take_a_node_out_that_serves_and_change_nothing_about_another(
    state: str, expected: str
) -> None:
    health = health_in(Operational(state))
    counts = health.passes, health.fails

    change = health.eject("10 failed requests in a row")

    assert (change.before, change.after, change.reason) == (state, expected, "10 failed requests in a row")
    assert health.state == expected
    assert health.ejected == change.changed
    assert (health.passes, health.fails) == ((0, 0) if change.changed else counts)


def test_a_node_that_was_ejected_needs_rise_passes_and_is_no_longer_out_for_its_requests_then() -> None:
    health = health_in(Operational.UP, HealthConfig(rise=3))
    health.observe(PASS, 0.0)
    health.eject("refused")
    seen = []
    for _ in range(3):
        health.observe(PASS, 1.0)
        seen.append((health.state, health.ejected))
    assert seen == [("GOING_UP", True), ("GOING_UP", True), ("UP", False)]


@pytest.mark.parametrize("result", [FAIL, LEAVE])
def test_an_ejected_node_whose_checks_fail_too_is_out_for_its_checks_sake(result: CheckResult) -> None:
    health = health_in(Operational.UP)
    health.eject("refused")
    health.observe(result, 1.0)
    assert (health.state, health.ejected) == ("DOWN", False)


def test_whoever_checks_is_told_that_something_is_amiss() -> None:
    health = health_in(Operational.UP)
    told: list[str] = []
    health.hurry()
    health.on_hurry(lambda: told.append(health.state))
    health.hurry()
    health.eject("refused")
    assert told == ["UP", "DOWN"]


def test_a_node_that_was_down_is_not_served_by_saying_that_it_drains() -> None:
    health = health_in(Operational.DOWN)
    states = []
    for result in (DRAIN, PASS, DRAIN, PASS, PASS, DRAIN):
        health.observe(result, 0.0)
        states.append(health.state)
    assert states == ["DOWN", "GOING_UP", "DOWN", "GOING_UP", "UP", "STOPPING"]


@pytest.mark.parametrize("seed", range(10))
def test_a_node_stays_up_while_a_third_of_its_checks_get_lost_but_never_as_many_as_fall_in_a_row(seed: int) -> None:
    rng = random.Random(seed)
    health = health_in(Operational.UP)
    lost = in_a_row = 0
    for number in range(10_000):
        loses = rng.random() < 0.36 and in_a_row < 2
        in_a_row = in_a_row + 1 if loses else 0
        lost += loses
        health.observe(FAIL if loses else PASS, float(number))
        assert health.state in {Operational.UP, Operational.GOING_DOWN}
    assert lost > 3000


@pytest.mark.parametrize(("fall", "rate", "once_in"), [(3, 0.3, 52), (5, 0.3, 587), (3, 0.1, 1110)])
def test_checks_lost_without_any_order_take_a_well_node_down_as_seldom_as_is_said(
    fall: int, rate: float, once_in: int
) -> None:
    rng = random.Random(7)
    health = health_in(Operational.UP, HealthConfig(fall=fall, rise=1))
    falls = 0
    for number in range(200 * once_in):
        change = health.observe(FAIL if rng.random() < rate else PASS, float(number))
        if change is not None and change.changed and change.after is Operational.DOWN:
            falls += 1
            while health.state is not Operational.UP:
                health.observe(PASS, float(number))
    assert 160 < falls < 240


@pytest.mark.parametrize("state", [Operational.UP, Operational.STOPPING])
def test_a_node_is_down_after_fall_failures_in_a_row_and_not_before(state: Operational) -> None:
    health = health_in(state)

    states = [health.observe(FAIL, 0.0) for _ in range(3)]

    assert [change.after for change in states if change] == [
        Operational.GOING_DOWN if state is Operational.UP else state,
        Operational.GOING_DOWN if state is Operational.UP else state,
        Operational.DOWN,
    ]


def test_one_pass_in_between_makes_the_failures_start_over() -> None:
    health = health_in(Operational.UP)
    for result in (FAIL, FAIL, PASS, FAIL, FAIL):
        health.observe(result, 0.0)
    assert health.state is Operational.GOING_DOWN


def test_a_recovery_needs_rise_passes_in_a_row() -> None:
    health = health_in(Operational.DOWN, HealthConfig(rise=3))
    for result, expected in [
        (PASS, "GOING_UP"),
        (PASS, "GOING_UP"),
        (FAIL, "DOWN"),
        (PASS, "GOING_UP"),
        (PASS, "GOING_UP"),
        (PASS, "UP"),
    ]:
        health.observe(result, 0.0)
        assert health.state == expected


def test_with_fall_1_and_rise_1_there_is_nothing_in_between() -> None:
    health = health_in(Operational.UP, HealthConfig(rise=1, fall=1))
    health.observe(FAIL, 0.0)
    assert health.state is Operational.DOWN
    health.observe(PASS, 0.0)
    assert health.state is Operational.UP


def test_a_pass_by_a_new_process_after_stopping_is_a_recovery_and_needs_rise() -> None:
    health = NodeHealth(CONFIG)
    health.observe(CheckResult(Outcome.DRAIN, "L7OKC", boot_id="old", sequence=9), 0.0)

    change = health.observe(CheckResult(Outcome.PASS, "L7OK", boot_id="new", sequence=1), 1.0)

    assert change is not None
    assert change.rebooted
    assert health.state is Operational.GOING_UP


def test_a_node_that_said_it_takes_no_more_needs_rise_passes_to_be_up_again() -> None:
    health = health_in(Operational.UP)
    states = []
    for result in (LEAVE, FAIL, PASS, PASS):
        health.observe(result, 0.0)
        states.append(health.state)
    assert states == ["DOWN", "DOWN", "GOING_UP", "UP"]


def test_passes_of_two_processes_are_not_added_up() -> None:
    health = NodeHealth(CONFIG)
    health.observe(FAIL, 0.0)
    health.observe(CheckResult(Outcome.PASS, "L7OK", boot_id="old"), 1.0)
    health.observe(CheckResult(Outcome.PASS, "L7OK", boot_id="new"), 2.0)
    assert health.state is Operational.GOING_UP


def test_a_new_process_is_noticed_even_if_no_check_ever_failed() -> None:
    health = NodeHealth(CONFIG)
    health.observe(CheckResult(Outcome.PASS, "L7OK", boot_id="old"), 0.0)

    change = health.observe(CheckResult(Outcome.PASS, "L7OK", boot_id="new"), 1.0)

    assert change is not None
    assert change.rebooted
    assert not change.changed


def test_an_older_answer_of_the_same_process_never_overrules_a_newer_one() -> None:
    health = NodeHealth(CONFIG)
    health.observe(CheckResult(Outcome.DRAIN, "L7OKC", boot_id="b", sequence=7), 0.0)

    assert health.observe(CheckResult(Outcome.PASS, "L7OK", boot_id="b", sequence=6), 1.0) is None
    assert health.state is Operational.STOPPING
    assert health.observe(CheckResult(Outcome.PASS, "L7OK", boot_id="b", sequence=7), 1.0) is not None


def test_a_failure_without_an_answer_is_never_taken_for_an_old_one() -> None:
    health = NodeHealth(CONFIG)
    health.observe(CheckResult(Outcome.PASS, "L7OK", boot_id="b", sequence=7), 0.0)
    assert health.observe(FAIL, 1.0) is not None


@pytest.mark.parametrize(
    ("state", "seconds"),
    [("INIT", 1.0), ("UP", 2.0), ("GOING_DOWN", 1.0), ("DOWN", 5.0), ("GOING_UP", 1.0), ("STOPPING", 2.0)],
)
def test_checks_come_faster_in_transition_and_slower_when_down(state: str, seconds: float) -> None:
    config = HealthConfig(inter="2s", fastinter="1s", downinter="5s", jitter=0)
    assert health_in(Operational(state), config).next_check_in(random.Random(1)) == seconds


def test_intervals_spread_by_the_jitter_and_no_further() -> None:
    health = health_in(Operational.UP, HealthConfig(inter="10s", jitter=0.2))
    rng = random.Random(1)
    intervals = [health.next_check_in(rng) for _ in range(200)]
    assert 8.0 <= min(intervals) < 8.5
    assert 11.5 < max(intervals) <= 12.0


def body(**facts: object) -> bytes:
    return json.dumps(facts).encode()


@pytest.mark.parametrize(
    ("status", "content", "outcome", "check_status"),
    [
        (200, body(state="RUNNING"), "PASS", "L7OK"),
        (200, body(state="STARTING"), "FAIL", "L7RSP"),
        (200, body(state="STOPPING"), "LEAVE", "L7RSP"),
        (503, body(state="STOPPING"), "LEAVE", "L7STS"),
        (503, body(state="DRAINING"), "DRAIN", "L7OKC"),
        (503, body(state="MAINTENANCE"), "FAIL", "L7STS"),
        (503, body(state="RUNNING"), "FAIL", "L7STS"),
        (500, body(state="ERROR"), "FAIL", "L7STS"),
        (204, b"", "FAIL", "L7STS"),
        (200, b"", "FAIL", "L7RSP"),
        (200, b"<html>RUNNING</html>", "FAIL", "L7RSP"),
        (200, b'"RUNNING"', "FAIL", "L7RSP"),
        (200, b'{"state": ["RUNNING"]}', "FAIL", "L7RSP"),
        (200, b"\xff\xfe", "FAIL", "L7RSP"),
        (200, b"[" * 100_000, "FAIL", "L7RSP"),
    ],
)
def test_a_check_passes_only_with_status_200_and_the_expected_state(
    status: int, content: bytes, outcome: str, check_status: str
) -> None:
    result = classify(status, content, CONFIG)
    assert (result.outcome, result.check_status, result.code) == (outcome, check_status, status)


@pytest.mark.parametrize("words", [{"stopping_states": ["RUNNING"]}, {"drain_states": ["STOPPING"]}])
def test_one_word_cannot_mean_two_things(words: dict[str, list[str]]) -> None:
    with pytest.raises(ValueError, match=r"must not share a word; shared here: (RUNNING|STOPPING)"):
        HealthConfig.model_validate(words)


def test_without_drain_the_nodes_wish_is_just_a_failed_check() -> None:
    assert classify(503, body(state="DRAINING"), CONFIG, heed_drain=False).outcome is Outcome.FAIL
    assert classify(200, body(state="STOPPING"), CONFIG, heed_drain=False).outcome is Outcome.FAIL


def test_with_no_expected_state_status_200_will_do() -> None:
    plain = HealthConfig(expect_state="")
    assert classify(200, b"hello", plain).outcome is Outcome.PASS
    assert classify(404, b"hello", plain).outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("status", "content", "outcome", "check_status"),
    [
        (204, b"", "FAIL", "L7RSP"),
        (204, b"pool: 7 free", "PASS", "L7OK"),
        (204, b"pool: none free", "FAIL", "L7RSP"),
        (200, b"pool: 7 free", "FAIL", "L7STS"),
        (204, b"\xff pool: 12 free \xfe", "PASS", "L7OK"),
    ],
)
def test_another_status_and_a_pattern_in_the_body_can_be_expected(
    status: int, content: bytes, outcome: str, check_status: str
) -> None:
    config = HealthConfig(expect_state="", expect_status=204, expect_body=r"pool: \d+ free")
    result = classify(status, content, config)
    assert (result.outcome, result.check_status) == (outcome, check_status)


def test_state_and_pattern_are_both_asked_for_and_a_stopping_node_needs_no_pattern_to_be_believed() -> None:
    config = HealthConfig(expect_body="indexes: ok")
    assert classify(200, body(state="RUNNING"), config).detail == "the body does not match indexes: ok"
    assert classify(200, body(state="RUNNING", note="indexes: ok"), config).outcome is Outcome.PASS
    assert classify(200, body(state="STOPPING"), config).outcome is Outcome.LEAVE
    assert classify(200, body(state="DRAINING"), config).outcome is Outcome.DRAIN


def test_a_pattern_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="not a regular expression"):
        HealthConfig(expect_body="(")


def test_boot_id_and_sequence_are_read_and_odd_ones_ignored() -> None:
    told = classify(200, body(state="RUNNING", bootId="b1", sequence=12), CONFIG)
    odd = classify(200, body(state="RUNNING", bootId=5, sequence="x"), CONFIG)
    assert (told.boot_id, told.sequence) == ("b1", 12)
    assert (odd.boot_id, odd.sequence) == ("", -1)


def test_servers_that_do_not_tell_their_state_ask_for_a_drain_by_a_status() -> None:
    plain = CONFIG.model_copy(update={"expect_state": "", "drain_status": 503, "drain_body": "leav(e|ing)"})
    asks = classify(503, b"leaving", plain)
    assert (asks.outcome, asks.check_status) == (Outcome.DRAIN, "L7OKC")
    assert classify(503, b"broken", plain).outcome is Outcome.FAIL
    assert classify(200, b"leaving", plain).outcome is Outcome.PASS
    assert classify(503, b"leaving", plain, heed_drain=False).outcome is Outcome.FAIL
    assert classify(503, b"", CONFIG).outcome is Outcome.FAIL, "unless it is said so"


def test_what_a_good_answer_has_cannot_ask_for_a_drain_by_its_status_alone() -> None:
    with pytest.raises(ValueError, match="drain_status 200 is what a good answer has: say drain_body, too"):
        HealthConfig(drain_status=200)
    assert HealthConfig(drain_status=200, drain_body="leaving").drain_status == 200
