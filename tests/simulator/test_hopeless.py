"""``--fail-fast`` stops a run for what can never come right again, and for nothing else."""

import pytest

from simulator.hopeless import lost_objective
from simulator.scenario.expectations import Expectations
from tests.support.evidence import evidence, good_requests, request


@pytest.mark.parametrize(
    ("sentence", "hopeless"),
    [
        ("requests lost <= 1", True),
        ("requests lost <= 2", False),
        ("requests lost <= 0.1%", False),  # more good ones may come
        ("p99 < 1ms", False),
        ("no requests lost during upgrade", True),
        ("no requests lost after upgrade", False),
    ],
)
def test_only_what_is_counted_and_can_but_grow_is_given_up(sentence: str, hopeless: bool) -> None:
    lost = [request(900 + number, 5.0, outcome="timeout", node="") for number in range(2)]
    allowed = () if sentence.startswith("requests lost") else ("requests lost <= 9",)
    told = lost_objective(
        evidence(requests=[*good_requests(), *lost], expect=Expectations(objectives=(*allowed, sentence)))
    )
    assert bool(told) is hopeless
    assert not told or told.startswith(f"{sentence!r} can no longer be met (2 of ")


def test_what_holds_without_being_said_is_looked_at_too() -> None:
    assert lost_objective(evidence()) == ""
    lost = request(900, 5.0, outcome="timeout", node="")
    assert lost_objective(evidence(requests=[*good_requests(), lost])).startswith("'no request failed' can no longer")
