"""The picture of a run: one time axis, and below each other what the cluster, the nodes and the users went through.

Every fact is told by a word or a shape as well as by a colour: states carry their names or a pattern that the legend
explains, failures are crosses, sessions that move are diamonds, the two latency lines are drawn differently.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from simulator.record.requests import RequestRecord
from simulator.report.canvas import LEFT, RIGHT, WIDTH, Canvas, Shape, fitting, heading, time_ticks
from simulator.report.charts import draw_latency, draw_rates
from simulator.report.content import Move, Outage
from simulator.report.lanes import NodeLane, Segment, Step
from simulator.report.series import Bucket
from simulator.verdict.faults import FaultWindow

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


_ARC_END = 47.0
"""Where in a node's lane an arc ends: at its version, which is what a session moves to."""
_ARC_COLUMN = 4
_CROSS_COLUMN = 2
"""Moves and failures so close together on the page, in its units, are one arc, one cross: no run has more than can be
told apart."""


@dataclass(frozen=True)
class Drawing:
    """The finished picture."""

    width: float
    height: float
    shapes: tuple[Shape, ...]
    node_words: tuple[str, ...]
    """The states of nodes that occur, for the legend."""


@dataclass(frozen=True)
class Picture:
    """Everything that the picture shows."""

    end_s: float
    steps: Sequence[Step]
    cluster: Sequence[Segment]
    nodes: Sequence[NodeLane]
    buckets: Sequence[Bucket]
    moves: Sequence[Move]
    failures: Sequence[RequestRecord]
    outages: Sequence[Outage] = ()
    faults: Sequence[FaultWindow] = ()
    phases: Sequence[Segment] = ()
    beside: Sequence[Bucket] = ()
    """Another picture's, to be drawn to the same scale as this one's."""
    start_s: float = 0.0
    """Where the time axis begins; the times on it count from there."""


def states_of(picture: Picture) -> list[str]:
    """The upgrade states that there were, in the order of an upgrade."""
    seen = {segment.word for segment in picture.cluster}
    return [state for state in CLUSTER_STATES if state in seen]


def draw(picture: Picture) -> Drawing:
    """Draw everything, from the steps at the top to the time axis at the bottom."""
    canvas = Canvas(picture.end_s, picture.start_s)
    guides = len(canvas.shapes)
    _steps(canvas, picture.steps)
    _cluster(canvas, picture.cluster)
    heights = {}
    for lane in picture.nodes:
        heights[lane.node] = canvas.y + _ARC_END
        _node(canvas, lane)
    _moves(canvas, picture.moves, heights)
    _faults(canvas, picture.faults)
    _failures(canvas, picture.failures)
    _outages(canvas, picture.outages)
    scale = [*picture.buckets, *picture.beside]
    draw_rates(canvas, picture.buckets, picture.phases, scale)
    draw_latency(canvas, picture.buckets, picture.phases, scale)
    bottom = canvas.y
    _axis(canvas)
    behind = [
        Shape("path", "guide", d=f"M{canvas.x(step.t_s):g} 24L{canvas.x(step.t_s):g} {bottom:g}")
        for step in picture.steps
    ]
    canvas.shapes[guides:guides] = behind
    words: dict[str, str] = {}
    for word in (segment.word for lane in picture.nodes for segment in lane.states):
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
    heading(canvas, "The cluster's state, as its nodes show it")
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
    heading(canvas, lane.node)
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


