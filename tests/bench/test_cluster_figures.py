"""When a heartbeat counts as late, and what a process is said to take."""

import sqlite3

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.cluster.figures import Sample, lateness_ms, lock_troubles, longest_gap_ms, oldest_ms, rss_and_pss_bytes
from shared_db.target import parse_target
from shared_db.translate import translate

ROLLUP = """\
5581e0000000-7fff12345000 ---p 00000000 00:00 0                          [rollup]
Rss:               83968 kB
Pss:               64512 kB
Pss_Anon:          60000 kB
"""


def looks(*beats_ms: int, node: str = "node1") -> list[Sample]:
    """One look 100 ms after each heartbeat."""
    return [Sample(beat_ms + 100, {node: beat_ms}) for beat_ms in beats_ms]


def test_lateness_is_what_lies_between_two_heartbeats_beyond_the_interval() -> None:
    assert lateness_ms(looks(10_000, 11_004, 12_504), 1000) == [4, 500]


def test_a_heartbeat_that_is_seen_twice_counts_once() -> None:
    assert lateness_ms([*looks(10_000), *looks(10_000), *looks(11_010)], 1000) == [10]


def test_an_early_heartbeat_makes_up_for_nothing() -> None:
    assert lateness_ms(looks(10_000, 10_900, 12_000), 1000) == [0, 100]


def test_a_node_that_stops_beating_is_late_by_what_is_known() -> None:
    samples = [*looks(10_000, 11_000), Sample(15_500, {"node1": 11_000})]
    assert lateness_ms(samples, 1000) == [0, 3500]


def test_nodes_are_not_mixed_up() -> None:
    samples = [Sample(1500, {"node1": 1000, "node2": 1400}), Sample(2500, {"node1": 2020, "node2": 2401})]
    assert lateness_ms(samples, 1000) == [1, 20]


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=30), st.integers(1, 2000))
def test_on_time_is_never_late_and_lateness_adds_up(gaps_ms: list[int], interval_ms: int) -> None:
    beats_ms = [sum(gaps_ms[:n]) for n in range(len(gaps_ms) + 1)]
    late = lateness_ms([Sample(beat_ms, {"node1": beat_ms}) for beat_ms in beats_ms], interval_ms)
    assert late == sorted(late)
    assert sum(late) == sum(max(0, gap_ms - interval_ms) for gap_ms in gaps_ms)


def test_the_oldest_heartbeat_is_found_among_all_looks() -> None:
    samples = [
        Sample(1000, {"node1": 900}),
        Sample(3000, {"node1": 1900, "node2": 2500}),
        Sample(4000, {"node2": 3900}),
    ]
    assert oldest_ms(samples) == 1100
    assert oldest_ms([]) == 0


def test_the_longest_time_between_two_looks_is_told() -> None:
    assert longest_gap_ms([*looks(1000, 1200, 2000), *looks(2100)]) == 800
    assert longest_gap_ms(looks(1000)) == 0


def test_memory_is_read_as_linux_writes_it() -> None:
    assert rss_and_pss_bytes(ROLLUP) == (82 * 1024 * 1024, 63 * 1024 * 1024)


@pytest.mark.parametrize(
    "error",
    [
        sqlite3.OperationalError("database is locked"),
        asyncpg.LockNotAvailableError("canceling statement due to lock timeout"),
        asyncpg.DeadlockDetectedError("deadlock detected"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_locked_database_is_recognised_in_the_product_s_own_words(error: Exception) -> None:
    told = translate(error, parse_target("sqlite:////tmp/cluster.db"))
    assert lock_troubles(f"<p>{told}</p>") == 1


def test_a_locked_database_is_recognised_in_sqlite_s_words_and_nothing_else_is_one() -> None:
    assert lock_troubles("(sqlite3.OperationalError) database is locked") == 1
    assert lock_troubles("Heartbeat written again; the start-up lock is free") == 0
