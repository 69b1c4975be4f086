"""Plain lines: for logs, pipes and ``--plain``."""

from collections.abc import Callable

from simulator.record.requests import RequestRecord
from simulator.view.model import ViewModel
from simulator.view.words import event_line, figures_line
from zdu.events import Envelope, StepStarted

FIGURES_EVERY_S = 2.0


class PlainView:
    """Prints a line for each step and each change, and the figures every two seconds."""

    def __init__(self, model: ViewModel, write: Callable[[str], None]) -> None:
        self._model = model
        self._write = write
        self._next_figures_s = FIGURES_EVERY_S

    def on_event(self, envelope: Envelope) -> None:
        """Print what happened."""
        self._model.on_event(envelope)
        if isinstance(envelope.event, StepStarted):
            self._write(f"{envelope.t_s:6.1f} s  {envelope.event.index}. {envelope.event.title}")
        elif line := event_line(envelope.event):
            self._write(f"{envelope.t_s:6.1f} s     {line}")

    def on_request(self, request: RequestRecord) -> None:
        """Count it; the first failure is worth a line of its own."""
        self._model.on_request(request)
        if request.failed and self._model.failed == 1:
            what = f"{request.kind} got {request.outcome} {request.detail}"
            self._write(f"{request.end_s:6.1f} s     first failed request: {what}")

    def refresh(self, now_s: float) -> None:
        """Print the figures when they are due."""
        if now_s >= self._next_figures_s:
            self._next_figures_s = now_s + FIGURES_EVERY_S
            self._write(f"{now_s:6.1f} s       {figures_line(self._model.figures(now_s))}")

    def close(self) -> None:
        """Nothing is left to print."""
