"""What the load balancer thinks of one node, from its health checks and from what users' requests tell.

Theory of operation. A check ends in one of four outcomes. PASS needs the expected status *and* the expected state
word in the JSON body: Jira answers 200 while STARTING and STOPPING too. DRAIN is the node's own wish to be drained,
told by a state word in the body (HAProxy's ``disable-on-404``, in words): it still serves all that comes. LEAVE is
its word that it takes nothing any more (what ``stopped`` is to HAProxy's agent check). Everything else is FAIL. A
fifth, EJECT, is no check's word: users' requests failed (:mod:`lb.passive`; HAProxy's ``on-error mark-down``). The
outcomes drive this machine; ``rise`` and ``fall`` are HAProxy's::

    state       PASS                    FAIL                      DRAIN        LEAVE   EJECT
    INIT        UP                      DOWN                      STOPPING     DOWN    INIT
    UP          UP                      GOING_DOWN, DOWN at fall  STOPPING     DOWN    DOWN
    GOING_DOWN  UP                      GOING_DOWN, DOWN at fall  STOPPING     DOWN    DOWN
    DOWN        GOING_UP, UP at rise    DOWN                      DOWN         DOWN    DOWN
    GOING_UP    GOING_UP, UP at rise    DOWN                      DOWN         DOWN    GOING_UP
    STOPPING    UP (*)                  STOPPING, DOWN at fall    STOPPING     DOWN    DOWN

A node that nobody has checked yet (INIT) takes nothing; sessions that are bound to it wait for the check
(:mod:`lb.pool`). Its first pass is enough: after a start of the load balancer there is no bad past to be careful
about. For the same reason a first answer of DRAIN is believed: the load balancer started again while the node was
being drained, and its users are still there. A node that was found DOWN has no users to keep, and the wish to be
drained proves nothing about its health: it stays DOWN until it has passed ``rise`` checks. (*) A node that withdraws
its wish never stopped serving and is UP at once, as in HAProxy; a pass by a *new process* (another boot id) is a
recovery and needs ``rise`` passes. One DRAIN or LEAVE answer suffices: a node is believed at once what it says
against itself. To wait for ``fall`` would be to begin the drain too late, or to send users to a node that has just
said that it will refuse them. EJECT sets the counts back, so that it takes ``rise`` passes to come back; a request
that was under way when the node was already out changes nothing.

``fall`` is what keeps a lost check from being an outage: fewer lost ones in a row never are. If each check is lost
with probability p, whatever became of the one before, a node that is well goes DOWN by bad luck once in
(1 - p**fall) / ((1 - p) * p**fall) checks: with 1 % and ``fall: 3`` once in a million, with 30 % once in 52. Where
checks get lost that often without any order, ``fall: 8`` makes it once in 22,000.
"""

import json
import re
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
    """What one check says; or, EJECT, what users' requests say."""

    PASS = "PASS"  # noqa: S105 - a check's outcome, not a password
    FAIL = "FAIL"
    DRAIN = "DRAIN"
    LEAVE = "LEAVE"
    EJECT = "EJECT"


class Rng(Protocol):
    """The part of ``random.Random`` that spreads checks in time."""

    def uniform(self, a: float, b: float, /) -> float:
        """A number between ``a`` and ``b``."""
        ...


@dataclass(frozen=True)
class CheckResult:
    """One finished check.

    ``check_status`` is HAProxy's word: L7OK, L7OKC, L7STS, L7RSP, L7TOUT, L4CON, L4TOUT, SOCKERR.
    """

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
    """What one check result or an ejection did: the states before and after, why, and if a new process answered."""

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
    (Operational.DOWN, Outcome.DRAIN): _always(Operational.DOWN),
    (Operational.GOING_UP, Outcome.DRAIN): _always(Operational.DOWN),
    **{(state, Outcome.LEAVE): _always(Operational.DOWN) for state in Operational},
    **{(state, Outcome.EJECT): _always(Operational.DOWN) for state in Operational},
    (Operational.INIT, Outcome.EJECT): _always(Operational.INIT),
    (Operational.GOING_UP, Outcome.EJECT): _always(Operational.GOING_UP),
}

_IN_TRANSITION = frozenset({Operational.INIT, Operational.GOING_DOWN, Operational.GOING_UP})
_OUT = frozenset({Operational.INIT, Operational.DOWN, Operational.GOING_UP})


