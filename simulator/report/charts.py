"""Requests per second and latency over time, with the phases of the upgrade behind them."""

from collections.abc import Sequence
from math import log10

from simulator.report.canvas import LEFT, RIGHT, Canvas, count_ticks, fitting, heading
from simulator.report.lanes import Segment
from simulator.report.series import Bucket

_RATES_HEIGHT = 96.0
_LATENCY_HEIGHT = 96.0
_MIN_LATENCY_MS, _MAX_LATENCY_MS = 1.0, 10_000.0

_DOTS = {
    "p50": "M{x:g} {y:g}m-2.6 0a2.6 2.6 0 1 0 5.2 0a2.6 2.6 0 1 0 -5.2 0",
    "p90": "M{x:g} {y:g}m0 -3.2l3 5.4h-6z",
    "p99": "M{x:g} {y:g}m-2.4 -2.4h4.8v4.8h-4.8z",
}
"""A round, a triangle and a square: the lines are told apart without colour."""


def _phases(canvas: Canvas, phases: Sequence[Segment], top: float, bottom: float) -> None:
    """The phases of the upgrade as bands, every other one shaded, with their names where they fit."""
    for number, phase in enumerate(phases):
        x1, x2 = canvas.x(phase.start_s), canvas.x(phase.end_s)
        canvas.rect(x1, top, x2 - x1, bottom - top, "phase phase-odd" if number % 2 else "phase")
        label = fitting((phase.word, phase.word.removesuffix(" out"), phase.word.split(" ", 1)[0]), x2 - x1)
        if label:
            canvas.text(x1 + 4, top + 11, label, "phase-label")


def draw_rates(canvas: Canvas, buckets: Sequence[Bucket], phases: Sequence[Segment], scale: Sequence[Bucket]) -> None:
    """How many requests a second went well, at a second try, or not; ``scale`` is what has to fit in."""
    heading(canvas, "Requests per second, users and probes, by outcome")
    ticks = count_ticks(1.12 * max((bucket.rate(bucket.total) for bucket in scale), default=1.0))
    base = canvas.y + _RATES_HEIGHT
    _phases(canvas, phases, canvas.y, base)

    def height(value: float) -> float:
        return value / ticks[-1] * _RATES_HEIGHT

    for tick in ticks:
        _grid(canvas, base - height(tick), f"{tick:g}")
    for bucket in buckets:
        span = f"{bucket.start_s:.1f} s to {bucket.end_s:.1f} s"
        tip = f"{span}: {bucket.ok} ok, {bucket.retried} ok after a second try, {bucket.failed} failed"
        x = canvas.x(bucket.start_s)
        width = max(canvas.x(bucket.end_s) - x - 1.5, 1.0)
        y = base
        for css, count in (("ok", bucket.ok), ("retried", bucket.retried), ("failed", bucket.failed)):
            if count:
                tall = max(height(bucket.rate(count)), 2.5 if css != "ok" else 0)
                y -= tall
                canvas.rect(x, y, width, tall, f"rate rate-{css}", tip=tip)
    canvas.y = base + 14


def draw_latency(
    canvas: Canvas, buckets: Sequence[Bucket], phases: Sequence[Segment], scale: Sequence[Bucket]
) -> None:
    """The percentiles of those that went well, logarithmic; ``scale`` is what has to fit in."""
    heading(canvas, "Latency from the intended send time, percentiles, in ms")
    values = [
        value for bucket in scale for value in (bucket.p50_ms, bucket.p90_ms, bucket.p99_ms) if value is not None
    ]
    low, high = _decades(values)
    base = canvas.y + _LATENCY_HEIGHT
    _phases(canvas, phases, canvas.y, base)

    def y(value: float) -> float:
        share = (log10(min(max(value, 10**low), 10**high)) - low) / (high - low)
        return round(base - share * _LATENCY_HEIGHT, 1)

    for power in range(low, high + 1):
        _grid(canvas, y(10**power), f"{10**power:,}")
    for css, words, points in (
        ("p99", "99th percentile", [(_middle(bucket), bucket.p99_ms) for bucket in buckets]),
        ("p90", "90th percentile", [(_middle(bucket), bucket.p90_ms) for bucket in buckets]),
        ("p50", "median", [(_middle(bucket), bucket.p50_ms) for bucket in buckets]),
    ):
        known = [(canvas.x(t_s), y(value), value) for t_s, value in points if value is not None]
        if known:
            canvas.path("M" + "L".join(f"{x:g} {height:g}" for x, height, _ in known), f"latency {css}")
        for x, height, value in known:
            canvas.path(_DOTS[css].format(x=x, y=height), f"dot {css}", tip=f"{words}: {value:.1f} ms")
    canvas.y = base + 12


def _decades(values: Sequence[float]) -> tuple[int, int]:
    """Powers of ten around all values, at least one decade apart."""
    if not values:
        return 0, 2
    lowest, highest = max(min(values), _MIN_LATENCY_MS), min(max(values), _MAX_LATENCY_MS)
    low = int(log10(lowest))
    return low, max(int(-(-log10(max(highest, 1.0)) // 1)), low + 1)


def _middle(bucket: Bucket) -> float:
    return (bucket.start_s + bucket.end_s) / 2


def _grid(canvas: Canvas, y: float, label: str) -> None:
    canvas.line(LEFT, round(y, 1), RIGHT, round(y, 1), "grid")
    canvas.text(LEFT - 12, y + 4, label, "row-label small")
