"""What a node's process costs: the figures it sends along with its heartbeat."""

import os
import resource
import sys
from contextlib import suppress
from pathlib import Path

from shared_db import NodeFigures
from zdu.clock import Clock

_STATM = Path("/proc/self/statm")
"""Linux: the second word is the resident memory in pages."""


class ProcessFigures:
    """Reads this process's figures; its uptime counts from here."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began_s = clock.monotonic_s()

    @property
    def uptime_s(self) -> float:
        """Seconds since this process began."""
        return self._clock.monotonic_s() - self._began_s

    def now(self, application_state: str) -> NodeFigures:
        """The figures as they are now. Asks the system only for what it has at hand: nothing here waits."""
        return NodeFigures(application_state, _load(), _memory_bytes(), self.uptime_s)


def _load() -> float:
    try:
        return os.getloadavg()[0]
    except OSError:
        return 0.0  # a system that does not count it


def _memory_bytes() -> int:
    with suppress(OSError, ValueError, IndexError):
        return int(_STATM.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    # Elsewhere the most it ever was: in KiB, on macOS in bytes.
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
