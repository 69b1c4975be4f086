"""Reads the record of a run back: whoever judges or shows a run starts from what is in its folder, and from no more.

A record may break off (its run was killed): what was written until then is read. One that is damaged, or that another
version of zdu has written, is told in one message.
"""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from simulator.record.requests import RequestRecord, read_requests
from simulator.record.run_folder import RunFolder
from zdu.errors import UsageError
from zdu.events import Envelope, RunStarted

EVENTS = "events.jsonl"
REQUESTS = "requests.csv"
CONTROL = "control.csv"


class UnreadableRecord(UsageError):
    """The record of a run is not there, is damaged, or was written by another version."""


@dataclass(frozen=True)
class RunRecord:
    """What a run has left: its folder, what happened, every request to the cluster, and every control probe."""

    folder: RunFolder
    envelopes: list[Envelope]
    requests: list[RequestRecord]
    control: list[RequestRecord]

    @property
    def started(self) -> RunStarted:
        """The run and its set-up, which every record begins with."""
        first = self.envelopes[0].event
        if not isinstance(first, RunStarted):
            raise TypeError("read_run lets no record through that begins otherwise")
        return first


def read_run(folder: RunFolder) -> RunRecord:
    """The record in ``folder``. Raises UnreadableRecord with what is wrong, where, and what to try."""
    try:
        envelopes = list(_envelopes(folder.path / EVENTS))
        requests = list(_requests(folder.path / REQUESTS))
        control = list(_requests(folder.path / CONTROL)) if (folder.path / CONTROL).exists() else []
    except OSError as error:
        raise UnreadableRecord(
            f"the record of {folder.path} cannot be read: {error.strerror}: {error.filename}",
            hint="zdu run names its folder at its end; it has events.jsonl and requests.csv.",
        ) from error
    if not envelopes or not isinstance(envelopes[0].event, RunStarted):
        raise UnreadableRecord(
            f"{folder.path / EVENTS} does not begin with the start of a run",
            hint="The run ended before it had begun; play it again.",
        )
    return RunRecord(folder, envelopes, requests, control)


def _envelopes(path: Path) -> Iterator[Envelope]:
    """All whole lines; the last one may be cut off."""
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.endswith(b"\n"):
                return
            try:
                yield Envelope.from_json(line.decode())
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise UnreadableRecord(
                    f"{path}, line {number}, is no event that this zdu knows: {_reason(error)}",
                    hint="It is damaged, or another version of zdu has written it; that version can read it.",
                ) from error


def _requests(path: Path) -> Iterator[RequestRecord]:
    try:
        yield from read_requests(path)
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        raise UnreadableRecord(
            f"{path} does not hold requests as this zdu writes them: {_reason(error)}",
            hint="It is damaged, or another version of zdu has written it; that version can read it.",
        ) from error


def _reason(error: Exception) -> str:
    """What a person can make something of."""
    match error:
        case json.JSONDecodeError():
            return f"it is not JSON ({error.msg} at character {error.pos + 1})"
        case UnicodeDecodeError():
            return "it is not text"
        case KeyError():
            return f"{error} is missing"
    return str(error)
