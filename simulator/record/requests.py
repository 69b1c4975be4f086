"""Every request of every virtual user and probe, one line each, in ``requests.csv``.

All times are seconds since the run began. Latency counts from ``intended_s``, when the request should have been sent,
so that a generator or a connection that hangs cannot hide waiting time (coordinated omission).
"""

import csv
from collections.abc import Iterator
from dataclasses import MISSING, astuple, dataclass, fields
from pathlib import Path
from sys import intern
from typing import Any, TextIO, get_type_hints

OK = "ok"
OWN_TROUBLE = "own_trouble"
"""The request could not be sent for want of sockets or the like: no user's trouble, but a measurement less."""
PROBE_KINDS = ("probe_new", "probe_reused")
REQUEST_KINDS = (
    *("view_dashboard", "list_issues", "view_issue", "search_issues", "view_board"),
    *("open_create", "create_issue", "open_edit", "edit_issue", "comment_issue", "transition_issue"),
    *("open_bulk_edit", "bulk_choose", "bulk_change", "bulk_confirm", "bulk_edit"),
    *("open_login", "sign_in", "sign_out", *PROBE_KINDS),
)
"""Every kind of request that users and probes send."""
CONTROL_KIND = "probe_control"
"""The probe that looks at the machine and not at the cluster; its records are in ``control.csv``."""
ARRIVALS_NAME = "a"
"""So the names of the open model's sessions begin, ``a1.1``; those of users are ``s1.1``."""
REQUEST_ID_HEADER = "X-Request-Id"
"""Requests carry their number in it, so that the load balancer's log can be asked what became of each."""
_ID_PREFIX = "zdu-"


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request and what became of it.

    ``id`` is its number in this run, given as it is sent; ``outcome`` is ``ok`` or one word of what went wrong;
    ``attempts`` is how often the load balancer says it dispatched the request; ``signed_in`` tells that this answer
    came with a silent sign-in by remember-me; ``write`` is the unique text a writing request put into ``issue`` (or
    into several, with blanks between them), empty for reads; ``behind_s`` is how old the change was that a search
    did not show, 0 if it showed what it should; ``own_writes`` is how many of the user's own acknowledged writes the
    page had to show.
    """

    id: int
    session: str
    kind: str
    method: str
    path: str
    intended_s: float
    sent_s: float
    first_byte_s: float | None
    end_s: float
    node: str
    version: str
    connection: str
    status: int
    outcome: str
    detail: str
    attempts: int = 1
    signed_in: bool = False
    write: str = ""
    issue: str = ""
    behind_s: float = 0.0
    own_writes: int = 0

    @property
    def failed(self) -> bool:
        """Whether a person would have noticed."""
        return self.outcome not in {OK, OWN_TROUBLE}

    @property
    def user(self) -> str:
        """Who sent it, whatever session it was: ``s17`` for the session ``s17.2``."""
        return self.session.partition(".")[0]

    @property
    def latency_ms(self) -> float:
        """From the intended send time to the last byte."""
        return (self.end_s - self.intended_s) * 1000

    @property
    def is_probe(self) -> bool:
        """Whether a probe sent it, not a virtual user."""
        return self.kind in PROBE_KINDS

    @property
    def by_user(self) -> bool:
        """Whether a virtual user sent it; also what a probe does to sign in is not a user's."""
        return not self.session.startswith("probe")

    @property
    def is_arrival(self) -> bool:
        """Whether it belongs to the open model, whose sessions are called ``a1.1`` and so on."""
        return self.session.startswith(ARRIVALS_NAME)

    @property
    def issues(self) -> tuple[str, ...]:
        """The issues that it was to write to; one without a name if that is not known."""
        return tuple(self.issue.split()) or ("",)

    @property
    def acknowledged_write(self) -> bool:
        """Whether the application said that what this request wrote is kept."""
        return bool(self.write) and self.outcome == OK


def request_id(number: int) -> str:
    """The identifier that request ``number`` carries, and the load balancer logs."""
    return f"{_ID_PREFIX}{number}"


def number_of(identifier: str) -> int:
    """The number of the request with that identifier; 0 if it is none of ours."""
    number = identifier.removeprefix(_ID_PREFIX)
    ours = number != identifier and number.isascii() and number.isdecimal()
    return int(number) if ours else 0


COLUMNS = tuple(field.name for field in fields(RequestRecord))
_TYPES = get_type_hints(RequestRecord)
_REPEATED = {"session", "kind", "method", "node", "version", "connection", "outcome"}
"""Columns with a few words only: each word is kept in memory once, not in every record that was read back."""


class RequestWriter:
    """Appends records to an open CSV file."""

    def __init__(self, file: TextIO) -> None:
        self._rows = csv.writer(file, lineterminator="\n")
        self._rows.writerow(COLUMNS)

    def write(self, record: RequestRecord) -> None:
        """Append one line; times are kept to a tenth of a millisecond."""
        self._rows.writerow([_to_text(value) for value in astuple(record)])


def read_requests(path: Path) -> Iterator[RequestRecord]:
    """The records of a run, in the order in which they ended. A last line cut off by a crash is left out.

    A column that the file does not have yet, because an older version has written it, takes its default. Raises
    KeyError for a missing column that has none, ValueError for a value of the wrong kind.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        given = set(rows.fieldnames or ())
        columns = [field.name for field in fields(RequestRecord) if field.name in given or field.default is MISSING]
        for row in rows:
            if None not in row.values():
                yield RequestRecord(**{name: _from_text(name, row[name]) for name in columns})


def _to_text(value: object) -> object:
    if isinstance(value, bool):
        return int(value)
    return round(value, 4) if isinstance(value, float) else value


def _from_text(name: str, text: str) -> Any:
    wanted = _TYPES[name]
    if wanted is bool:
        return text == "1"
    if wanted == float | None:
        return float(text) if text else None
    return intern(text) if name in _REPEATED else wanted(text)
