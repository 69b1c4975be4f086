"""The verdict on a system that is not ours: what its command's end means, and what was wrong before it began."""

from typing import Any

import pytest

from simulator.scenario.expectations import Expectations
from simulator.verdict.certified import command_ended_well, well_before
from simulator.verdict.model import Evidence
from tests.support.evidence import request
from zdu.events import CommandEnded, Envelope, Event, RunInterrupted


def evidence(*events: Event, requests: list[Any] | None = None) -> Evidence:
    envelopes = [Envelope(number, 9.0, 0, event) for number, event in enumerate(events, start=1)]
    facts = {"command": ["./up"], "url": "http://127.0.0.1:1"}
    return Evidence(envelopes, requests or [], Expectations(), (), (), "", "", certified=facts)


@pytest.mark.parametrize(("returncode", "word"), [(0, "pass"), (3, "fail")])
def test_a_command_that_says_it_failed_has_failed(returncode: int, word: str) -> None:
    [check] = command_ended_well(evidence(CommandEnded(["./up"], returncode, 2.0)))
    assert check.word == word


def test_a_command_that_never_ended_or_was_interrupted_breaks_no_promise() -> None:
    assert list(command_ended_well(evidence())) == []
    assert list(command_ended_well(evidence(RunInterrupted("SIGTERM"), CommandEnded(["./up"], -15, 2.0)))) == []


def test_what_failed_before_the_command_began_proves_nothing_about_it() -> None:
    ended = CommandEnded(["./up"], 0, 2.0)
    [check] = well_before(evidence(ended, requests=[request(1, 1.0, outcome="http_502")]))
    assert check.word == "inconclusive"
    [check] = well_before(evidence(ended, requests=[request(1, 1.0)]))
    assert check.word == "pass"
