"""What is held against a roll: a breach that has to come, and an operator in a hurry. Each spoilt in one thing."""

from dataclasses import replace

import pytest

from simulator.verdict import Check, Verdict, reach_verdict
from tests.support.evidence import NEW, OLD, evidence, good_events
from zdu.events import CanaryJudged, Event, FinalisedEarly, RollBreached, RunAborted, RunEnded, RunInterrupted

BREACH = "the roll was breached as it had to be"
EARLY = "finalising too early was refused"
BAD = f"{NEW}+leaks-5xx"
TOLD = "'rate of errors < 2%': 0 of 200 failed; 200 samples of at least 50"
WORDS = "Upgrade tasks can only be run in READY_TO_RUN_UPGRADE_TASKS, when all nodes have been upgraded."


def judged(*more: tuple[float, Event], breaches: tuple[str, ...] = (), without: type[Event] | None = None) -> Verdict:
    kept = [(at_s, event) for at_s, event in good_events() if without is None or not isinstance(event, without)]
    return reach_verdict(replace(evidence([*kept, *more]), breaches=breaches))


def check(verdict: Verdict, name: str) -> Check:
    (found,) = [one for one in verdict.checks if one.name == name]
    return found


def test_a_breach_that_came_is_told_with_its_reason_and_its_time() -> None:
    found = check(judged((6.0, RollBreached("node1", BAD, "3 of 50 failed", "rollback")), breaches=(BAD,)), BREACH)

    assert (found.word, found.detail) == ("pass", f"the roll to {BAD} was breached at 6.00 s: 3 of 50 failed")


def test_a_breach_that_did_not_come_fails_the_run_with_what_was_measured() -> None:
    verdict = judged((6.0, CanaryJudged(["node1"], NEW, "pass", TOLD)), breaches=(NEW,))

    assert verdict.word == "fail"
    assert check(verdict, BREACH).detail == f"nothing broke the roll to {NEW}; {TOLD}"
    assert "the roll was not breached although it had to be" in verdict.sentence


def test_the_breach_of_another_roll_is_none_of_this_one() -> None:
    verdict = judged((6.0, RollBreached("node1", NEW, "it died", "rollback")), breaches=(NEW, BAD))

    assert check(verdict, BREACH).word == "fail"
    assert f"the roll to {BAD}" in check(verdict, BREACH).detail


def test_with_too_few_samples_nobody_knows_and_that_the_story_ended_there_decides_nothing() -> None:
    few = "'rate of errors < 2%': 0 of 9 failed; 9 samples of at least 50"
    ended = RunAborted("after 41 s the roll still waited until node1 has served enough users", undecided=True)
    verdict = judged((6.0, CanaryJudged(["node1"], NEW, "inconclusive", few)), (9.0, ended), breaches=(NEW,))

    assert verdict.word == "inconclusive"
    assert check(verdict, BREACH).word == "inconclusive"
    assert check(verdict, BREACH).detail == f"too few have used node1 with {NEW}: {few}"
    assert check(verdict, "the story was played to its end").word == "inconclusive"


def test_a_story_that_broke_for_another_reason_fails_however_little_the_canary_was_used() -> None:
    canary = CanaryJudged(["node1"], NEW, "inconclusive", "")
    verdict = judged((6.0, canary), (9.0, RunAborted("node2 died")), breaches=(NEW,))

    assert verdict.word == "fail"
    assert check(verdict, "the story was played to its end").word == "fail"


@pytest.mark.parametrize(("more", "without"), [([(9.0, RunInterrupted("SIGINT"))], None), ([], RunEnded)])
def test_of_a_run_that_was_cut_short_before_it_nobody_knows(
    more: list[tuple[float, Event]], without: type[Event] | None
) -> None:
    assert check(judged(*more, breaches=(NEW,), without=without), BREACH).word == "inconclusive"


def test_without_a_breach_that_has_to_come_and_without_haste_nothing_is_said() -> None:
    names = {one.name for one in judged((6.0, RollBreached("node1", NEW, "late", "pause"))).checks}

    assert names.isdisjoint({BREACH, EARLY})


def hurried(status: int, answer: str = WORDS, at_s: float = 7.5) -> tuple[float, Event]:
    return at_s + 0.1, FinalisedEarly("node1", ["node2"], at_s, status, answer)


def test_an_operator_in_a_hurry_who_was_refused_harmed_nobody_and_is_told_of() -> None:
    verdict = judged(hurried(409))

    assert (verdict.word, check(verdict, EARLY).word) == ("pass", "pass")
    assert check(verdict, EARLY).detail == (
        f'node1, asked at 7.50 s while {OLD} ran on node2, answered 409: "{WORDS}"'
    )
    assert verdict.sentence.endswith("The operator tried to finalise too early once, and Jira refused.")


def test_a_cluster_that_let_it_happen_has_broken_a_promise() -> None:
    verdict = judged(hurried(200, ""))

    assert verdict.word == "fail"
    assert check(verdict, EARLY).detail == f"node1, asked at 7.50 s while {OLD} ran on node2, did it"


@pytest.mark.parametrize(("status", "said"), [(0, "answered nothing: timeout"), (500, "answered 500: timeout")])
def test_an_answer_that_says_neither_decides_nothing(status: int, said: str) -> None:
    verdict = judged(hurried(status, "timeout"))

    assert verdict.word == "inconclusive"
    assert said in check(verdict, EARLY).detail


def test_upgrade_tasks_that_ran_between_two_refusals_are_a_broken_promise() -> None:
    verdict = judged(hurried(409, at_s=7.5), hurried(409, at_s=13.5))

    assert check(verdict, EARLY).word == "fail"
    assert "the upgrade tasks ran at 13.00 s" in check(verdict, EARLY).detail
