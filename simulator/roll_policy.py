"""What an operator wants of a rolling upgrade, and how careful they are. Pure."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

Order = Literal["listed", "reverse", "random"]
Drain = Literal["own", "none", "deadline"]
OnBreach = Literal["abort", "pause", "rollback"]
PAUSE_DEADLINE_S = 30.0
"""How long a roll that is paused waits for a person, unless it says: a rehearsal is not left alone for long."""


@dataclass(frozen=True)
class RollPolicy:
    """What the operator wants: every node of ``order`` on ``to_version``, and how.

    No node leaves while ``most_out`` are out, and never the last that serves; without ``node_deadline_s`` a
    node may be away for ever.
    A pause is over after ``pause_deadline_s``, put right or not.
    ``canary_expect`` are sentences about the canary's users; who looks whether they hold tells the resolver.
    ``taking_back`` is set for the way back after a breach: crashed nodes are started again, and so are those that run
    the wanted version and still ask to be drained.
    """

    order: tuple[str, ...]
    to_version: str
    drain: Drain = "own"
    drain_deadline_s: float = 0.0
    batch: int = 1
    max_unavailable: int | None = None
    canary: int = 0
    canary_watch_s: float = 0.0
    canary_expect: tuple[str, ...] = ()
    min_healthy_s: float = 0.0
    node_deadline_s: float | None = None
    on_breach: OnBreach = "abort"
    pause_deadline_s: float = PAUSE_DEADLINE_S
    pause_while_out_s: float = 0.0
    pause_after_s: float = 0.0
    taking_back: bool = False
    park: bool = False
    """Whether an only node is stopped although nobody else serves: the load balancer holds requests meanwhile."""

    @property
    def most_out(self) -> int:
        """So many nodes may be out at once: as many as go together, unless it says otherwise."""
        return self.max_unavailable or self.batch

    @property
    def batches(self) -> tuple[tuple[str, ...], ...]:
        """``order``, cut: the canary, then ``batch`` nodes at a time, fewer in the last."""
        canary, rest = self.order[: self.canary], self.order[self.canary :]
        cut = tuple(rest[start : start + self.batch] for start in range(0, len(rest), self.batch))
        return (canary, *cut) if canary else cut

    @property
    def longest_pause_s(self) -> float:
        """The longest that the roll may wait because it is told to."""
        return max(self.pause_while_out_s, self.drain_deadline_s, self.rest_s(0))

    def rest_s(self, batch: int) -> float:
        """How long the nodes of that batch must have served before others leave."""
        watch_s = self.canary_watch_s if self.canary and batch == 0 else 0.0
        return self.min_healthy_s + max(self.pause_after_s, watch_s)


def ordered(names: tuple[str, ...], order: Order, seed: int) -> tuple[str, ...]:
    """The nodes in the order in which they are rolled; ``random`` is the same for the same seed."""
    match order:
        case "listed":
            return names
        case "reverse":
            return names[::-1]
        case "random":
            return tuple(sorted(names, key=lambda name: sha256(f"{seed}:{name}".encode()).digest()))
