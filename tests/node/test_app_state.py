import pytest

from node.app_state import ImpossibleEvent, LifeEvent, next_state
from node.services import ApplicationState

A = ApplicationState
POSSIBLE = {
    (A.STARTING, LifeEvent.STARTED): A.RUNNING,
    (A.STARTING, LifeEvent.NOT_SET_UP): A.FIRST_RUN,
    (A.FIRST_RUN, LifeEvent.SET_UP): A.STARTING,
    (A.STARTING, LifeEvent.FAILED): A.ERROR,
    (A.RUNNING, LifeEvent.DRAIN): A.DRAINING,
    (A.DRAINING, LifeEvent.UNDRAIN): A.RUNNING,
    (A.RUNNING, LifeEvent.REINDEX): A.MAINTENANCE,
    (A.MAINTENANCE, LifeEvent.REINDEXED): A.RUNNING,
    (A.STARTING, LifeEvent.STOP): A.STOPPING,
    (A.FIRST_RUN, LifeEvent.STOP): A.STOPPING,
    (A.RUNNING, LifeEvent.STOP): A.STOPPING,
    (A.DRAINING, LifeEvent.STOP): A.STOPPING,
    (A.MAINTENANCE, LifeEvent.STOP): A.STOPPING,
    (A.ERROR, LifeEvent.STOP): A.STOPPING,
}


@pytest.mark.parametrize("state", list(ApplicationState))
@pytest.mark.parametrize("event", list(LifeEvent))
def test_every_state_answers_every_event(state: ApplicationState, event: LifeEvent) -> None:
    if (state, event) in POSSIBLE:
        assert next_state(state, event) is POSSIBLE[state, event]
    else:
        with pytest.raises(ImpossibleEvent):
            next_state(state, event)


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (A.STARTING, 200),
        (A.FIRST_RUN, 200),
        (A.RUNNING, 200),
        (A.DRAINING, 503),
        (A.MAINTENANCE, 503),
        (A.STOPPING, 200),
        (A.ERROR, 500),
    ],
)
def test_status_codes_are_jiras_traps_included(state: ApplicationState, code: int) -> None:
    assert state.http_status == code
