"""Whether a series of samples grows, and whether nodes executed what clients were told. Pure."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Trend:
    """The straight line through the samples after the warm-up, by least squares."""

    start: float
    """The first sample after the warm-up."""
    end: float
    slope_per_min: float
    fitted_start: float
    fitted_growth: float
    """What the line rises by over the time measured."""
    highest: float

    def grows(self, share: float, least: float) -> bool:
        """The rule: the line rises by more than ``share`` of its beginning *and* by more than ``least``."""
        return self.fitted_growth > share * self.fitted_start and self.fitted_growth > least


def trend(samples: Sequence[tuple[float, float]], warm_up_s: float) -> Trend | None:
    """The trend of (seconds, value) samples; None if fewer than three come after the warm-up."""
    kept = [(at_s, value) for at_s, value in samples if at_s >= warm_up_s]
    if len(kept) < 3:
        return None
    mean_t = sum(at_s for at_s, _ in kept) / len(kept)
    mean_v = sum(value for _, value in kept) / len(kept)
    spread = sum((at_s - mean_t) ** 2 for at_s, _ in kept)
    slope = sum((at_s - mean_t) * (value - mean_v) for at_s, value in kept) / spread if spread else 0.0
    took_s = kept[-1][0] - kept[0][0]
    return Trend(
        start=kept[0][1],
        end=kept[-1][1],
        slope_per_min=slope * 60,
        fitted_start=mean_v + slope * (kept[0][0] - mean_t),
        fitted_growth=slope * took_s,
        highest=max(value for _, value in kept),
    )


@dataclass(frozen=True)
class Executions:
    """Orders as the nodes executed them against orders as the clients know them."""

    sent: int
    confirmed: int
    executed: int
    twice: tuple[str, ...]
    """Executed more than once."""
    lost: tuple[str, ...]
    """Confirmed to the client and executed by nobody."""

    @property
    def right(self) -> bool:
        """At most once, and never confirmed without having been executed."""
        return not self.twice and not self.lost


def compare_executions(executed: Iterable[str], sent: Collection[str], confirmed: Collection[str]) -> Executions:
    """Hold the nodes' journals against the clients'."""
    counts = Counter(executed)
    return Executions(
        sent=len(sent),
        confirmed=len(confirmed),
        executed=len(counts),
        twice=tuple(sorted(order for order, count in counts.items() if count > 1)),
        lost=tuple(sorted(order for order in confirmed if not counts[order])),
    )
