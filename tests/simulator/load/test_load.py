"""The load as a whole, against a real node's web side: people come and go while it works."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from node.web.templating import Templates
from simulator.load.load import Load
from simulator.record.recorder import Recorder
from simulator.record.requests import RequestRecord
from simulator.scenario.model import LoadPart
from simulator.scenario.work import ActionMix
from tests.support.web_node import WebNode, open_database, web_node
from zdu.clock import SystemClock
from zdu.errors import UsageError
from zdu.events import LoadChanged, LoadStarted

HURRIED = LoadPart.model_validate({"users": 1, "probe_rate": 0, "think_time": {"min": "0s", "max": "1ms"}})


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[WebNode]:
    async with await open_database(tmp_path) as database, web_node(database, Templates()) as node:
        yield node


@pytest.fixture
async def recorder(tmp_path: Path) -> AsyncIterator[Recorder]:
    made = Recorder(tmp_path, SystemClock())
    yield made
    made.close()


def make_load(node: WebNode, recorder: Recorder, *, accounts: int = 0) -> Load:
    url = f"http://127.0.0.1:{node.server.port}"
    return Load(HURRIED, url, recorder, remember_me=True, common_issues=("ZDU-1",), seed=1, accounts=accounts)


async def somebody_works(recorder: Recorder, user: str) -> None:
    """Return once ``user`` got a good answer."""
    seen = asyncio.Event()
    recorder.follow(on_request=lambda request: seen.set() if request.user == user and not request.failed else None)
    async with asyncio.timeout(30):
        await seen.wait()


async def test_people_come_and_go_while_the_others_work_on(node: WebNode, recorder: Recorder) -> None:
    load = make_load(node, recorder, accounts=4)
    async with asyncio.TaskGroup() as tasks:
        load.start(tasks)
        await somebody_works(recorder, "s1")
        load.set_users(2)
        await somebody_works(recorder, "s2")
        load.set_users(0)
        load.set_users(1)
        await somebody_works(recorder, "s3")
        assert load.users == 1
        load.stop()
        load.set_users(2)  # too late: it changes nothing
    changes = [envelope.event for envelope in recorder.envelopes]
    assert changes == [LoadStarted(1, 0), LoadChanged(2), LoadChanged(0), LoadChanged(1)]
    assert {request.user for request in recorder.requests} == {"s1", "s2", "s3"}
    assert not [request for request in recorder.requests if request.failed]


async def test_there_cannot_be_more_people_than_accounts(node: WebNode, recorder: Recorder) -> None:
    load = make_load(node, recorder, accounts=5)
    with pytest.raises(UsageError, match="there is room for 0 to 3"):
        load.set_users(4)


async def test_who_is_told_to_do_other_things_does_them_and_so_does_who_comes_later(
    node: WebNode, recorder: Recorder
) -> None:
    load = make_load(node, recorder, accounts=4)
    only_boards = dict.fromkeys(ActionMix.model_fields, 0.0) | {"view_board": 1.0}
    done = asyncio.Event()
    boards = {"s1": 0, "s2": 0}

    def count(request: RequestRecord) -> None:
        if request.kind == "view_board":
            boards[request.user] += 1
            if min(boards.values()) >= 20:
                done.set()

    async with asyncio.TaskGroup() as tasks:
        load.start(tasks)
        await somebody_works(recorder, "s1")
        load.change(mix=ActionMix.model_validate(only_boards))
        load.set_users(2)
        recorder.follow(on_request=count)
        async with asyncio.timeout(30):
            await done.wait()
        load.stop()
    last = [request.kind for request in recorder.requests[-10:]]
    assert set(last) == {"view_board"}
