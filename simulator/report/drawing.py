"""The picture of a run: one time axis, and below each other what the cluster, the nodes and the users went through.

Every fact is told by a word or a shape as well as by a colour: states carry their names or a pattern that the legend
explains, failures are crosses, sessions that move are diamonds, the two latency lines are drawn differently.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import log10

from simulator.record.requests import RequestRecord
from simulator.report.canvas import LEFT, RIGHT, WIDTH, Canvas, Shape, count_ticks, fitting, time_ticks
from simulator.report.lanes import Move, NodeLane, Segment, Step
from simulator.report.series import Bucket

CLUSTER_STATES = (
    "STABLE",
    "READY_TO_UPGRADE",
    "MIXED",
    "READY_TO_RUN_UPGRADE_TASKS",
    "RUNNING_UPGRADE_TASKS",
    "UPGRADE_TASKS_FAILED",
)

_SHORT = {
    "READY_TO_RUN_UPGRADE_TASKS": "READY_TO_RUN_TASKS",
    "RUNNING_UPGRADE_TASKS": "RUNNING_TASKS",
    "UPGRADE_TASKS_FAILED": "TASKS_FAILED",
}

_RATES_HEIGHT = 96.0
_LATENCY_HEIGHT = 84.0
_MIN_LATENCY_MS, _MAX_LATENCY_MS = 1.0, 10_000.0


@dataclass(frozen=True)
class Drawing:
    """The finished picture."""

    width: float
    height: float
    shapes: tuple[Shape, ...]
    node_words: tuple[str, ...]
    """The states of nodes that occur, for the legend."""


@dataclass(frozen=True)
class Story:
    """Everything that the picture shows."""

    end_s: float
    steps: Sequence[Step]
    cluster: Sequence[Segment]
    nodes: Sequence[NodeLane]
    buckets: Sequence[Bucket]
    moves: Sequence[Move]
    failures: Sequence[RequestRecord]


def draw(story: Story) -> Drawing:
    """Draw everything, from the steps at the top to the time axis at the bottom."""
    canvas = Canvas(story.end_s)
    guides = len(canvas.shapes)
    _steps(canvas, story.steps)
    _cluster(canvas, story.cluster)
    for lane in story.nodes:
        _node(canvas, lane)
    _moves(canvas, story.moves)
    _failures(canvas, story.failures)
    _rates(canvas, story.buckets)
    _latency(canvas, story.buckets)
    bottom = canvas.y
    _axis(canvas)
    behind = [
        Shape("path", "guide", d=f"M{canvas.x(step.t_s):g} 24L{canvas.x(step.t_s):g} {bottom:g}")
        for step in story.steps
    ]
    canvas.shapes[guides:guides] = behind
    words: dict[str, str] = {}
    for word in (segment.word for lane in story.nodes for segment in lane.states):
        words.setdefault(css_word(word), word)
    return Drawing(WIDTH, canvas.y, tuple(canvas.shapes), tuple(words.values()))


def css_word(word: str) -> str:
    """A state's name as a class of the style sheet."""
    return "".join(letter if letter.isalnum() else "-" for letter in word.lower())


def short_word(word: str) -> str:
    """Three letters for a bar that is too short for the name; the legend explains them."""
    return {"STARTING": "STA", "STOPPING": "STO", "DRAINING": "DRA", "RUNNING": "RUN"}.get(
        word.upper(), word[:3].upper()
    )


def _steps(canvas: Canvas, steps: Sequence[Step]) -> None:
    last_x = 0.0
    for step in steps:
        x = max(canvas.x(step.t_s), last_x + 20)
        last_x = x
        canvas.path(
            f"M{x - 9:g} 12a9 9 0 1 0 18 0a9 9 0 1 0 -18 0", "step-dot", tip=f"{step.t_s:.1f} s: {step.title}"
        )
        canvas.text(x, 16.2, str(step.number), "step-number")
    canvas.text(LEFT - 12, 16.2, "step", "row-label")
    canvas.y = 36


def _cluster(canvas: Canvas, segments: Sequence[Segment]) -> None:
    seen = dict.fromkeys(segment.word for segment in segments)
    rows = [word for word in CLUSTER_STATES if word in seen] + [word for word in seen if word not in CLUSTER_STATES]
    if not rows:
        return
    _heading(canvas, "The cluster's state, as its nodes show it")
    for row, word in enumerate(rows):
        y = canvas.y + row * 17
        canvas.rect(LEFT, y + 1, RIGHT - LEFT, 14, "track")
        canvas.text(LEFT - 12, y + 12, _SHORT.get(word, word), "row-label small")
        for segment in segments:
            if segment.word == word:
                tip = f"{word}: {segment.start_s:.2f} s to {segment.end_s:.2f} s"
                canvas.bar(segment.start_s, segment.end_s, y + 1, 14, f"cluster cluster-{css_word(word)}", tip=tip)
    canvas.y += len(rows) * 17 + 10


def _node(canvas: Canvas, lane: NodeLane) -> None:
    _heading(canvas, lane.node)
    top = canvas.y
    rows = (("state", lane.states, 20.0), ("version", lane.versions, 16.0), ("balancer", lane.balancer, 16.0))
    for label, segments, height in rows:
        canvas.rect(LEFT, canvas.y, RIGHT - LEFT, height, "track")
        canvas.text(LEFT - 12, canvas.y + height / 2 + 4.2, label, "row-label small")
        for segment in segments:
            _labelled(canvas, lane.node, label, segment, height, first_s=segments[0].start_s)
        canvas.y += height + 3
    for out in lane.out:
        x1, x2 = canvas.x(out.start_s), canvas.x(out.end_s)
        tip = f"{lane.node} gets no request from {out.start_s:.2f} s to {out.end_s:.2f} s"
        canvas.rect(x1, top - 2, x2 - x1, canvas.y - top, "out-box")
        canvas.path(f"M{x1:g} {canvas.y - 2:g}V{canvas.y + 7:g}H{x2:g}V{canvas.y - 2:g}", "out-line", tip=tip)
        words = f"out {out.end_s - out.start_s:.1f} s"
        canvas.rect((x1 + x2) / 2 - 32, canvas.y, 64, 14, "out-paper")
        canvas.text((x1 + x2) / 2, canvas.y + 11, words, "out-label")
    canvas.y += 22


