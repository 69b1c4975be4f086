"""The two clocks and the source of randomness, as things that are passed in.

Everything that measures or waits uses :meth:`Clock.monotonic_s`; wall time is for people and for the database. With
both passed in, the same code runs on real time today and on virtual time, from a seed, in a simulated world.
"""

import random
import secrets
import time
from dataclasses import dataclass, field
from typing import Protocol


class Clock(Protocol):
    """Monotonic seconds and wall-clock milliseconds."""

    def monotonic_s(self) -> float:
        """Seconds on a clock that never goes back; on one machine all processes read the same one."""
        ...

    def wall_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""
        ...


class SystemClock:
    """The machine's own clocks."""

    monotonic_s = staticmethod(time.monotonic)
    """Seconds of CLOCK_MONOTONIC, the clock asyncio's loops use. Not wrapped: the data path asks it often."""

    def wall_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""
        return time.time_ns() // 1_000_000

    def stand_still(self, seconds: float) -> None:
        """Let the whole thread wait: for programs that have no event loop."""
        time.sleep(seconds)


class AheadClock:
    """Another clock, whose wall time is ahead by ``ahead_s`` seconds; monotonic time is what it was."""

    def __init__(self, clock: Clock, ahead_s: float) -> None:
        self.monotonic_s = clock.monotonic_s
        self._wall_ms = clock.wall_ms
        self._ahead_ms = round(ahead_s * 1000)

    def wall_ms(self) -> int:
        """Milliseconds since the epoch, UTC, as this clock sees it."""
        return self._wall_ms() + self._ahead_ms


@dataclass
class ManualClock:
    """A clock that moves when it is told to: for tests and for simulated time."""

    now_s: float = 0.0
    epoch_ms: int = 1_488_880_260_000  # 2017-03-07 09:51 UTC, the morning of the blog's test

    def monotonic_s(self) -> float:
        """Seconds since this clock was made."""
        return self.now_s

    def wall_ms(self) -> int:
        """Milliseconds since the epoch that this clock pretends it is."""
        return self.epoch_ms + round(self.now_s * 1000)

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass."""
        self.now_s += seconds


@dataclass
class Entropy:
    """Randomness for one process: ``rng`` for jitter and choices, :meth:`token` for secrets and identifiers.

    Without a seed the tokens are as strong as the operating system's; with one, the whole process is reproducible
    and therefore fit for rehearsals only.
    """

    seed: int | None = None
    rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)  # noqa: S311 - jitter and choices, never secrets

    def token(self, n_bytes: int = 24) -> str:
        """A URL-safe identifier of ``n_bytes`` random bytes, as lower-case hexadecimal."""
        if self.seed is None:
            return secrets.token_hex(n_bytes)
        return self.rng.randbytes(n_bytes).hex()
