"""What the dashboard is fed with: the record as it is written, and the figures of the moment.

The record is what counts; everything here is taken from it. Where users are at work is told as moves, so that a page
that follows two hundred users gets a few words and not two hundred.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from simulator.record.recorder import Recorder
from simulator.record.requests import RequestRecord
from simulator.view.model import ViewModel
from simulator.view.words import event_line
from zdu.events import Envelope

FAILURES_KEPT = 100
MOVES_KEPT = 20_000


@dataclass(frozen=True)
class Move:
    """A user was answered by another node than before; ``node`` is empty for one who went home."""

    number: int
    user: str
    node: str


class Feed:
    """Follows a recorder on behalf of every open page."""

    def __init__(self, recorder: Recorder, node_ids: Sequence[str]) -> None:
        self.model = ViewModel.of(tuple(node_ids))
        self.balancer: dict[str, dict[str, Any]] = {}
        self.members: dict[str, dict[str, Any]] = {}
        self.at: dict[str, str] = {}
        self.answered: Counter[str] = Counter()
        """How many of the users' requests each version has answered well; the probes' do not count."""
        self.verdict: dict[str, Any] | None = None
        self.closed = False
        self._recorder = recorder
        self._moves: deque[Move] = deque(maxlen=MOVES_KEPT)
        self._moved = 0
        self._failures: deque[tuple[int, dict[str, Any]]] = deque(maxlen=FAILURES_KEPT)
        self._failed = 0
        self._changed = asyncio.Event()
        recorder.follow(self._on_event, self._on_request)

    def envelopes_after(self, seq: int) -> list[Envelope]:
        """The record from the event after number ``seq`` on; events are numbered from 1 without a gap."""
        return self._recorder.envelopes[max(0, seq) :]

    @property
    def last_seq(self) -> int:
        """The number of the newest event."""
        return len(self._recorder.envelopes)

    @property
    def last_move(self) -> int:
        """The number of the newest move."""
        return self._moved

    @property
    def last_failure(self) -> int:
        """The number of the newest failed request."""
        return self._failed

    def moves_after(self, number: int) -> list[list[str]] | None:
        """User and node of each move since move ``number``; None if some of them are forgotten already."""
        if self._moves and number < self._moves[0].number - 1:
            return None
        return [[move.user, move.node] for move in self._moves if move.number > number]

    def failures_after(self, number: int) -> list[dict[str, Any]]:
        """The failed requests since failure ``number``, as far as they are kept."""
        return [failure for its_number, failure in self._failures if its_number > number]

    def figures(self) -> dict[str, Any]:
        """The figures of the last seconds, the totals, and what load balancer and cluster say of each node."""
        now_s = self._recorder.now_s()
        seen = {"balancer": self.balancer, "members": self.members, "answered": dict(self.answered)}
        return {"t_s": round(now_s, 2), **asdict(self.model.figures(now_s)), **seen}

    def tell_verdict(self, verdict: Mapping[str, Any]) -> None:
        """The cluster is down, and this is what came of it."""
        self.verdict = dict(verdict)
        self._notify()

    def close(self) -> None:
        """Let no page wait any more."""
        self.closed = True
        self._notify()

    async def changed(self, *, within_s: float) -> None:
        """Return when something was recorded, or after ``within_s`` seconds."""
        event = self._changed
        try:
            async with asyncio.timeout(within_s):
                await event.wait()
        except TimeoutError:
            return

    def _on_event(self, envelope: Envelope) -> None:
        self.model.on_event(envelope)
        self._notify()

    def _on_request(self, request: RequestRecord) -> None:
        self.model.on_request(request)
        if request.failed:
            self._failed += 1
            self._failures.append((self._failed, _failure(request)))
        elif not request.is_probe:
            self.answered[request.version] += 1
            if request.node and self.at.get(request.user) != request.node:
                self.at[request.user] = request.node
                self._moved += 1
                self._moves.append(Move(self._moved, request.user, request.node))

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def record_line(envelope: Envelope) -> dict[str, Any]:
    """An event as the page gets it: as in ``events.jsonl``, and with what it says to a person."""
    return {
        "seq": envelope.seq,
        "t_s": round(envelope.t_s, 3),
        "kind": envelope.event.kind,
        **asdict(envelope.event),
        "words": event_line(envelope.event),
    }


def _failure(request: RequestRecord) -> dict[str, Any]:
    return {
        "t_s": round(request.end_s, 2),
        "user": request.user,
        "kind": request.kind,
        "node": request.node,
        "outcome": request.outcome,
        "detail": request.detail,
    }
