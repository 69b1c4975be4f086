"""The benchmark of the load generator asks for honesty: what was not sent has to be told."""

import pytest

from bench.common.errors import BenchError
from bench.load.__main__ import Round, round_of


def one(sent: int, on_time: int, said: str) -> Round:
    return Round(1500, 1000, sent, on_time, 5.0, 20.0, said)


@pytest.mark.parametrize(
    ("measured", "honest"),
    [
        (one(1000, 1000, "pass"), True),
        (one(999, 999, "pass"), False),
        (one(999, 999, "inconclusive"), True),
        (one(1000, 900, "pass"), False),
        (one(1000, 900, "inconclusive"), True),
        (one(1000, 1000, "inconclusive"), False),
    ],
)
def test_a_verdict_that_hides_what_was_not_sent_is_found(measured: Round, honest: bool) -> None:
    assert measured.honest is honest


def test_a_run_that_never_came_to_its_end_is_no_round() -> None:
    with pytest.raises(BenchError, match="did not come to its end"):
        round_of(100, {"load": {"arrivals": None}, "requests": {}, "checks": []})
