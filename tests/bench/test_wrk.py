"""What is read from wrk."""

import pytest

from bench.common.errors import BenchError
from bench.wrk import SCRIPT, parse_wrk

OUTPUT = """\
Running 2s test @ http://127.0.0.1:20000/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.20ms  344.00us   9.00ms   80.00%
  25000 requests in 2.00s, 30.00MB read

RESULT {"requests": 25000, "duration_us": 2000000, "connect": 0, "read": 0, "write": 0, "status": 0, "timeout": 0, \
"p50_us": 1200, "p99_us": 4500}
"""


def test_requests_time_and_latency_are_read() -> None:
    found = parse_wrk(OUTPUT)
    assert (found.requests, found.seconds, found.p50_ms, found.p99_ms) == (25000, 2.0, 1.2, 4.5)
    assert found.valid


@pytest.mark.parametrize("kind", ["connect", "read", "write", "status", "timeout"])
def test_a_single_error_of_any_kind_makes_a_round_invalid(kind: str) -> None:
    found = parse_wrk(OUTPUT.replace(f'"{kind}": 0', f'"{kind}": 1'))
    assert found.errors == {kind: 1}
    assert not found.valid


def test_a_round_without_an_answer_is_invalid() -> None:
    assert not parse_wrk(OUTPUT.replace('"requests": 25000', '"requests": 0')).valid


def test_output_without_a_result_is_shown() -> None:
    with pytest.raises(BenchError, match="unable to connect"):
        parse_wrk("unable to connect to 127.0.0.1:1 Connection refused\n")


def test_the_script_prints_what_is_read_here() -> None:
    script = SCRIPT.read_text(encoding="utf-8")
    keys = ("requests", "duration_us", "connect", "read", "write", "status", "timeout", "p50_us", "p99_us")
    assert all(f'"{key}": %d' in script for key in keys)
