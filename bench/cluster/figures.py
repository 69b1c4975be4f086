"""What is made of the samples: how late heartbeats are, and what a process takes of the memory. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

LOCK_TROUBLE = ("database is locked", "held the write lock", "holds the lock", "stood in each other")
"""How SQLite, and the product on either database (``shared_db.translate``), tell of a lock waited for in vain."""


@dataclass(frozen=True)
class Sample:
    """One look at ``clusternodeheartbeat``: the database's clock, and each node's newest heartbeat, both in ms."""

    now_ms: int
    beats_ms: Mapping[str, int]


def lateness_ms(samples: Sequence[Sample], interval_ms: float) -> list[float]:
    """By how much each heartbeat came later after the one before than the interval allows; sorted, none below 0.

    What has not come by the last sample though it is due counts with what is known of it by then: otherwise a node
    that stops beating would improve the figures.
    """
    late: list[float] = []
    newest: dict[str, int] = {}
    for sample in samples:
        for node_id, beat_ms in sample.beats_ms.items():
            before_ms = newest.get(node_id)
            if before_ms is not None and beat_ms > before_ms:
                late.append(max(0.0, beat_ms - before_ms - interval_ms))
            newest[node_id] = beat_ms
    if samples:
        overdue = (samples[-1].now_ms - beat_ms - interval_ms for beat_ms in newest.values())
        late += [missing_ms for missing_ms in overdue if missing_ms > 0]
    return sorted(late)


def oldest_ms(samples: Sequence[Sample]) -> int:
    """The greatest age that any node's newest heartbeat had at any look; 0 of nothing."""
    return max((sample.now_ms - beat for sample in samples for beat in sample.beats_ms.values()), default=0)


def longest_gap_ms(samples: Sequence[Sample]) -> int:
    """The longest time between two looks: beyond an interval, two heartbeats could be taken for a late one."""
    return max((after.now_ms - before.now_ms for before, after in pairwise(samples)), default=0)


def rss_and_pss_bytes(smaps_rollup: str) -> tuple[int, int]:
    """Resident memory, and the share of it that counts what processes have in common once (proc(5))."""
    fields = {key: value.split() for key, _, value in (line.partition(":") for line in smaps_rollup.splitlines())}
    return int(fields["Rss"][0]) * 1024, int(fields["Pss"][0]) * 1024


def lock_troubles(text: str) -> int:
    """How often a text speaks of a lock that was waited for in vain."""
    return sum(text.count(words) for words in LOCK_TROUBLE)
