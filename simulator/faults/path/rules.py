"""What a path does to those who pass: the rules that are on, which of them a request meets, and how often. Pure."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, get_args

Kind = Literal[
    "latency",
    "bandwidth",
    "reset",
    "slow_close",
    "blackhole",
    "partition",
    "error_rate",
    "error_first_n",
    "slow_body",
    "lies_ok",
    "flaps",
    "hangs",
]
KINDS: tuple[str, ...] = get_args(Kind)
HEALTH_KINDS = frozenset({"lies_ok", "flaps", "hangs"})
"""What concerns health checks only."""
USER_KINDS = frozenset({"error_rate", "error_first_n", "slow_body"})
"""What concerns everything but health checks."""
LIVE_KINDS = frozenset({"blackhole", "partition"})
"""What concerns the whole path, whatever passes."""
HEALTH_TARGET = "/status"


@dataclass
class Rule:
    """One fault of a path. ``values`` are its figures (seconds, bytes per second, counts), ``since_s`` its start."""

    kind: str
    probability: float = 1.0
    values: dict[str, float] = field(default_factory=dict)
    since_s: float = 0.0
    count: int = 0

    def hit(self) -> None:
        """It has taken effect."""
        self.count += 1


@dataclass(frozen=True)
class Answer:
    """What the path answers in the node's place."""

    status: int
    body: str


@dataclass
class Rules:
    """The rules of one path, in the order in which they were put on."""

    rng: random.Random
    on: dict[int, Rule] = field(default_factory=dict)
    health_target: str = HEALTH_TARGET
    """What a health check asks for."""

    def find(self, kind: str) -> Rule | None:
        """The first rule of that kind."""
        return next((rule for rule in self.on.values() if rule.kind == kind), None)

    def meet(self, target: str) -> list[Rule]:
        """The rules that a request for ``target`` meets: chance decides, for each request anew."""
        apart = USER_KINDS if target.partition("?")[0] == self.health_target else HEALTH_KINDS
        return [
            rule
            for rule in self.on.values()
            if rule.kind not in apart | LIVE_KINDS and (rule.probability >= 1 or self.rng.random() < rule.probability)
        ]

    def answer(self, met: list[Rule], now_s: float) -> Answer | None:
        """What is answered in the node's place; None if the node is asked."""
        for rule in met:
            found = _answer(rule, now_s)
            if found:
                rule.hit()
                return found
        return None

    def delay_s(self, met: list[Rule]) -> float:
        """By how much an answer comes later."""
        latencies = [rule for rule in met if rule.kind == "latency"]
        for rule in latencies:
            rule.hit()
        return sum(
            max(0.0, rule.values["latency"] + self.rng.uniform(-1, 1) * rule.values.get("jitter", 0.0))
            for rule in latencies
        )


def _answer(rule: Rule, now_s: float) -> Answer | None:
    match rule.kind:
        case "error_rate":
            return Answer(int(rule.values["status"]), "an error of the rehearsal")
        case "error_first_n" if rule.count < rule.values["n"]:
            return Answer(int(rule.values["status"]), "an error of the rehearsal")
        case "lies_ok":
            return Answer(200, '{"state":"RUNNING"}')
        case "flaps" if int((now_s - rule.since_s) / rule.values["every"]) % 2 == 0:
            return Answer(503, '{"state":"ERROR"}')
    return None


def pieces(data: bytes, bytes_per_s: float, tick_s: float) -> Iterator[bytes]:
    """``data`` in the pieces that pass in one ``tick_s`` each."""
    size = max(1, int(bytes_per_s * tick_s))
    for start in range(0, len(data), size):
        yield data[start : start + size]
