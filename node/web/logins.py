"""Log-in attempts per user: what ``loginInfo`` tells, and a brake on guessing.

After a few failures in a row each further attempt has to wait, twice as long every time. Kept in the node's memory:
a modest brake, not a fortress.
"""

from collections import OrderedDict
from dataclasses import dataclass, replace

FREE_FAILURES = 5
"""Failures in a row that cost nothing: people mistype."""
LONGEST_WAIT_S = 60.0
"""Longer would let anyone lock out a user whose name they know."""
REMEMBERED_NAMES = 10_000
"""Names are given by strangers, so the book must not grow without end."""


@dataclass(frozen=True)
class LogInRecord:
    """One user's attempts on this node. ``blocked_until_s`` is monotonic; the other times are wall milliseconds."""

    logins: int = 0
    failures: int = 0
    last_failure_ms: int | None = None
    previous_login_ms: int | None = None
    last_login_ms: int | None = None
    blocked_until_s: float = float("-inf")


class LogInBook:
    """All records, the least recently tried forgotten first."""

    def __init__(self) -> None:
        self._records: OrderedDict[str, LogInRecord] = OrderedDict()

    def record(self, username: str) -> LogInRecord:
        """What is known of this name."""
        return self._records.get(_key(username), LogInRecord())

    def wait_s(self, username: str, now: float) -> float:
        """How long the next attempt under this name has to wait; 0 if it may be made now."""
        return max(0.0, self.record(username).blocked_until_s - now)

    def succeeded(self, username: str, wall_ms: int) -> LogInRecord:
        """Note a log-in; failures before it are forgiven."""
        old = self.record(username)
        new = LogInRecord(
            logins=old.logins + 1,
            last_failure_ms=old.last_failure_ms,
            previous_login_ms=old.last_login_ms,
            last_login_ms=wall_ms,
        )
        self._write(username, new)
        return new

    def failed(self, username: str, now: float, wall_ms: int) -> LogInRecord:
        """Note a failed attempt and how long the next one has to wait."""
        old = self.record(username)
        failures = old.failures + 1
        wait_s = 0.0 if failures < FREE_FAILURES else min(LONGEST_WAIT_S, 2.0 ** min(failures - FREE_FAILURES, 10))
        new = replace(old, failures=failures, last_failure_ms=wall_ms, blocked_until_s=now + wait_s)
        self._write(username, new)
        return new

    def _write(self, username: str, record: LogInRecord) -> None:
        key = _key(username)
        self._records[key] = record
        self._records.move_to_end(key)
        while len(self._records) > REMEMBERED_NAMES:
            self._records.popitem(last=False)


def _key(username: str) -> str:
    return username.strip().lower()
