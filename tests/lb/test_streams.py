import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from lb.streams import Stream, Streams


def opened(streams: Streams, count: int, node: str = "a") -> list[Stream]:
    return [streams.opened(node, lambda: None, 0.0) for _ in range(count)]


def due(streams: Streams, until_s: float) -> list[float]:
    """When each stream is closed up to ``until_s``."""
    times = []
    while (due_s := streams.next_due_s()) is not None and due_s <= until_s:
        times += [due_s] * len(streams.take_due(due_s))
    return times


@given(count=st.integers(1, 40), window_s=st.floats(0.1, 100.0), seed=st.integers(0, 100))
def test_every_stream_is_due_within_the_drain_one_in_each_slot(count: int, window_s: float, seed: int) -> None:
    streams = Streams(random.Random(seed))
    opened(streams, count)
    streams.drain("a", 10.0, 10.0 + window_s)
    times = due(streams, 1e9)
    assert len(times) == count
    assert times[0] >= 10.0
    assert times[-1] <= 10.0 + window_s + 1e-6
    assert max((later - earlier for earlier, later in pairwise(times)), default=0.0) <= 2 * window_s / count + 1e-6


def test_the_moments_are_not_in_step() -> None:
    streams = Streams(random.Random(1))
    opened(streams, 10)
    streams.drain("a", 0.0, 10.0)
    assert len({round(at_s % 1.0, 3) for at_s in due(streams, 10.0)}) > 5


def test_after_the_window_they_are_due_at_once() -> None:
    streams = Streams(random.Random(1))
    opened(streams, 3)
    streams.drain("a", 10.0, 5.0)
    assert due(streams, 10.0) == [10.0] * 3


def test_a_stream_opened_during_a_drain_is_due_in_what_is_left_of_it() -> None:
    streams = Streams(random.Random(1))
    streams.drain("a", 0.0, 10.0)
    late = streams.opened("a", lambda: None, 8.0)
    assert late.due_s is not None
    assert 8.0 <= late.due_s <= 10.0
    other = streams.opened("b", lambda: None, 8.0)
    assert other.due_s is None


def test_no_stream_is_named_twice_even_if_the_window_changes() -> None:
    streams = Streams(random.Random(1))
    opened(streams, 4)
    streams.drain("a", 0.0, 4.0)
    early = streams.take_due(2.0)
    streams.drain("a", 2.0, 10.0)
    late = streams.take_due(10.0)
    assert sorted(stream.number for stream in [*early, *late]) == [1, 2, 3, 4]
    assert early
    assert late


def test_one_that_is_gone_by_itself_is_not_closed() -> None:
    streams = Streams(random.Random(1))
    first, second = opened(streams, 2)
    streams.drain("a", 0.0, 4.0)
    assert streams.closed(first) is False
    assert streams.take_due(4.0) == [second]
    assert streams.count("a") == 1, "it counts until it says that it is gone"
    assert streams.closed(second) is True
    assert streams.closed(second) is False
    assert streams.count("a") == 0


def test_a_drain_that_is_called_off_and_begun_again_closes_all_that_are_left() -> None:
    streams = Streams(random.Random(1))
    opened(streams, 3)
    streams.drain("a", 0.0, 4.0)
    streams.keep("a")
    assert streams.next_due_s() is None
    streams.drain("a", 100.0, 104.0)
    assert len(due(streams, 104.0)) == 3
