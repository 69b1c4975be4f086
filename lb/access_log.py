"""One JSON line for each request: who asked for what, every attempt at every node, and how it ended.

Timers and the four-character termination code are HAProxy's (its manual, sections 8.4 and 8.5): who ended the session
and in which phase, what the cookie said and what was done about it.
"""

import json
import logging
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TextIO

from zdu.clock import Clock
from zdu.errors import ZduError

_log = logging.getLogger("lb.access")


@dataclass
class AttemptRecord:
    """One attempt at one node. ``failure`` is empty if a response came."""

    node: str
    reused_connection: bool
    failure: str
    status: int
    connect_ms: float
    response_ms: float


@dataclass
class AccessRecord:
    """What became of one request. ``termination`` begins with ``--`` for a complete response of a node.

    ``tc_ms`` is the last attempt's time to connect, ``tr_ms`` its wait for the response's head, ``ta_ms`` the whole
    request from its head's arrival to the response's last byte. HAProxy's Tq (waiting for the request's head) and Tw
    (queue) are not known here.
    """

    client: str
    method: str
    target: str
    received_s: float
    status: int = 0
    sent_bytes: int = 0
    received_bytes: int = 0
    node: str = ""
    route: str = ""
    cookie: str = "--"
    ended: str = "--"
    attempts: list[AttemptRecord] = field(default_factory=list)
    ta_ms: float = 0.0

    @property
    def termination(self) -> str:
        """HAProxy's four characters."""
        return self.ended + self.cookie

    def to_json(self, wall_ms: int) -> str:
        """The line, without its line break."""
        last = self.attempts[-1] if self.attempts else None
        timers = {
            "tc_ms": round(last.connect_ms, 3) if last else None,
            "tr_ms": round(last.response_ms, 3) if last else None,
            "ta_ms": round(self.ta_ms, 3),
        }
        facts = asdict(self) | timers | {"termination": self.termination}
        for name in ("cookie", "ended"):
            del facts[name]
        return json.dumps({"wall_ms": wall_ms, **facts}, ensure_ascii=False)


class AccessLog:
    """Appends records to a file; with an empty path it does nothing.

    A log that cannot be written (a full disk) must not fail the request it tells about: it stops, and says so once.
    """

    def __init__(self, path: str, clock: Clock) -> None:
        self._clock = clock
        self._file: TextIO | None = None
        if path:
            try:
                self._file = Path(path).open("a", encoding="utf-8", buffering=1)  # noqa: SIM115 - closed in close()
            except OSError as error:
                message = f"cannot write the access log {path}: {error.strerror}"
                raise ZduError(message, hint="Check access_log_file.") from None

    def write(self, record: AccessRecord) -> None:
        """Append one line."""
        if self._file is None:
            return
        try:
            self._file.write(record.to_json(self._clock.wall_ms()) + "\n")
        except OSError as error:
            _log.error("the access log stops here: %s", error)
            self.close()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            self._file = None