def _labelled(canvas: Canvas, node: str, row: str, segment: Segment, height: float, *, first_s: float) -> None:
    css = {
        "state": f"node node-{css_word(segment.word)}",
        "version": "version version-new" if segment.start_s > first_s else "version",
        "balancer": f"balancer balancer-{css_word(segment.word)}",
    }[row]
    tip = f"{node}, {row}: {segment.word}, {segment.start_s:.2f} s to {segment.end_s:.2f} s"
    width = canvas.bar(segment.start_s, segment.end_s, canvas.y, height, css, tip=tip)
    word = segment.word.replace("_", " ")
    label = fitting((word,) if row == "version" else (word, short_word(segment.word)), width)
    if label:
        x = canvas.x(segment.start_s) + width / 2
        canvas.text(x, canvas.y + height / 2 + 4.2, label, f"in-bar in-{css.split()[-1]}")


def _moves(canvas: Canvas, moves: Sequence[Move]) -> None:
    _heading(canvas, "Sessions that moved")
    directions = Counter((move.source, move.target) for move in moves)
    if not directions:
        canvas.text(LEFT, canvas.y + 11, "none", "note")
        canvas.y += 22
    for (source, target), count in sorted(directions.items()):
        canvas.rect(LEFT, canvas.y + 1, RIGHT - LEFT, 14, "track")
        canvas.text(LEFT - 12, canvas.y + 12, f"{source} → {target}: {count}", "row-label small")
        for move in moves:
            if (move.source, move.target) == (source, target):
                signed_in = ", signed in again unseen" if move.silent_sign_in else ""
                tip = f"{move.t_s:.2f} s: {move.session} from {source} to {target}{signed_in}"
                canvas.path(
                    f"M{canvas.x(move.t_s):g} {canvas.y + 2.5:g}l4.5 5.5l-4.5 5.5l-4.5 -5.5z", "move", tip=tip
                )
        canvas.y += 18
    canvas.y += 8 if directions else 0


def _failures(canvas: Canvas, failures: Sequence[RequestRecord]) -> None:
    _heading(canvas, f"Failed requests: {len(failures)}" if failures else "Failed requests")
    if not failures:
        canvas.text(LEFT, canvas.y + 11, "none", "note")
    else:
        canvas.rect(LEFT, canvas.y + 1, RIGHT - LEFT, 14, "track")
        for record in failures:
            x, y = canvas.x(record.intended_s), canvas.y + 8
            tip = f"{record.intended_s:.2f} s: request {record.id}, {record.kind}, {record.outcome}"
            canvas.path(f"M{x - 4:g} {y - 4:g}l8 8m0 -8l-8 8", "failure", tip=tip)
    canvas.y += 24


def _rates(canvas: Canvas, buckets: Sequence[Bucket]) -> None:
    _heading(canvas, "Requests per second, users and probes, by outcome")
    ticks = count_ticks(max((bucket.rate(bucket.total) for bucket in buckets), default=1.0))
    base = canvas.y + _RATES_HEIGHT

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


def _latency(canvas: Canvas, buckets: Sequence[Bucket]) -> None:
    _heading(canvas, "Latency from the intended send time, median and 99th percentile, in ms")
    values = [value for bucket in buckets for value in (bucket.p50_ms, bucket.p99_ms) if value is not None]
    low, high = _decades(values)
    base = canvas.y + _LATENCY_HEIGHT

    def y(value: float) -> float:
        share = (log10(min(max(value, 10**low), 10**high)) - low) / (high - low)
        return round(base - share * _LATENCY_HEIGHT, 1)

    for power in range(low, high + 1):
        _grid(canvas, y(10**power), f"{10**power:,}")
    for css, points in (
        ("p99", [(_middle(bucket), bucket.p99_ms) for bucket in buckets]),
        ("p50", [(_middle(bucket), bucket.p50_ms) for bucket in buckets]),
    ):
        known = [(canvas.x(t_s), y(value), value) for t_s, value in points if value is not None]
        if known:
            canvas.path("M" + "L".join(f"{x:g} {height:g}" for x, height, _ in known), f"latency {css}")
        for x, height, value in known:
            tip = f"{'median' if css == 'p50' else '99th percentile'}: {value:.1f} ms"
            if css == "p50":
                canvas.path(f"M{x - 2.6:g} {height:g}a2.6 2.6 0 1 0 5.2 0a2.6 2.6 0 1 0 -5.2 0", "dot p50", tip=tip)
            else:
                canvas.rect(x - 2.4, height - 2.4, 4.8, 4.8, "dot p99", tip=tip)
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


def _heading(canvas: Canvas, text: str) -> None:
    canvas.text(LEFT, canvas.y + 12, text, "heading")
    canvas.y += 19


def _axis(canvas: Canvas) -> None:
    canvas.line(LEFT, canvas.y, RIGHT, canvas.y, "axis")
    for tick in time_ticks(canvas.end_s):
        x = canvas.x(tick)
        canvas.line(x, canvas.y, x, canvas.y + 5, "axis")
        canvas.text(x, canvas.y + 18, f"{tick:g} s", "tick")
    canvas.y += 26
