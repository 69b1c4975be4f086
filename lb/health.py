"""What the load balancer thinks of one node, from its health checks alone.

Theory of operation. A check ends in one of four outcomes. PASS needs status 200 *and* the expected state word in the
JSON body: Jira answers 200 while STARTING and STOPPING too. DRAIN is the node's own wish to be drained, told by a
state word in the body (HAProxy's ``disable-on-404``, in words): it still serves all that comes. LEAVE is its word
that it takes nothing any more (what ``stopped`` is to HAProxy's agent check). Everything else is FAIL. The outcomes
drive this machine; ``rise`` and ``fall`` are HAProxy's::

    state       PASS                    FAIL                      DRAIN        LEAVE
    INIT        UP                      DOWN                      STOPPING     DOWN
    UP          UP                      GOING_DOWN, DOWN at fall  STOPPING     DOWN
    GOING_DOWN  UP                      GOING_DOWN, DOWN at fall  STOPPING     DOWN
    DOWN        GOING_UP, UP at rise    DOWN                      STOPPING     DOWN
    GOING_UP    GOING_UP, UP at rise    DOWN                      STOPPING     DOWN
    STOPPING    UP (*)                  STOPPING, DOWN at fall    STOPPING     DOWN

A node that nobody has checked yet (INIT) takes nothing, and its first pass is enough: after a start of the load
balancer there is no bad past to be careful about. (*) A node that withdraws its wish never stopped serving and is UP
at once, as in HAProxy; a pass by a *new process* (another boot id) is a recovery and needs ``rise`` passes.
One DRAIN or LEAVE answer suffices: a node is believed at once what it says against itself. To wait for ``fall`` would
be to begin the drain too late, or to send users to a node that has just said that it will refuse them.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from lb.config import HealthConfig


class Operational(StrEnum):
    """A node's operational state; what its administrator wants is kept apart, in the pool."""

    INIT = "INIT"
    UP = "UP"
    GOING_DOWN = "GOING_DOWN"
    DOWN = "DOWN"
    GOING_UP = "GOING_UP"
    STOPPING = "STOPPING"
    """HAProxy's name for a server in soft stop: it serves, and is to be left alone."""


class Outcome(StrEnum):
    """What one check says."""

    PASS = "PASS"  # noqa: S105 - a check's outcome, not a password
    FAIL = "FAIL"
    DRAIN = "DRAIN"
    LEAVE = "LEAVE"


class Rng(Protocol):
    """The part of ``random.Random`` that spreads checks in time."""

    def uniform(self, a: float, b: float, /) -> float:
        """A number between ``a`` and ``b``."""
        ...


@dataclass(frozen=True)
class CheckResult:
    """One finished check. ``check_status`` is HAProxy's word: L7OK, L7OKC, L7STS, L7RSP, L7TOUT, L4CON, L4TOUT."""

    outcome: Outcome
    check_status: str
    detail: str = ""
    code: int = 0
    body: str = ""
    boot_id: str = ""
    sequence: int = -1
    duration_ms: float = 0.0


@dataclass(frozen=True)
class HealthChange:
    """What one check result did: the state before and after, why, and whether a new process answered."""

    before: Operational
    after: Operational
    reason: str
    rebooted: bool = False

    @property
    def changed(self) -> bool:
        """True if the operational state is another one now."""
        return self.before is not self.after


@dataclass
class _Counters:
    """Passes in a row and failures in a row."""

    passes: int = 0
    fails: int = 0


_Rule = Callable[[_Counters, HealthConfig], Operational]


def _always(state: Operational) -> _Rule:
    return lambda _counters, _config: state


def _until_fall(state: Operational) -> _Rule:
    return lambda counters, config: Operational.DOWN if counters.fails >= config.fall else state


def _until_rise(counters: _Counters, config: HealthConfig) -> Operational:
    return Operational.UP if counters.passes >= config.rise else Operational.GOING_UP


TRANSITIONS: dict[tuple[Operational, Outcome], _Rule] = {
    (Operational.INIT, Outcome.PASS): _always(Operational.UP),
    (Operational.INIT, Outcome.FAIL): _always(Operational.DOWN),
    (Operational.UP, Outcome.PASS): _always(Operational.UP),
    (Operational.UP, Outcome.FAIL): _until_fall(Operational.GOING_DOWN),
    (Operational.GOING_DOWN, Outcome.PASS): _always(Operational.UP),
    (Operational.GOING_DOWN, Outcome.FAIL): _until_fall(Operational.GOING_DOWN),
    (Operational.DOWN, Outcome.PASS): _until_rise,
    (Operational.DOWN, Outcome.FAIL): _always(Operational.DOWN),
    (Operational.GOING_UP, Outcome.PASS): _until_rise,
    (Operational.GOING_UP, Outcome.FAIL): _always(Operational.DOWN),
    (Operational.STOPPING, Outcome.PASS): _always(Operational.UP),
    (Operational.STOPPING, Outcome.FAIL): _until_fall(Operational.STOPPING),
    **{(state, Outcome.DRAIN): _always(Operational.STOPPING) for state in Operational},
    **{(state, Outcome.LEAVE): _always(Operational.DOWN) for state in Operational},
}

