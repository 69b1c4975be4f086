"""Thirty complaints of users of load balancers, TC01 to TC30: each one is tested here, or named below."""

import re
from pathlib import Path

import pytest

CANNOT_APPLY: dict[str, str] = {}
"""Why a case has no test of its own."""

ONLY_IN_PART = {
    "TC17": "there is one pool of nodes and no routing by version, so a retry has no wrong pool to go to; what is "
    "tested is that it stays among the nodes that take new sessions",
    "TC21": "there is no budget for each path: requests in flight outlive every drain, and only the load balancer's "
    "own end can cut one off",
    "TC14": "30 % of the checks fail and never `fall` of them in a row; a node with more than that is down, as told",
}
"""What of a case's remedy is not there, although the case is tested."""

TESTED = {
    case.upper()
    for file in Path(__file__).parent.glob("test_*.py")
    for case in re.findall(r"^async def test_(tc\d\d)_\w+\(", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
}


@pytest.mark.parametrize("case", [f"TC{number:02}" for number in range(1, 31)])
def test_a_case_is_tested_or_named_with_its_reason(case: str) -> None:
    assert (case in TESTED) != (case in CANNOT_APPLY)


def test_what_is_said_of_a_case_is_said_of_one_that_is_there() -> None:
    assert set(ONLY_IN_PART) <= TESTED
    assert all(len(reason) > 20 for reason in (CANNOT_APPLY | ONLY_IN_PART).values())