def _moves(canvas: Canvas, moves: Sequence[Move], heights: Mapping[str, float]) -> None:
    """Arcs from the lane that sessions left to the lane that they came to; those of the same instant are one arc."""
    told = f"{len(moves)} moves of {len({move.session for move in moves})} sessions" if moves else "no session moved"
    canvas.text(LEFT, canvas.y + 4, f"Arcs between the lanes: {told}", "note")
    together: dict[tuple[int, str, str], list[Move]] = {}
    for move in moves:
        column = int(canvas.x(move.t_s) // _ARC_COLUMN)
        together.setdefault((column, move.from_node, move.to_node), []).append(move)
    for (_, source, target), those in together.items():
        if source in heights and target in heights:
            _arc(canvas, those, heights[source], heights[target])
    canvas.y += 16


def _arc(canvas: Canvas, moves: Sequence[Move], from_y: float, to_y: float) -> None:
    first, last = moves[0], moves[-1]
    x = canvas.x(first.t_s)
    bend = min(10 + abs(to_y - from_y) / 6, 30)
    thick = min(1 + len(moves) / 4, 4)
    who = first.session if len(moves) == 1 else f"{len(moves)} sessions"
    costs = Counter(move.lost for move in moves if move.lost)
    tip = f"{first.t_s:.2f} s to {last.t_s:.2f} s: {who} from {first.from_node} to {first.to_node}"
    tip += "".join(f"; {lost}: {count}" for lost, count in costs.items())
    curve = f"M{x:g} {from_y:g}C{x + bend:g} {from_y:g} {x + bend:g} {to_y:g} {x:g} {to_y:g}"
    canvas.path(curve, f"arc arc-{round(thick)}", tip=tip)
    canvas.path(f"M{x:g} {to_y:g}l6 -3.5v7z", "arc-end", tip=tip)


def _faults(canvas: Canvas, faults: Sequence[FaultWindow]) -> None:
    """A row for each fault, from when it was put on; the part before it first took effect is only outlined."""
    if not faults:
        return
    heading(canvas, "Faults on purpose")
    for fault in faults:
        canvas.rect(LEFT, canvas.y, RIGHT - LEFT, 14, "track")
        canvas.text(LEFT - 12, canvas.y + 11, fault.fault, "row-label small")
        to_s = min(fault.to_s, canvas.end_s)
        tip = fault_in_words(fault)
        width = canvas.bar(fault.from_s, to_s, canvas.y, 14, "fault-on", tip=tip)
        if fault.fired_s is not None:
            canvas.bar(max(fault.fired_s, fault.from_s), max(to_s, fault.fired_s), canvas.y, 14, "fault", tip=tip)
        end_x = canvas.x(fault.from_s) + width
        told = " ".join(word for word in (fault.node, "" if fault.fired_s is not None else "(no effect)") if word)
        if end_x < RIGHT - 90:
            canvas.text(end_x + 4, canvas.y + 11, told, "note small")
        else:
            canvas.text(canvas.x(fault.from_s) - 4, canvas.y + 11, told, "before small")
        canvas.y += 18
    canvas.y += 8


def fault_in_words(fault: FaultWindow) -> str:
    """When it was on and when it first took effect."""
    until = f"to {fault.to_s:.2f} s" if isfinite(fault.to_s) else "to the end"
    effect = "it never took effect" if fault.fired_s is None else f"it first took effect at {fault.fired_s:.2f} s"
    return f"{fault.named} was on from {fault.from_s:.2f} s {until}; {effect}"


def _failures(canvas: Canvas, failures: Sequence[RequestRecord]) -> None:
    heading(canvas, f"Failed requests: {len(failures)}" if failures else "Failed requests")
    if not failures:
        canvas.text(LEFT, canvas.y + 11, "none", "note")
    else:
        canvas.rect(LEFT, canvas.y + 1, RIGHT - LEFT, 14, "track")
        together: dict[int, list[RequestRecord]] = {}
        for record in failures:
            together.setdefault(int(canvas.x(record.intended_s) // _CROSS_COLUMN), []).append(record)
        for those in together.values():
            first = those[0]
            x, y = canvas.x(first.intended_s), canvas.y + 8
            tip = f"{first.intended_s:.2f} s: request {first.id}, {first.kind}, {first.outcome}"
            tip += f", and {len(those) - 1} more close to it" if len(those) > 1 else ""
            canvas.path(f"M{x - 4:g} {y - 4:g}l8 8m0 -8l-8 8", "failure", tip=tip)
    canvas.y += 24


def _outages(canvas: Canvas, outages: Sequence[Outage]) -> None:
    """A row for each kind of probe that saw any."""
    for kind in dict.fromkeys(outage.kind for outage in outages):
        canvas.rect(LEFT, canvas.y, RIGHT - LEFT, 14, "track")
        canvas.text(LEFT - 12, canvas.y + 11, f"outage, {kind}", "row-label small")
        for outage in outages:
            if outage.kind == kind:
                width = canvas.bar(outage.from_s, outage.to_s, canvas.y, 14, "outage", tip=outage.told)
                canvas.text(canvas.x(outage.from_s) + width + 4, canvas.y + 11, outage.lasted, "note small")
        canvas.y += 18
    canvas.y += 8 if outages else 0


def _axis(canvas: Canvas) -> None:
    canvas.line(LEFT, canvas.y, RIGHT, canvas.y, "axis")
    for tick in time_ticks(canvas.end_s - canvas.start_s):
        x = canvas.x(canvas.start_s + tick)
        canvas.line(x, canvas.y, x, canvas.y + 5, "axis")
        canvas.text(x, canvas.y + 18, f"{tick:g} s", "tick")
    canvas.y += 26
