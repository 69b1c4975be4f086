"""LB lag: for how long the load balancer still sent requests to a node that had said that it was leaving. Pure.

A node says so when it goes from RUNNING to DRAINING or to STOPPING. It writes that moment into its log, to the
millisecond, and the load balancer writes into its own when it began each attempt: both are read at the end. Where
there is no such log (another load balancer, another application), the moment is the first look at ``/status`` that
showed it, up to a fifth of a second late, and the requests are those that the node answered, dated from when their
client sent them. New and reused are the *client's* connections, as the probes have them: on a kept-alive one a load
balancer may go on for longer. OpenShift calls this figure the lag of the load balancer.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from simulator.verdict.model import Evidence
from zdu.events import BalancerAudited, Envelope, NodeLogsAudited, NodeObserved

LEAVING = frozenset({"DRAINING", "STOPPING"})
BY_LOGS_MS = 1.0
"""How exact the moment is where the node's log tells it."""
BY_LOOKING_MS = 200.0
"""How late the moment may be known where only looking tells it; the true lag is then longer by up to so much."""
CONNECTIONS = ("new", "reused")


@dataclass(frozen=True)
class Leaving:
    """A node was leaving from ``said_s`` on, and in STOPPING from ``stopping_s`` on, until it was RUNNING again."""

    node: str
    said_s: float
    stopping_s: float | None
    back_s: float | None
    exact_to_ms: float

    def covers(self, node: str, t_s: float) -> bool:
        """Whether ``node`` was leaving, or away, at that moment."""
        return node == self.node and self.said_s < t_s and (self.back_s is None or t_s < self.back_s)


@dataclass(frozen=True)
class Reached:
    """The requests that reached a node after a moment: how many, and the last one's distance from it."""

    requests: int = 0
    last_ms: float | None = None

    @classmethod
    def after(cls, moment_s: float, at_s: Iterable[float]) -> "Reached":
        """Those of ``at_s`` that are later than ``moment_s``."""
        late = [t_s for t_s in at_s if t_s > moment_s]
        return cls(len(late), round((max(late) - moment_s) * 1000, 1)) if late else cls()


@dataclass(frozen=True)
class Lag:
    """What still reached one leaving node: by the client's connection, and once it was STOPPING on any."""

    leaving: Leaving
    new: Reached
    reused: Reached
    after_stopping: Reached


def find_lags(evidence: Evidence) -> list[Lag]:
    """The lag of each time that a node said it was leaving, in their order."""
    leavings = find_leavings(evidence)
    arrivals = _arrivals(evidence)
    return [_lag(leaving, arrivals) for leaving in leavings]


def longest_ms(reached: Iterable[Reached]) -> float | None:
    """The longest of several; None if no request came late anywhere."""
    return max((one.last_ms for one in reached if one.last_ms is not None), default=None)


def find_leavings(evidence: Evidence) -> list[Leaving]:
    """When each node said that it was leaving: from its log where there is one, else from looking at it."""
    by_log = [
        (state["t_s"], state["node"], state["state"])
        for _, audit in evidence.events(NodeLogsAudited)
        for state in audit.states
    ]
    seen = states_seen(evidence.envelopes)
    logged = {node for _, node, _ in by_log}
    looked_at = [told for told in seen if told[1] not in logged]
    found = [*leavings_in(by_log, BY_LOGS_MS), *leavings_in(looked_at, BY_LOOKING_MS)]
    return sorted(found, key=lambda leaving: leaving.said_s)


def states_seen(envelopes: Iterable[Envelope]) -> list[tuple[float, str, str]]:
    """When a node said what of itself, as time, node and state, as far as somebody looked."""
    told = [(envelope.t_s, envelope.event) for envelope in envelopes]
    return [(t_s, event.node, event.state) for t_s, event in told if isinstance(event, NodeObserved) and event.state]


def leavings_in(states: Sequence[tuple[float, str, str]], exact_to_ms: float) -> list[Leaving]:
    """From the states of nodes, as time, node and state, the stretches in which each was leaving or away."""
    found = []
    for node, those in groupby(sorted(states, key=lambda told: (told[1], told[0])), key=lambda told: told[1]):
        said_s = stopping_s = None
        for t_s, _, state in those:
            if state in LEAVING and said_s is None:
                said_s = t_s
            if state == "STOPPING" and stopping_s is None:
                stopping_s = t_s
            if state == "RUNNING" and said_s is not None:
                found.append(Leaving(node, said_s, stopping_s, t_s, exact_to_ms))
                said_s = stopping_s = None
        if said_s is not None:
            found.append(Leaving(node, said_s, stopping_s, None, exact_to_ms))
    return found


def _arrivals(evidence: Evidence) -> list[tuple[str, float, str]]:
    """Node, moment and client's connection of all that reached a node when it was leaving, or may have."""
    audits = [audit for _, audit in evidence.events(BalancerAudited)]
    if audits and audits[-1].attempts:
        connections = {request.id: request.connection for request in evidence.requests}
        return [
            (attempt["node"], attempt["at_s"], connections.get(attempt["request"], ""))
            for attempt in audits[-1].late_attempts
        ]
    return [(request.node, request.sent_s, request.connection) for request in evidence.requests if request.node]


def _lag(leaving: Leaving, arrivals: Iterable[tuple[str, float, str]]) -> Lag:
    late = [(t_s, connection) for node, t_s, connection in arrivals if leaving.covers(node, t_s)]
    new, reused = (
        Reached.after(leaving.said_s, (t_s for t_s, connection in late if connection == kind)) for kind in CONNECTIONS
    )
    stopping = (
        Reached() if leaving.stopping_s is None else Reached.after(leaving.stopping_s, (t_s for t_s, _ in late))
    )
    return Lag(leaving, new, reused, stopping)
