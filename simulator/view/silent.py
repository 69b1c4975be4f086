"""No view at all: for ``--json``."""

from simulator.record.requests import RequestRecord
from zdu.events import Envelope


class SilentView:
    """Shows nothing."""

    def on_event(self, envelope: Envelope) -> None:
        """Say nothing."""

    def on_request(self, request: RequestRecord) -> None:
        """Say nothing."""

    def refresh(self, now_s: float) -> None:
        """Say nothing."""

    def close(self) -> None:
        """Say nothing."""
