"""The status page: what HAProxy's shows, and what a rolling upgrade needs to see. It is whole without scripts."""

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from lb.journal import JournalEntry
from lb.pool import NodeChanged
from lb.telemetry.figures import Figures, NodeFigures
from zdu.durations import format_duration

EVENTS_SHOWN = 20


class StatusPage:
    """Renders the page."""

    def __init__(self) -> None:
        templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            undefined=StrictUndefined,
            autoescape=select_autoescape(["html"]),
            trim_blocks=True,
            lstrip_blocks=True,
        )
        templates.filters |= {"age": age, "count": count, "size": size, "ms": milliseconds}
        self._page = templates.get_template("status.html")

    def render(self, now: Figures, entries: Sequence[JournalEntry], data_url: str) -> str:
        """The whole page for this moment."""
        return self._page.render(
            now=now,
            front=now.meters.front(),
            back=now.meters.back(),
            nodes=[(node, look(node), sessions_taken(node), drain_progress(node, now.now_s)) for node in now.nodes],
            errors_of_nodes=sum(node.meter.errors_of_node for node in now.nodes),
            events=[
                (entry.seq, entry.change, event_look(entry.change)) for entry in reversed(entries[-EVENTS_SHOWN:])
            ],
            data_url=data_url,
            default_deadline=format_duration(now.config.drain.deadline),
        )


def look(node: NodeFigures) -> str:
    """The colour of a node: its class on the page. The word beside it says the same."""
    if node.word == "UP" and node.operational == "GOING_DOWN":
        return "going"
    if node.word == "DOWN" and node.operational == "GOING_UP":
        return "going"
    if node.word == "NOLB":
        return "drain"
    return node.word.lower()


def event_look(change: NodeChanged) -> str:
    """The colour of an event, by the same rules."""
    if change.admin.value == "MAINT":
        return "maint"
    if change.operational.value in {"DOWN", "INIT"}:
        return "down" if change.operational.value == "DOWN" else "ini"
    if change.operational.value.startswith("GOING"):
        return "going"
    return "drain" if change.admin.value == "DRAIN" or change.operational.value == "STOPPING" else "up"


def sessions_taken(node: NodeFigures) -> str:
    """What it takes, in words."""
    if node.panic:
        return "everything: drain-panic"
    if node.takes_new:
        return "new and bound sessions"
    return "bound sessions only" if node.takes_bound else "no sessions"


def drain_progress(node: NodeFigures, now_s: float) -> str:
    """How far a drain has come, in words; empty for a node that does not drain."""
    if node.drained and (node.admin == "DRAIN" or node.operational == "STOPPING"):
        return "drained: it can be stopped now"
    if node.drain_deadline_s is None:
        return ""
    left_s = node.drain_deadline_s - now_s
    parts = [f"{node.sessions_left} sessions left"] if node.drain else []
    if node.in_flight:
        parts.append(f"{node.in_flight} requests in flight")
    if node.streams:
        parts.append(f"{node.streams} streams")
    parts.append(f"deadline in {age(left_s)}" if left_s > 0 else "deadline over")
    if node.drain and node.drain.done_s is not None and left_s > 0:
        parts.append(f"done in {age(node.drain.done_s - now_s)}")
    return ", ".join(parts)


def age(seconds: float | None) -> str:
    """A duration for people: 4s, 12m 5s, 3h 2m, 5d 1h; as HAProxy's page writes it."""
    if seconds is None:
        return "never"
    whole = max(0, int(seconds))
    parts = []
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        number, whole = divmod(whole, length)
        if number:
            parts.append(f"{number}{unit}")
    return " ".join(parts[:2]) or "0s"


def count(number: float) -> str:
    """A number with thin spaces between thousands."""
    return f"{number:,.0f}".replace(",", "\u202f")


def size(number: int) -> str:
    """Bytes for people."""
    value = float(number)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


def milliseconds(number: float) -> str:
    """A time for people: 0.42, 3.7, 812."""
    return f"{number:.2f}" if number < 1 else f"{number:.1f}" if number < 100 else f"{number:.0f}"
