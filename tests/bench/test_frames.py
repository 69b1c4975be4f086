"""Frame times in figures."""

import pytest

from bench.dashboard.frames import FRAME_MS, smoothness


def test_even_frames_meet_both_targets() -> None:
    found = smoothness([number * FRAME_MS for number in range(121)], 0)
    assert (found.frames, found.late) == (120, 0)
    assert found.per_second == pytest.approx(60)
    assert all(target.met for target in found.targets)


def test_late_frames_are_counted_and_miss_the_targets() -> None:
    times = [0.0]
    for number in range(100):
        times.append(times[-1] + (50 if number % 10 == 0 else FRAME_MS))
    found = smoothness(times, 3)
    assert (found.late, found.worst_ms, found.p95_ms, found.long_tasks) == (10, 50, 50, 3)
    assert found.p50_ms == pytest.approx(FRAME_MS)
    assert [target.met for target in found.targets] == [False, False]


def test_one_frame_is_no_measurement() -> None:
    with pytest.raises(ValueError, match="two frames"):
        smoothness([1.0], 0)
