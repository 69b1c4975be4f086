"""The open model: arrivals come on their own schedule, are served by whoever is free, and dropped if nobody is."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.passwords import hash_password
from node.web.templating import Templates
from shared_db import NewUser
from simulator.load.arrivals import Arrivals
from simulator.load.load import Load, users_needed
from simulator.load.schedule import due_after_s
from simulator.record.recorder import Recorder
from simulator.scenario.model import LoadPart
from tests.support.waiting import until
from tests.support.web_node import COST, WebNode, open_database, web_node
from zdu.clock import SystemClock
from zdu.events import LoadStarted, LoadStopped

RATES = st.floats(min_value=0.1, max_value=5000)
RAMPS = st.floats(min_value=0, max_value=60)


@pytest.fixture
async def recorder(tmp_path: Path) -> AsyncIterator[Recorder]:
    made = Recorder(tmp_path, SystemClock())
    yield made
    made.close()


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[WebNode]:
    async with await open_database(tmp_path) as database, web_node(database, Templates()) as node:
        await database.users.create_many(
            [NewUser(name, name, hash_password(name, COST, "ab" * 8), False) for name in ("user3", "user4")]
        )
        yield node


def test_without_a_ramp_arrivals_are_evenly_spread() -> None:
    assert [due_after_s(number, 10, 0.0) for number in range(4)] == [0.0, 0.1, 0.2, 0.3]


@given(RATES, RAMPS)
def test_after_the_ramp_half_of_its_arrivals_have_come_and_the_rate_is_full(rate: float, ramp_s: float) -> None:
    first = int(rate * ramp_s / 2) + 1
    assert due_after_s(first, rate, ramp_s) >= ramp_s
    assert due_after_s(first + 1, rate, ramp_s) - due_after_s(first, rate, ramp_s) == pytest.approx(
        1 / rate, rel=1e-3
    )


@given(RATES, RAMPS)
def test_nobody_is_due_before_the_one_who_came_earlier_and_the_gaps_shrink(rate: float, ramp_s: float) -> None:
    due = [due_after_s(number, rate, ramp_s) for number in range(50)]
    gaps = [later - earlier for earlier, later in pairwise(due)]
    assert all(gap > 0 for gap in gaps)
    assert all(later <= earlier * (1 + 1e-6) + 1e-9 for earlier, later in pairwise(gaps))


class Busy:
    """Somebody who works until told otherwise."""

    def __init__(self) -> None:
        self.free = asyncio.Event()
        self.due: list[float] = []
        self.home = False

    async def come_to_work(self) -> None:
        pass

    async def act_at(self, due_s: float, *, anew: bool) -> float:
        self.due.append(due_s)
        await self.free.wait()
        return 0.0

    async def go_home(self) -> None:
        self.home = True


async def test_an_arrival_that_finds_everybody_busy_is_dropped_and_counted(recorder: Recorder) -> None:
    people = [Busy(), Busy()]
    arrivals = Arrivals(people, recorder, rate=200, ramp_s=0.0, phase_s=0.0, anew=False)  # type: ignore[arg-type]  # fakes
    stopping = asyncio.Event()
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        tasks.create_task(arrivals.run(stopping))
        await until(lambda: arrivals.count.dropped >= 3, "three are dropped")
        for person in people:
            person.free.set()
        await until(lambda: arrivals.count.sent >= 4, "the others are served once somebody is free")
        stopping.set()
    count = arrivals.count
    assert count.intended == count.sent + count.dropped
    assert count.on_time == count.sent
    assert all(person.home for person in people)
    assert [len(person.due) for person in people] > [1, 1], "whoever was idle for longest is next"


async def run_open(node: WebNode, recorder: Recorder, sessions: str) -> None:
    part = LoadPart.model_validate(
        {
            "users": 0,
            "probe_rate": 0,
            "ramp": "0s",
            "mix": {"view_dashboard": 1, "view_issue": 0, "create_issue": 0, "edit_issue": 0, "comment_issue": 0}
            | dict.fromkeys(("list_issues", "sign_in_again", "search_issues", "view_board", "transition_issue"), 0),
            "arrivals": {"rate": 50, "people": 2, "sessions": sessions},
        }
    )
    url = f"http://127.0.0.1:{node.server.port}"
    load = Load(part, url, recorder, remember_me=True, common_issues=("ZDU-1",), seed=1, accounts=4)
    assert users_needed(part) == 4
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        load.start(tasks)
        await until(lambda: sum(r.kind == "view_dashboard" for r in recorder.requests) >= 8, "actions")
        load.stop()
    load.record_end()


async def test_who_stays_signed_in_serves_arrivals_dated_from_when_they_were_due(
    node: WebNode, recorder: Recorder
) -> None:
    await run_open(node, recorder, "kept")
    assert {request.outcome for request in recorder.requests} == {"ok"}
    assert {request.session for request in recorder.requests} == {"a1.1", "a2.1"}
    assert all(request.is_arrival for request in recorder.requests)
    assert sum(request.kind == "sign_in" for request in recorder.requests) == 2
    started, stopped = (envelope.event for envelope in recorder.envelopes)
    assert started == LoadStarted(0, 0, 50)
    assert isinstance(stopped, LoadStopped)
    assert stopped.arrivals["intended"] == stopped.arrivals["sent"] + stopped.arrivals["dropped"]
    served = [r for r in recorder.requests if r.kind == "view_dashboard" and r.sent_s > r.intended_s]
    due = sorted(request.intended_s for request in served)[2:]
    assert all(round((due_s - due[0]) * 50, 3).is_integer() for due_s in due), "on the schedule, whatever was before"


async def test_with_new_sessions_each_arrival_is_a_stranger_who_signs_in(node: WebNode, recorder: Recorder) -> None:
    await run_open(node, recorder, "new")
    kinds = [r.kind for r in recorder.requests if r.session == "a1.1"]
    assert kinds == ["open_login", "sign_in", "view_dashboard", "view_dashboard"]
    assert len({request.session for request in recorder.requests}) >= 3
    assert {request.outcome for request in recorder.requests} == {"ok"}
