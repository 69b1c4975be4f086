# ruff: noqa: UP031 - the % operator takes two thirds of the time of the same f-string here
"""One JSON line for each request: who asked for what, every attempt at every node, and how it ended.

Timers and the four-character termination code are HAProxy's (its manual, sections 8.4 and 8.5). A line is put
together by hand, in a fraction of the time of ``json.dumps``; whatever a stranger can choose goes through json's own
escaping, so each line is one JSON object whatever they send.
"""

import json
import logging
from contextlib import suppress
from json.encoder import encode_basestring_ascii as quoted
from pathlib import Path
from typing import IO, Final

from lb.telemetry.record import AttemptRecord, RequestRecord
from zdu.errors import ZduError

_log = logging.getLogger("lb.access")

FLUSH_BYTES: Final = 64 * 1024
"""Lines gathered are written when they are so many bytes, even before the next flush is due."""

_LINE: Final = (
    '{"wall_ms":%d,"received_s":%.6f,"request_id":%s,"client":%s,"method":%s,"target":%s,"version":"%s","status":%d,'
    '"node":"%s","route":%s,"moved_from":"%s","own":"%s","termination":"%s%s","received_bytes":%d,"sent_bytes":%d,'
    '"tq_ms":%s,"tw_ms":%s,"tc_ms":%s,"tr_ms":%s,"ta_ms":%.3f,"attempts":[%s'
    '{"node":"%s","began_s":%.6f,"reused_connection":%s,"failure":"%s","status":%d,"connect_ms":%s,"response_ms":%s}]}'
)
_ATTEMPT: Final = (
    '{"node":"%s","began_s":%.6f,"reused_connection":%s,"failure":"%s","status":%d,'
    '"connect_ms":%.3f,"response_ms":%.3f},'
)


def line_of(record: RequestRecord, wall_ms: int) -> str:
    """The line, without its line break; ASCII only. ``tc_ms`` and ``tr_ms`` are the last attempt's, null without one.

    Escaped is what strangers choose: request id, client, method, target, and the reason, which may quote a cookie.
    The rest are words and numbers of our own.
    """
    attempts = record.attempts
    if not attempts:
        return _line_without_attempts(record, wall_ms)
    last = attempts[-1]
    connect = "%.3f" % last.connect_ms if last.connect_ms else "0"
    response = "%.3f" % last.response_ms
    return _LINE % (
        wall_ms,
        record.received_s,
        quoted(record.request_id),
        quoted(record.client),
        quoted(record.method),
        quoted(record.target),
        record.version,
        record.status,
        record.node,
        quoted(record.route),
        record.moved_from,
        record.own,
        record.ended,
        record.cookie,
        record.received_bytes,
        record.sent_bytes,
        "%.3f" % record.tq_ms if record.tq_ms else "0",
        "%.3f" % record.tw_ms if record.tw_ms else "0",
        connect,
        response,
        record.ta_ms,
        "".join(map(_attempt, attempts[:-1])) if len(attempts) > 1 else "",
        last.node,
        last.began_s,
        "true" if last.reused_connection else "false",
        last.failure,
        last.status,
        connect,
        response,
    )


def _attempt(attempt: AttemptRecord) -> str:
    reused = "true" if attempt.reused_connection else "false"
    times = (attempt.connect_ms, attempt.response_ms)
    return _ATTEMPT % (attempt.node, attempt.began_s, reused, attempt.failure, attempt.status, *times)


def _line_without_attempts(record: RequestRecord, wall_ms: int) -> str:
    facts = {
        "wall_ms": wall_ms,
        "received_s": round(record.received_s, 6),
        **{name: getattr(record, name) for name in _COPIED},
        "termination": record.termination,
        "received_bytes": record.received_bytes,
        "sent_bytes": record.sent_bytes,
        "tq_ms": round(record.tq_ms, 3),
        "tw_ms": round(record.tw_ms, 3),
        "tc_ms": None,
        "tr_ms": None,
        "ta_ms": round(record.ta_ms, 3),
        "attempts": [],
    }
    return json.dumps(facts, separators=(",", ":"))


_COPIED: Final = (
    "request_id",
    "client",
    "method",
    "target",
    "version",
    "status",
    "node",
    "route",
    "moved_from",
    "own",
)


class AccessLog:
    """Appends lines to a file, gathered; with an empty path it does nothing.

    Lines reach the file at :meth:`flush`, when :data:`FLUSH_BYTES` are gathered, and at :meth:`close`. A log that
    cannot be written (a full disk) must not fail the request it tells about: it stops, and says so once.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._lines: list[str] = []
        self._gathered_bytes = 0
        self._file = _opened(path) if path else None

    def add(self, lines: str) -> None:
        """One line or more, without the last one's line break."""
        if self._file is None:
            return
        self._lines.append(lines)
        self._gathered_bytes += len(lines) + 1
        if self._gathered_bytes >= FLUSH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what is gathered."""
        if self._file is None or not self._lines:
            return
        self._lines.append("")
        data = memoryview("\n".join(self._lines).encode("ascii"))
        self._lines.clear()
        self._gathered_bytes = 0
        try:
            while data:
                written = self._file.write(data)
                data = data[written:]  # two steps: mypyc evaluates a call within a slice twice
        except OSError as error:
            _log.error("the access log stops here: %s", error)
            self._discard()

    def reopen(self) -> None:
        """Go on in a new file of the same name, for whoever has renamed the old one (log rotation).

        If it cannot be opened, the log goes on in the old one, and says so. A log that had stopped begins again.
        """
        if not self.path:
            return
        try:
            fresh = _opened(self.path)
        except ZduError as error:
            _log.error("%s; it goes on in the old file", error)
            return
        self.flush()
        self._discard()
        self._file = fresh

    def move(self, path: str) -> None:
        """Go on in the file at ``path``, or in none if that is empty. Raises ZduError if it cannot be opened."""
        fresh = _opened(path) if path else None
        self.flush()
        self._discard()
        self._lines.clear()
        self.path, self._file = path, fresh

    def close(self) -> None:
        """Write what is gathered and close the file."""
        self.flush()
        self._discard()

    def _discard(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            self._file = None


def _opened(path: str) -> IO[bytes]:
    try:
        return Path(path).open("ab", buffering=0)
    except OSError as error:
        message = f"cannot write the access log {path}: {error.strerror}"
        raise ZduError(message, hint="Check access_log_file.") from None
