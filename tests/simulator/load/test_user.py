"""A virtual user against a real node's web side: searches, moves along the workflow, bulk edits, lost sessions."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from node.search_index import SearchIndex
from node.web.templating import Templates
from simulator.load.client import Answer, RecordingClient
from simulator.load.user import VirtualUser
from simulator.record.recorder import Recorder
from simulator.scenario.model import LoadPart
from tests.support.web_node import WebNode, open_database, web_node
from zdu.clock import Entropy, SystemClock

HURRIED = LoadPart.model_validate({"think_time": {"min": "0s", "max": "1ms"}})


class Person(VirtualUser):
    """User1, whose steps the test chooses; ``while_typing`` happens before a form is sent."""

    def __init__(self, node: WebNode, recorder: Recorder, *, remember_me: bool) -> None:
        url = f"http://127.0.0.1:{node.server.port}"
        super().__init__(
            1,
            HURRIED,
            RecordingClient(url, recorder, count(1), session="s1", timeout_s=5.0),
            remember_me=remember_me,
            common_issues=("ZDU-1",),
            markers=count(1),
            rng=Entropy(1).rng,
            stopping=asyncio.Event(),
        )
        self.recorder = recorder
        self.while_typing: Callable[[], None] = lambda: None

    async def does(self, action: str) -> list[tuple[str, str]]:
        """Kind and outcome of each request that the action takes."""
        before = len(self.recorder.requests)
        await self._actions[action]()
        return [(record.kind, record.outcome) for record in self.recorder.requests[before:]]

    async def _pause(self, seconds: float) -> bool:
        self.while_typing()
        return await super()._pause(seconds)


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[WebNode]:
    async with await open_database(tmp_path) as database, web_node(database, Templates()) as node:
        yield node


@pytest.fixture
async def recorder(tmp_path: Path) -> AsyncIterator[Recorder]:
    made = Recorder(tmp_path, SystemClock())
    yield made
    made.close()


@pytest.fixture
async def person(node: WebNode, recorder: Recorder) -> AsyncIterator[Person]:
    person = Person(node, recorder, remember_me=False)
    await person._sign_in()
    yield person
    await person._client.close()


async def test_an_issue_is_moved_along_its_workflow_with_a_write_to_look_for(person: Person, node: WebNode) -> None:
    assert await person.does("transition_issue") == [
        ("open_create", "ok"),
        ("create_issue", "ok"),
        ("view_issue", "ok"),
    ], "there has to be an issue of one's own first"

    assert await person.does("transition_issue") == [("view_issue", "ok"), ("transition_issue", "ok")]

    issue = await node.database.issues.get("ZDU-3")
    assert issue
    assert issue.status == "3"
    written = person.recorder.requests[-1]
    assert written.acknowledged_write
    assert written.write in (await node.database.issues.comments("ZDU-3"))[0].body


async def test_a_search_shows_what_was_written_and_an_index_that_does_not_is_behind(
    person: Person, node: WebNode
) -> None:
    await person.does("create_issue")
    assert await person.does("search_issues") == [("search_issues", "ok")]
    assert person.recorder.requests[-1].behind_s == 0.0
    assert await person.does("view_board") == [("view_board", "ok")]
    node.context.local.index = SearchIndex()

    assert await person.does("search_issues") == [("search_issues", "ok")]

    assert person.recorder.requests[-1].behind_s > 0.0
    assert await person.does("view_board") == [("view_board", "wrong_content")], (
        "a board without any issue has lost them"
    )


async def test_a_bulk_edit_takes_three_pages_and_writes_to_each_issue(person: Person, node: WebNode) -> None:
    for _ in range(2):
        await person.does("create_issue")
    steps = await person.does("bulk_edit")

    assert [kind for kind, _ in steps] == [
        "open_bulk_edit",
        "bulk_choose",
        "bulk_change",
        "bulk_change",
        "bulk_confirm",
        "bulk_edit",
    ]
    assert {outcome for _, outcome in steps} == {"ok"}
    assert person.recorder.requests[-1].issues == ("ZDU-3", "ZDU-4")
    for key in ("ZDU-3", "ZDU-4"):
        assert len(await node.database.issues.comments(key)) == 1


async def test_a_session_that_is_lost_while_typing_costs_the_form_although_the_user_logs_in_and_sends_it_again(
    person: Person, node: WebNode
) -> None:
    await person.does("create_issue")
    person.while_typing = lambda: _lose_sessions(person, node)

    steps = await person.does("comment_issue")

    assert steps == [
        ("view_issue", "ok"),
        ("comment_issue", "login_page"),
        ("open_login", "ok"),
        ("sign_in", "ok"),
        ("view_dashboard", "ok"),
        ("comment_issue", "stale_form"),
    ]
    assert not any(record.acknowledged_write for record in person.recorder.requests[-6:])


async def test_remember_me_saves_the_form_and_not_the_half_done_bulk_edit(node: WebNode, recorder: Recorder) -> None:
    person = Person(node, recorder, remember_me=True)
    await person._sign_in()
    await person.does("create_issue")
    person.while_typing = lambda: _lose_sessions(person, node)
    commented = await person.does("comment_issue")
    person.while_typing = lambda: _lose_sessions(person, node)
    bulk = await person.does("bulk_edit")
    await person._client.close()

    assert ("comment_issue", "ok") in commented
    assert bulk == [
        ("open_bulk_edit", "ok"),
        ("bulk_choose", "ok"),
        ("bulk_change", "ok"),
        ("bulk_change", "work_lost"),
    ]


def _lose_sessions(person: Person, node: WebNode) -> None:
    """As when the node is gone: once, the first time something is typed (for a bulk edit, on its second page)."""
    bulk = person.recorder.requests[-1].kind
    if bulk == "open_bulk_edit":
        return
    for token in list(node.context.sessions._sessions):
        node.context.sessions.close(token)
    person.while_typing = lambda: None


async def test_who_gets_no_answer_to_signing_out_may_be_signed_out_and_signs_in_anew(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    sends = person._client.send

    async def without_answer(kind: str, *words: Any, **more: Any) -> Answer:
        answer = await sends(kind, *words, **more)
        lost = replace(answer.record, outcome="timeout") if kind == "sign_out" else answer.record
        return replace(answer, record=lost)

    monkeypatch.setattr(person._client, "send", without_answer)

    assert [kind for kind, _ in await person.does("sign_in_again")] == ["view_dashboard", "sign_out"]
    assert not person._signed_in, "else the log-in page that comes next would be taken for a lost session"
