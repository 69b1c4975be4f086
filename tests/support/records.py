"""Records of requests as the data path leaves them: whatever facts a test names, and the beginning's for the rest."""

from typing import Any, TypeVar

from lb.telemetry.record import AttemptRecord, RequestRecord

_RecordT = TypeVar("_RecordT", AttemptRecord, RequestRecord)


def attempt_record(node: str, **facts: object) -> AttemptRecord:
    """An attempt at ``node`` of which these facts are known."""
    return _with(AttemptRecord(node), facts)


def request_record(**facts: object) -> RequestRecord:
    """A request of which these facts are known."""
    return _with(RequestRecord("", "", "", "", 0.0), facts)


def attributes_of(known: type[Any]) -> set[str]:
    """The names of a class's attributes: its slots, or what a compiled class has instead."""
    return set(getattr(known, "__mypyc_attrs__", ()) or known.__slots__)


def _with(record: _RecordT, facts: dict[str, object]) -> _RecordT:
    for name, value in facts.items():
        setattr(record, name, value)
    return record
