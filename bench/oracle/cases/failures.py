"""Nodes that refuse, reset, close or stay silent: who gets another try, and what is executed how often."""

from bench.oracle.case import A_REFUSES, ALL_REFUSE, Case, Read
from bench.oracle.cases.requests import get, post, request

CASES = (
    Case("refused, GET", (get(), Read()), ("200 b",), A_REFUSES, within_s=1.5, why="nothing was sent"),
    Case("refused, POST", (post(), Read()), ("200 b",), A_REFUSES, within_s=1.5, why="nothing was sent"),
    Case(
        "refused, four GETs in a row",
        tuple(step for nth in range(1, 5) for step in (get(nth=nth), Read())),
        ("200 b, 200 b, 200 b, 200 b",),
        A_REFUSES,
        within_s=2,
        wait_s=10,
    ),
    Case("all refuse, GET", (get(), Read()), ("503 Retry-After",), ALL_REFUSE, wait_s=8),
    Case("closes without a byte, GET", (get(behave="close"), Read()), ("200 b",), executions={"a": 2, "b": 1},
         why="a kept-alive connection is tried again on a fresh one, before another node is"),
    Case("closes without a byte, PUT", (request("PUT", behave="close", body=b"x"), Read()), ("200 b",),
         executions={"a": 1, "b": 1}),
    Case("closes without a byte, PUT of 200 KB",
         (request("PUT", behave="close", body=b"x" * 200_000), Read()), ("502",), executions={"a": 1},
         why="more than is kept for another try"),
    Case("closes without a byte, POST", (post(behave="close"), Read()), ("502",), executions={"a": 1},
         why="RFC 9110 9.2.2"),
    Case("the same with Idempotency-Key", (post("Idempotency-Key: k1", behave="close"), Read()), ("502",),
         executions={"a": 1}, why="nobody said that the nodes honour it"),
    Case("resets, GET", (get(behave="reset"), Read()), ("200 b",), executions={"a": 1, "b": 1}),
    Case("resets, POST", (post(behave="reset"), Read()), ("502",), executions={"a": 1}),
    Case("reused connection closes, GET", (get(), Read(), get(behave="close-if-reused", nth=2), Read()),
         ("200 a, 200 a", "200 a, 200 b"), executions={"a": 2, "b": 1}),
    Case("reused connection closes, POST", (get(), Read(), post(behave="close-if-reused", nth=2), Read()),
         ("200 a, 502", "200 a, closed", "200 a, 200 a"), executions={"a": 2}),
    Case("never answers, GET", (get(behave="never"), Read()), ("504",), executions={"a": 1}, wait_s=8),
    Case("never answers, POST", (post(behave="never"), Read()), ("504",), executions={"a": 1}, wait_s=8),
    Case("says 503 with Retry-After", (get(behave="503"), Read()), ("503 a",), closed=False, executions={"a": 1}),
)  # fmt: skip