class NodeHealth:
    """The health of one node: feed it check results, ask it when to check next."""

    def __init__(self, config: HealthConfig) -> None:
        self._config = config
        self._counters = _Counters()
        self.state = Operational.INIT
        self.last: CheckResult | None = None
        self.last_at_s: float | None = None
        self.failed_checks = 0
        """Checks that failed since the start."""
        self.ejected = False
        """Whether it is out for what users' requests told alone: no check has failed since."""
        self._boot_id = ""
        self._sequence = -1
        self._on_hurry: Callable[[], None] = lambda: None

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
        self.failed_checks += result.outcome is Outcome.FAIL
        self._count(result.outcome, rebooted=rebooted)
        self.state = self._next_state(result.outcome, rebooted=rebooted)
        if self.state not in _OUT or result.outcome in {Outcome.FAIL, Outcome.LEAVE}:
            self.ejected = False
        return HealthChange(before, self.state, self._reason(result), rebooted)

    def eject(self, reason: str) -> HealthChange:
        """Users' requests failed: the node is out until ``rise`` checks have passed; and it is checked soon."""
        before = self.state
        if before not in _OUT:
            self._counters = _Counters()
            self.ejected = True
        self.state = TRANSITIONS[before, Outcome.EJECT](self._counters, self._config)
        self.hurry()
        return HealthChange(before, self.state, reason)

    def hurry(self) -> None:
        """Something is amiss with the node: whoever checks it does so again within ``fastinter``."""
        self._on_hurry()

    def on_hurry(self, on_hurry: Callable[[], None]) -> None:
        """Call ``on_hurry`` each time that the next check is wanted within :meth:`fast_check_in` seconds."""
        self._on_hurry = on_hurry

    def next_check_in(self, rng: Rng) -> float:
        """Seconds until the next check: ``fastinter`` in transition, ``downinter`` when down, spread by jitter."""
        config = self._config
        if self.state in _IN_TRANSITION or (self.state is Operational.STOPPING and self.fails):
            return self.fast_check_in(rng)
        if self.state is Operational.DOWN and config.downinter is not None:
            return self._spread(config.downinter, rng)
        return self._spread(config.inter, rng)

    def fast_check_in(self, rng: Rng) -> float:
        """Seconds until the next check of a node that is in transition or under suspicion."""
        config = self._config
        return self._spread(config.inter if config.fastinter is None else config.fastinter, rng)

    def _spread(self, interval_s: float, rng: Rng) -> float:
        return interval_s * (1.0 + rng.uniform(-self._config.jitter, self._config.jitter))

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

    With ``heed_drain`` false a node that drains or leaves has just failed its check. An empty ``expect_state`` is for
    servers that do not tell their state: then ``expect_status`` is enough, and ``expect_body`` if there is one. The
    words of the state come before ``expect_body``: a node that says that it is stopping need not say it nicely.
    """
    facts = _facts(body)
    said, boot_id, sequence = facts.get("state"), facts.get("bootId"), facts.get("sequence")
    state = said if isinstance(said, str) else None
    outcome, check_status, detail = _judged(status, state, body, config, heed_drain=heed_drain)
    return CheckResult(
        outcome,
        check_status,
        detail,
        status,
        body[: 4 * _BODY_SHOWN].decode("utf-8", "replace")[:_BODY_SHOWN],
        boot_id if isinstance(boot_id, str) else "",
        sequence if isinstance(sequence, int) else -1,
    )


def _judged(
    status: int, state: str | None, body: bytes, config: HealthConfig, *, heed_drain: bool
) -> tuple[Outcome, str, str]:
    """Outcome, HAProxy's word, and what people are told."""
    if heed_drain and state in config.drain_states:
        return Outcome.DRAIN, "L7OKC", f"the node says {state}"
    if heed_drain and status == config.drain_status and _found(config.drain_body, body):
        return Outcome.DRAIN, "L7OKC", f"status {status}, by which the node asks to be drained"
    if heed_drain and state in config.stopping_states:
        word = "L7RSP" if status == config.expect_status else "L7STS"
        return Outcome.LEAVE, word, f"the node says {state}, it takes no more"
    if status != config.expect_status:
        said = f", the node says {state}" if state is not None else ""
        return Outcome.FAIL, "L7STS", f"status {status}{said}"
    if config.expect_state and state != config.expect_state:
        said = f"the node says {state}" if state is not None else "the body names no state"
        return Outcome.FAIL, "L7RSP", f"{said}, expected {config.expect_state}"
    if not _found(config.expect_body, body):
        return Outcome.FAIL, "L7RSP", f"the body does not match {config.expect_body}"
    return Outcome.PASS, "L7OK", f"the node says {state}" if state is not None else f"status {status}"


def _found(pattern: str, body: bytes) -> bool:
    """Whether the body has what the pattern asks for; an empty one asks for nothing."""
    return not pattern or re.search(pattern, body.decode("utf-8", "replace")) is not None


def _facts(body: bytes) -> dict[str, object]:
    try:
        facts = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return facts if isinstance(facts, dict) else {}