_IN_TRANSITION = frozenset({Operational.INIT, Operational.GOING_DOWN, Operational.GOING_UP})


class NodeHealth:
    """The health of one node: feed it check results, ask it when to check next."""

    def __init__(self, config: HealthConfig) -> None:
        self._config = config
        self._counters = _Counters()
        self.state = Operational.INIT
        self.last: CheckResult | None = None
        self.last_at_s: float | None = None
        self.failed_checks = 0
        self._boot_id = ""
        self._sequence = -1

    def __repr__(self) -> str:
        return f"<NodeHealth {self.state} passes={self.passes} fails={self.fails}>"

    def configure(self, config: HealthConfig) -> None:
        """Go by these settings from now on; what was found so far stays."""
        self._config = config

    @property
    def passes(self) -> int:
        """Passed checks in a row."""
        return self._counters.passes

    @property
    def fails(self) -> int:
        """Failed checks in a row."""
        return self._counters.fails

    def observe(self, result: CheckResult, now: float) -> HealthChange | None:
        """Take in one check result at ``now`` (monotonic seconds); None if it is older than one already known."""
        if self._is_outdated(result):
            return None
        before = self.state
        rebooted = bool(result.boot_id and self._boot_id and result.boot_id != self._boot_id)
        if result.boot_id:
            self._boot_id, self._sequence = result.boot_id, result.sequence
        self.last, self.last_at_s = result, now
        self._count(result.outcome, rebooted=rebooted)
        self.state = self._next_state(result.outcome, rebooted=rebooted)
        return HealthChange(before, self.state, self._reason(result), rebooted)

    def next_check_in(self, rng: Rng) -> float:
        """Seconds until the next check: ``fastinter`` in transition, ``downinter`` when down, spread by jitter."""
        config = self._config
        interval = config.inter
        if self.state in _IN_TRANSITION or (self.state is Operational.STOPPING and self.fails):
            interval = config.inter if config.fastinter is None else config.fastinter
        elif self.state is Operational.DOWN:
            interval = config.inter if config.downinter is None else config.downinter
        return interval * (1.0 + rng.uniform(-config.jitter, config.jitter))

    def _is_outdated(self, result: CheckResult) -> bool:
        return bool(result.boot_id) and result.boot_id == self._boot_id and result.sequence < self._sequence

    def _count(self, outcome: Outcome, *, rebooted: bool) -> None:
        if outcome is Outcome.PASS:
            self._counters.passes = 1 if rebooted else self._counters.passes + 1
            self._counters.fails = 0
        elif outcome in {Outcome.FAIL, Outcome.LEAVE}:
            self._counters.passes = 0
            self._counters.fails += 1
            self.failed_checks += 1
        else:
            self._counters = _Counters()

    def _next_state(self, outcome: Outcome, *, rebooted: bool) -> Operational:
        state = self.state
        if state is Operational.STOPPING and outcome is Outcome.PASS and rebooted:
            state = Operational.DOWN
        return TRANSITIONS[state, outcome](self._counters, self._config)

    def _reason(self, result: CheckResult) -> str:
        text = f"{result.check_status} {result.detail}".strip()
        if self.state is Operational.GOING_UP:
            return f"{text} (pass {self.passes} of {self._config.rise})"
        if self.state in {Operational.GOING_DOWN, Operational.STOPPING} and self.fails:
            return f"{text} (failure {self.fails} of {self._config.fall})"
        return text


_BODY_SHOWN = 200
"""How many characters of a check's body the status page shows."""


def classify(status: int, body: bytes, config: HealthConfig, *, heed_drain: bool = True) -> CheckResult:
    """What an HTTP answer to a check means.

    With ``heed_drain`` false a node that drains or leaves has just failed its check. An empty ``expect_state`` asks
    for status 200 only, for servers that do not tell their state.
    """
    shown = body.decode("utf-8", "replace")[:_BODY_SHOWN]
    facts = _facts(body)
    state = facts.get("state")
    boot_id, sequence = facts.get("bootId"), facts.get("sequence")

    def result(outcome: Outcome, check_status: str, detail: str) -> CheckResult:
        return CheckResult(
            outcome,
            check_status,
            detail,
            status,
            shown,
            boot_id if isinstance(boot_id, str) else "",
            sequence if isinstance(sequence, int) else -1,
        )

    if heed_drain and isinstance(state, str) and state in config.drain_states:
        return result(Outcome.DRAIN, "L7OKC", f"the node says {state}")
    if heed_drain and isinstance(state, str) and state in config.stopping_states:
        return result(
            Outcome.LEAVE, "L7RSP" if status == 200 else "L7STS", f"the node says {state}, it takes no more"
        )
    if status != 200:
        said = f", the node says {state}" if isinstance(state, str) else ""
        return result(Outcome.FAIL, "L7STS", f"status {status}{said}")
    if config.expect_state and state != config.expect_state:
        said = f"the node says {state}" if isinstance(state, str) else "the body names no state"
        return result(Outcome.FAIL, "L7RSP", f"{said}, expected {config.expect_state}")
    return result(Outcome.PASS, "L7OK", f"the node says {state}" if isinstance(state, str) else "status 200")


def _facts(body: bytes) -> dict[str, object]:
    try:
        facts = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return facts if isinstance(facts, dict) else {}
