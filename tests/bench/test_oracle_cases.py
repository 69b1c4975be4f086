"""The cases are sound, and judged as they say."""

from dataclasses import replace

import pytest

from bench.oracle import cases as case_library
from bench.oracle import vectors as vector_library
from bench.oracle.backend import BEHAVIOURS
from bench.oracle.case import Case, Read, Seen, Send, Vector, VectorSeen, Verdict, differences, vector_right
from bench.oracle.report import case_table, complaints, score_table, vector_table

CASES = [case for family in case_library.FAMILIES.values() for case in family]
VECTORS = [vector for family in vector_library.FAMILIES.values() for vector in family]
CASE = Case("refused", (Send(b"GET / HTTP/1.1\r\n\r\n"), Read()), ("200 b",), executions={"a": 1, "b": 1})
SEEN = Seen(
    "200 b", closed=False, executions={"a": 1, "b": 1}, heads=[b"GET / HTTP/1.1\r\nX-A: 1\r\n"], notes=[], seconds=0.1
)
VECTOR = Vector("no Host", b"GET / HTTP/1.1\r\n\r\n", Verdict.REJECT, "9112 3.2")


def test_there_are_enough_of_them_and_none_has_the_name_of_another() -> None:
    assert len(CASES) >= 50
    assert len(VECTORS) >= 60
    assert sum(vector.verdict is not Verdict.ACCEPT for vector in VECTORS) >= 40
    assert len({case.name for case in CASES}) == len(CASES)
    assert len({vector.name for vector in VECTORS}) == len(VECTORS)


def test_every_misbehaviour_that_is_asked_for_exists_and_every_one_that_exists_is_asked_for() -> None:
    sent = b"".join(step.data for case in CASES for step in case.steps if isinstance(step, Send))
    asked = {line.partition(b": ")[2].decode() for line in sent.split(b"\r\n") if line.startswith(b"X-Behave: ")}
    assert asked == set(BEHAVIOURS) - {""}


def test_every_request_says_which_case_it_belongs_to() -> None:
    for case in CASES:
        first = next((step.data for step in case.steps if isinstance(step, Send)), b"")
        assert b"X-Case: {id}" in first or case.executions == {}, case.name
    assert all(b"{id}" in vector.raw for vector in VECTORS)


def test_what_is_wanted_is_not_complained_of() -> None:
    assert differences(CASE, SEEN) == []


@pytest.mark.parametrize(
    ("case", "seen", "word"),
    [
        (CASE, replace(SEEN, client="502"), "'502'"),
        (CASE, replace(SEEN, executions={"a": 2, "b": 0}), "a executed 2"),
        (replace(CASE, closed=True), SEEN, "left open"),
        (replace(CASE, closed=False), replace(SEEN, closed=True), "closed"),
        (replace(CASE, hidden=("x-a",)), SEEN, "'x-a' reached"),
        (replace(CASE, shown=("x-b",)), SEEN, "'x-b' did not reach"),
        (replace(CASE, note="it left"), SEEN, "did not notice: it left"),
        (replace(CASE, within_s=1), replace(SEEN, seconds=2), "2.0 s"),
    ],
)
def test_every_kind_of_difference_is_found(case: Case, seen: Seen, word: str) -> None:
    (found,) = differences(case, seen)
    assert word in found


def test_a_request_is_refused_only_if_nothing_reached_a_node_and_the_client_was_told() -> None:
    assert vector_right(VECTOR, VectorSeen("400", 0), strict=False)
    assert vector_right(VECTOR, VectorSeen("closed", 0), strict=False)
    assert not vector_right(VECTOR, VectorSeen("silent", 0), strict=False)
    assert not vector_right(VECTOR, VectorSeen("400", 1), strict=False)


def test_what_rfcs_leave_open_is_wrong_of_ours_only_and_two_requests_of_one_always_are() -> None:
    either = replace(VECTOR, verdict=Verdict.EITHER)
    assert vector_right(either, VectorSeen("200", 1), strict=False)
    assert not vector_right(either, VectorSeen("200", 1), strict=True)
    assert not vector_right(either, VectorSeen("200+200", 2), strict=False)
    accept = replace(VECTOR, verdict=Verdict.ACCEPT)
    assert vector_right(accept, VectorSeen("200", 1), strict=True)
    assert not vector_right(accept, VectorSeen("200+200", 2), strict=True)
    assert not vector_right(accept, VectorSeen("400", 0), strict=True)


def test_tables_mark_what_differs_and_what_a_product_cannot_do() -> None:
    outcomes = {
        "ours": {"refused": SEEN},
        "other": {"refused": replace(SEEN, client="502", seconds=2.04)},
        "third": {},
    }
    row = case_table([CASE], outcomes).splitlines()[2]
    assert "200 b [a×1 b×1] |" in row
    assert "502 2.0 s [a×1 b×1] ≠" in row
    assert "n/a" in row
    vectors = {name: {"no Host": VectorSeen("400", 0)} for name in outcomes}
    assert "400 – |" in vector_table([VECTOR], vectors, "ours")
    scores = score_table([CASE], outcomes, [VECTOR], vectors, "ours").splitlines()
    assert "1 of 1" in scores[2]
    assert "0 of 1" in scores[3]
    assert "0 of 0" in scores[4]


def test_complaints_name_the_case_and_the_request() -> None:
    found = complaints([CASE], {"refused": replace(SEEN, client="502")}, [VECTOR], {"no Host": VectorSeen("200", 1)})
    assert [line.partition(":")[0] for line in found] == ["refused", "no Host"]
