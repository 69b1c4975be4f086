"""What an administrator's DRAIN and MAINT do to users with and without a session."""

from bench.oracle.case import A_DRAINS, A_MAINT, ALL_DRAIN, ALL_MAINT, Case, Read
from bench.oracle.cases.requests import get, request

NEW = (request(cookie=""), Read())

CASES = (
    Case("a drains, session bound to it", (get(), Read()), ("200 a",), A_DRAINS),
    Case("a drains, new session", NEW, ("200 b",), A_DRAINS),
    Case("all drain, bound session", (get(), Read()), ("200 a",), ALL_DRAIN),
    Case("all drain, new session", NEW, ("200 a", "200 b"), ALL_DRAIN, why="an avoidable 503"),
    Case("a in MAINT, session bound to it", (get(), Read()), ("200 b",), A_MAINT),
    Case("all in MAINT", NEW, ("503 Retry-After",), ALL_MAINT, wait_s=8),
)
