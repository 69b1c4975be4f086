"""What the sentences of ``expect`` can be about: each quantity with its words, its units and its meaning."""

from dataclasses import dataclass
from enum import StrEnum


class Unit(StrEnum):
    """What a limit is given in."""

    COUNT = "a whole number"
    SHARE = "a percentage such as 0.1%"
    DURATION = "a duration such as 800ms"


@dataclass(frozen=True)
class Quantity:
    """Something that can be measured, by the words for it; the first is its name.

    ``none`` are the words after ``no`` that forbid it. ``more_is_better`` turns the comparison round.
    """

    words: tuple[str, ...]
    none: tuple[str, ...]
    units: tuple[Unit, ...]
    meaning: str
    more_is_better: bool = False
    takes_of: bool = False
    takes_scope: bool = False

    @property
    def name(self) -> str:
        """How it is called."""
        return self.words[0]


_COUNTED = (Unit.COUNT, Unit.SHARE)
REQUESTS_LOST = Quantity(
    ("requests lost", "failed requests"),
    (
        *("requests lost", "request lost", "request is lost", "request was lost"),
        *("requests failed", "request failed", "request fails"),
    ),
    _COUNTED,
    "Requests of users and probes that people would have noticed: no answer, half of one, an error, a wrong page.",
    takes_of=True,
    takes_scope=True,
)
ERROR_RATE = Quantity(
    ("rate of errors", "error rate"),
    (),
    (Unit.SHARE,),
    "The same as a share of all requests.",
    takes_of=True,
    takes_scope=True,
)
SESSIONS_LOST = Quantity(
    ("sessions lost",),
    ("sessions lost", "session lost", "session is lost", "session was lost"),
    _COUNTED,
    "Signed-in users who met the log-in page.",
)
SESSIONS_KEPT = Quantity(
    ("sessions kept",),
    (),
    (Unit.SHARE,),
    "The share of the sessions that did not.",
    more_is_better=True,
)
WORK_LOST = Quantity(
    ("unsaved work lost", "work lost"),
    ("unsaved work lost", "work lost", "unsaved work is lost", "work is lost"),
    (Unit.COUNT,),
    "Forms refused after logging in again, and half-done bulk edits that were gone.",
)
SILENT_SIGN_INS = Quantity(
    ("silent sign-ins",),
    ("silent sign-ins", "silent sign-in"),
    (Unit.COUNT,),
    "How often remember-me signed somebody in again, unseen.",
)
REQUESTS_RETRIED = Quantity(
    ("requests retried",),
    ("requests retried", "request retried", "request is retried"),
    _COUNTED,
    "Requests that the load balancer dispatched more than once.",
    takes_of=True,
    takes_scope=True,
)
PERCENTILE = Quantity(
    ("p50, p90, p95, p99, p99.9 … or max",),
    (),
    (Unit.DURATION,),
    "Latency of the users' requests, from the intended send time; one that failed counts as slower than any limit.",
    takes_of=True,
    takes_scope=True,
)
LONGEST_OUTAGE = Quantity(
    ("longest outage",),
    ("outage",),
    (Unit.DURATION,),
    "The longest stretch of bad probes, of either kind.",
    takes_scope=True,
)
TOTAL_OUTAGE = Quantity(
    ("total outage",), (), (Unit.DURATION,), "All such stretches together, of the worse kind.", takes_scope=True
)
LONGEST_ABSENCE = Quantity(
    ("longest absence",), (), (Unit.DURATION,), "The longest time for which the load balancer had a node out."
)
LB_LAG = Quantity(
    ("lb lag",),
    (),
    (Unit.DURATION,),
    "The longest time after a node had said that it was leaving at which a request still reached it.",
)
SEARCH_DELAY = Quantity(
    ("search delay",),
    (),
    (Unit.DURATION,),
    "How old the oldest change was that a search did not show.",
)
CLUSTER_IS = Quantity(
    ("cluster is STATE within",),
    (),
    (Unit.DURATION,),
    "How long after the upgrade was started (or, with `of STATE`, after that state) the cluster came into this one.",
)

QUANTITIES = (
    *(REQUESTS_LOST, ERROR_RATE, SESSIONS_LOST, SESSIONS_KEPT, WORK_LOST, SILENT_SIGN_INS, REQUESTS_RETRIED),
    *(PERCENTILE, LONGEST_OUTAGE, TOTAL_OUTAGE, LONGEST_ABSENCE, LB_LAG, SEARCH_DELAY, CLUSTER_IS),
)
"""In the order in which the reference explains them."""
