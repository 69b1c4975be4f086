"""Writes the record of a run while it happens, and tells whoever watches.

Everything that is known about a run goes through :meth:`Recorder.event` and :meth:`Recorder.request`: live view,
verdict and report can therefore never know more, or something else, than the files on disk.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TextIO, TypeVar

from simulator.record.requests import RequestRecord, RequestWriter
from simulator.record.run_folder import record_error
from zdu.clock import Clock
from zdu.events import Envelope, Event

Told = TypeVar("Told")
EventListener = Callable[[Envelope], None]
RequestListener = Callable[[RequestRecord], None]


class Recorder:
    """The files of a run, ``events.jsonl``, ``requests.csv`` and ``control.csv``, and those who follow them."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._clock = clock
        self._folder = folder
        self.started_s = clock.monotonic_s()
        self.envelopes: list[Envelope] = []
        self.requests: list[RequestRecord] = []
        self.control: list[RequestRecord] = []
        self._on_event: list[EventListener] = []
        self._on_request: list[RequestListener] = []
        self._broken = False
        try:
            self._events_file = _open_line_buffered(folder / "events.jsonl")
            self._requests_file = _open_line_buffered(folder / "requests.csv")
            self._control_file = _open_line_buffered(folder / "control.csv")
            self._writer = RequestWriter(self._requests_file)
            self._control_writer = RequestWriter(self._control_file)
        except OSError as error:
            raise record_error(self._folder, error) from error

    def now_s(self) -> float:
        """Seconds since the run began."""
        return self._clock.monotonic_s() - self.started_s

    def since_start_s(self, monotonic_s: float) -> float:
        """A reading of the machine's monotonic clock, made by any process, as seconds since the run began."""
        return monotonic_s - self.started_s

    def since_start_of_wall_s(self, wall_ms: float) -> float:
        """A reading of the machine's wall clock, out of any process's log, as seconds since the run began."""
        return self.now_s() - (self._clock.wall_ms() - wall_ms) / 1000

    def follow(self, on_event: EventListener | None = None, on_request: RequestListener | None = None) -> None:
        """Call these with every event and request from now on."""
        if on_event:
            self._on_event.append(on_event)
        if on_request:
            self._on_request.append(on_request)

    def event(self, event: Event) -> Envelope:
        """Record that something happened now. Raises RecordError when it cannot be written."""
        envelope = Envelope(len(self.envelopes) + 1, self.now_s(), self._clock.wall_ms(), event)
        self.envelopes.append(envelope)
        self._append(lambda: self._events_file.write(envelope.to_json() + "\n"))
        self._tell(self._on_event, envelope)
        return envelope

    def request(self, record: RequestRecord) -> None:
        """Record a finished request. Raises RecordError when it cannot be written."""
        self.requests.append(record)
        self._append(lambda: self._writer.write(record))
        self._tell(self._on_request, record)

    def control_request(self, record: RequestRecord) -> None:
        """Record a finished control probe, apart from all that went to the cluster. Raises RecordError."""
        self.control.append(record)
        self._append(lambda: self._control_writer.write(record))

    def close(self) -> None:
        """Flush and close the files. Raises RecordError when the rest cannot be written."""
        self._append(self._events_file.close)
        self._append(self._requests_file.close)
        self._append(self._control_file.close)

    def _tell(self, listeners: list[Callable[[Told], None]], what: Told) -> None:
        """A view whose terminal is gone hears no more; the run goes on."""
        for listener in listeners[:]:
            try:
                listener(what)
            except OSError:
                listeners.remove(listener)

    def _append(self, write: Callable[[], object]) -> None:
        """The first failure ends the run; what is still told while the run is brought down is not worth another."""
        try:
            write()
        except OSError as error:
            if not self._broken:
                self._broken = True
                raise record_error(self._folder, error) from error


def _open_line_buffered(path: Path) -> TextIO:
    return path.open("w", encoding="utf-8", newline="", buffering=1)
