"""Figures and events as short texts, for both views."""

import signal

from simulator.view.model import Figures
from zdu.events import (
    BalancerObserved,
    ClusterObserved,
    Event,
    FaultApplied,
    FaultFired,
    FaultReset,
    LoadChanged,
    NodeBack,
    NodeNotStarted,
    NodeTakenOut,
    ProcessExited,
    ProcessPaused,
    ProcessResumed,
    RunAborted,
    RunInterrupted,
)

KILLED = -signal.SIGKILL
"""What a process returns that was killed: by somebody, or because it had not stopped in time."""


def figures_line(figures: Figures) -> str:
    """Rate, errors, moves and latency in one line."""
    latency = (
        "latency -" if figures.p50_ms is None else f"p50 {figures.p50_ms:.0f} ms, p99 {figures.p99_ms or 0:.0f} ms"
    )
    return (
        f"{figures.rate:.0f} req/s, {figures.requests:,} requests, {figures.failed:,} failed, "
        f"{figures.moved} sessions moved, {latency}"
    )


def event_line(event: Event) -> str:
    """What an event says to a person; empty for those that are only of use in the record."""
    return _of_the_cluster(event) or _of_a_process(event) or _of_a_fault(event)


def _of_the_cluster(event: Event) -> str:
    match event:
        case ClusterObserved(state=state, seen_by=node):
            return f"{node} shows {state}"
        case BalancerObserved(node=node, operational=operational, admin=admin):
            return f"load balancer: {node} is {operational if admin == 'READY' else admin}"
        case NodeTakenOut(node=node):
            return f"load balancer: {node} gets no request any more, none is in flight"
        case NodeBack(node=node):
            return f"load balancer: {node} gets requests again"
        case LoadChanged(users=users):
            return f"{users} users are at work now"
        case RunInterrupted(signal=signal_name):
            return f"interrupted by {signal_name}: everything is stopped; once more to kill it"
        case RunAborted(reason=reason):
            return f"the story ends here: {reason}"
    return ""


def _of_a_fault(event: Event) -> str:
    match event:
        case FaultApplied(fault=fault, node=node):
            return f"fault {fault} is on{f', {node}' if node else ''}"
        case FaultFired(fault=fault):
            return f"fault {fault} takes effect"
        case FaultReset(fault=fault, count=count, trouble=trouble):
            return f"fault {fault} is over, it took effect {count} times{f'; {trouble}' if trouble else ''}"
    return ""


def _of_a_process(event: Event) -> str:
    match event:
        case ProcessPaused(process=process):
            return f"{process} stands still"
        case ProcessResumed(process=process):
            return f"{process} goes on"
        case NodeNotStarted(node=node, version=version, reason=reason):
            return f"{node} could not start with {version}: {reason}"
        case ProcessExited(process=process, returncode=returncode, expected=True) if returncode == KILLED:
            return f"{process} was killed"
        case ProcessExited(process=process, expected=True):
            return f"{process} has stopped"
        case ProcessExited(process=process, returncode=returncode):
            return f"{process} DIED ({returncode}); nobody had stopped it"
    return ""
