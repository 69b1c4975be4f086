"""The life of one application process: what ``/status`` may say after what.

Theory of operation
===================

The port answers before the application does: a load balancer, or an impatient administrator, gets STARTING rather
than a refused connection. From there the node either runs, finds a database that nobody has set up (FIRST_RUN; it
starts once somebody has), or fails (ERROR). DRAINING is RUNNING in every respect but one: the node asks to be left
alone by the load balancer and still serves whatever comes. STOPPING can follow anything, and nothing follows it.

A node that the cluster refuses is an application that could not start, in a process that goes on: it says ERROR,
serves nobody and waits to be stopped (KB "What happens if starting nodes with different versions": alive, and of no
use). A process that cannot even try, for want of a port or a database, ends.

MAINTENANCE is a foreground reindex, which locks the index and with it everybody out of this node, administrators
included. A node that is DRAINING has to be let go first, or to come back.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from node.services import ApplicationState


class LifeEvent(StrEnum):
    """What happens to a process."""

    STARTED = "started"
    NOT_SET_UP = "database not set up"
    SET_UP = "set-up done"
    FAILED = "start failed"
    DRAIN = "node upgrade mode on"
    UNDRAIN = "node upgrade mode off"
    REINDEX = "foreground reindex"
    REINDEXED = "reindex done"
    STOP = "stop"


_A = ApplicationState

TRANSITIONS: Mapping[tuple[ApplicationState, LifeEvent], ApplicationState] = MappingProxyType(
    {
        (_A.STARTING, LifeEvent.STARTED): _A.RUNNING,
        (_A.STARTING, LifeEvent.NOT_SET_UP): _A.FIRST_RUN,
        (_A.FIRST_RUN, LifeEvent.SET_UP): _A.STARTING,
        (_A.STARTING, LifeEvent.FAILED): _A.ERROR,
        (_A.RUNNING, LifeEvent.DRAIN): _A.DRAINING,
        (_A.DRAINING, LifeEvent.UNDRAIN): _A.RUNNING,
        (_A.RUNNING, LifeEvent.REINDEX): _A.MAINTENANCE,
        (_A.MAINTENANCE, LifeEvent.REINDEXED): _A.RUNNING,
        **{(state, LifeEvent.STOP): _A.STOPPING for state in ApplicationState if state is not _A.STOPPING},
    }
)
"""Every move there is; an event that is missing for a state is a defect of the caller."""


class ImpossibleEvent(Exception):
    """An event that cannot happen in this state: the caller has lost track."""


def next_state(state: ApplicationState, event: LifeEvent) -> ApplicationState:
    """The state after ``event``. Raises ImpossibleEvent."""
    target = TRANSITIONS.get((state, event))
    if target is None:
        raise ImpossibleEvent(f"{event!r} cannot happen while {state}")
    return target
