"""The live view: the step under way, each node, and the figures, redrawn in place."""

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from simulator.record.requests import RequestRecord
from simulator.view.model import NodeLine, ViewModel
from simulator.view.words import event_line, figures_line
from zdu.events import Envelope, StepStarted

EVENTS_SHOWN = 6
STATE_STYLES = {
    "RUNNING": "green",
    "DRAINING": "yellow",
    "STOPPING": "yellow",
    "STARTING": "cyan",
    "stopped": "dim",
    "DIED": "bold red",
}
CLUSTER_STYLES = {"STABLE": "green", "UPGRADE_TASKS_FAILED": "bold red"}
BALANCER_STYLES = {"UP": "green", "DOWN": "red", "STOPPING": "yellow"}


class LiveView:
    """Draws the view model on a terminal."""

    def __init__(self, model: ViewModel, title: str, console: Console) -> None:
        self._model = model
        self._title = title
        self._happened: list[str] = []
        self._now_s = 0.0
        self._live = Live(console=console, auto_refresh=False, get_renderable=self._render)
        self._live.start()

    def on_event(self, envelope: Envelope) -> None:
        """Take in what happened."""
        self._model.on_event(envelope)
        line = event_line(envelope.event)
        if isinstance(envelope.event, StepStarted):
            self._live.console.print(
                f"[dim]{envelope.t_s:6.1f} s[/]  [bold]{envelope.event.title}[/]", highlight=False
            )
        elif line:
            self._happened = [*self._happened, f"{envelope.t_s:6.1f} s  {line}"][-EVENTS_SHOWN:]

    def on_request(self, request: RequestRecord) -> None:
        """Count it."""
        self._model.on_request(request)

    def refresh(self, now_s: float) -> None:
        """Draw again."""
        self._now_s = now_s
        self._live.refresh()

    def close(self) -> None:
        """Leave the last picture on the screen."""
        self._live.refresh()
        self._live.stop()

    def _render(self) -> RenderableType:
        nodes = Table(box=None, pad_edge=False, header_style="dim")
        for column in ("node", "version", "application", "cluster status it shows", "load balancer"):
            nodes.add_column(column, min_width=9)
        for node in self._model.nodes.values():
            nodes.add_row(*_cells(node))
        figures = self._model.figures(self._now_s)
        line = Text(figures_line(figures), style="red" if figures.failed else "")
        happened = Text("\n".join(self._happened), style="dim")
        return Panel(
            Group(nodes, Text(), line, Text(), happened), title=self._title, title_align="left", expand=False
        )


def _cells(node: NodeLine) -> tuple[Text, ...]:
    return (
        Text(node.node_id, style="bold"),
        Text(node.version),
        Text(node.state, style=STATE_STYLES.get(node.state, "")),
        Text(node.cluster_state, style=CLUSTER_STYLES.get(node.cluster_state, "blue")),
        Text(node.balancer, style=BALANCER_STYLES.get(node.balancer, "")),
    )
