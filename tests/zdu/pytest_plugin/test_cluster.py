"""The interface of a cluster, on a control port that is played."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from zdu.errors import ZduError
from zdu.pytest_plugin.cluster import Cluster, Node
from zdu.pytest_plugin.state import State
from zdu.pytest_plugin.transport import CommandFailed, drive

Answer = Callable[[str], dict[str, Any]]


def status(answered: Mapping[str, int], *, users: int = 2, versions: tuple[str, str] = ("7.3.2", "7.3.0")) -> Any:
    nodes = [
        {"id": f"node{number}", "version": version, "state": "RUNNING", "cluster_state": "MIXED"}
        | {"serving": True, "drained": False}
        for number, version in enumerate(versions, 1)
    ]
    load = {"requests": 100, "answered": dict(answered)}
    return {"state": "MIXED", "users": users, "load": load, "nodes": nodes, "wanted_while_mixed": 20}


class Played:
    """A transport that answers as it is told, and remembers what was asked of it; nobody waits."""

    def __init__(self, answer: Answer) -> None:
        self.asked: list[str] = []
        self.bodies: list[Any] = []
        self._answer = answer

    async def ask(self, url: str, token: str, body: Mapping[str, Any] | None, *, within_s: float) -> dict[str, Any]:
        self.asked.append(url.partition("/api/")[2])
        self.bodies.append(body)
        return self._answer(self.asked[-1])

    async def pause(self, seconds: float) -> None:
        return


class Process:
    """A held process; it ends when a test says so."""

    def __init__(self, folder: Path) -> None:
        urls = {"application": "http://lb", "nodes": {"node1": "http://1", "node2": "http://2"}}
        self.words = {"dashboard": "http://control/#token=secret", "urls": urls, "run_folder": str(folder)}
        self.ended = False

    async def until_ended(self, transport: object, *, within_s: float) -> None:
        if not self.ended:
            raise ZduError("it goes on")

    def last_words(self) -> str:
        return ""


def cluster(folder: Path, answer: Answer) -> tuple[Cluster, Played, Process]:
    played, process = Played(answer), Process(folder)
    held: Any = process
    return Cluster(held, played), played, process


@pytest.mark.parametrize(
    ("answered", "users", "enough"),
    [
        ({"7.3.0": 122, "7.3.2": 22}, 2, True),
        ({"7.3.0": 121, "7.3.2": 22}, 2, False),  # one of each user's requests may be older
        ({"7.3.0": 200}, 2, False),
        ({"7.3.0": 100}, 0, True),  # nobody is there to wait for
        ({"": 22}, 2, True),  # no answer says who gave it: waiting is of no use
    ],
)
def test_both_versions_were_used_once_each_has_answered_what_the_verdict_wants(
    answered: dict[str, int], users: int, enough: bool
) -> None:
    before = State.of(status({"7.3.0": 100}))

    assert State.of(status(answered, users=users)).used_since(before) is enough


def test_a_roll_stays_mixed_until_people_have_met_both_versions(tmp_path: Path) -> None:
    moments = iter([{"name": "mixed", "node": "node2"}, None])
    counts = iter([0, 0, 5, 15, 22])
    seen: list[str] = []

    def answer(path: str) -> dict[str, Any]:
        if path == "status":
            count = next(counts)
            return dict(status({"7.3.0": count, "7.3.2": count}))
        return {"held": next(moments)} if path in {"upgrade/roll", "upgrade/go-on"} else {}

    def look(node: Node) -> None:
        seen.append(node.name)

    rolled, played, _ = cluster(tmp_path, answer)
    drive(rolled.rolling_upgrade("7.3.2", in_mixed_version=look))

    assert seen == ["node2"]
    assert played.asked == [
        *("status", "upgrade/start", "upgrade/roll", "status"),
        *("status", "status", "status", "upgrade/go-on", "upgrade/finalise"),
    ]
    assert {"to": "7.3.2", "hold_at": ["mixed"]} in played.bodies


def test_a_cluster_that_was_killed_says_so_and_one_that_was_judged_says_something_else(tmp_path: Path) -> None:
    def nobody_answers(_path: str) -> dict[str, Any]:
        process.ended = True
        silent = CommandFailed("no answer")
        silent.nobody_answered = True
        raise silent

    killed, played, process = cluster(tmp_path, nobody_answers)
    for question in (killed.state, killed.state, killed.end):
        with pytest.raises(CommandFailed, match="ended by itself: it was killed") as caught:
            drive(question())
        assert f"zdu report {tmp_path}" in caught.value.hint

    (tmp_path / "result.json").write_text("{}")
    with pytest.raises(CommandFailed, match="the cluster has ended") as caught:
        drive(killed.state())
    assert "verdict ends it" in caught.value.hint
    assert played.asked == ["status"], "nobody is asked who is not there"


def test_a_refusal_of_a_cluster_that_lives_is_told_as_it_is(tmp_path: Path) -> None:
    def refuse(_path: str) -> dict[str, Any]:
        raise CommandFailed("the roll is under way")

    refusing, _, _ = cluster(tmp_path, refuse)
    with pytest.raises(CommandFailed, match="under way"):
        drive(refusing.start_upgrade())
