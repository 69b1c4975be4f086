import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from node.caches import NodeLocal
from tests.support.waiting import begun


def loading(value: Any) -> Callable[[], Awaitable[Any]]:
    """What loads ``value``: to a cache any value will do."""

    async def load() -> Any:
        return value

    return load


async def test_a_value_is_loaded_once_until_somebody_says_that_it_has_changed() -> None:
    local = NodeLocal()
    loads: list[str] = []

    async def load() -> list[Any]:
        loads.append("load")
        return []

    for _ in range(2):
        await local.projects.get("", load)
    assert len(loads) == 1
    local.hear("projects")
    await local.projects.get("", load)
    assert len(loads) == 2
    local.hear("users")
    await local.projects.get("", load)
    assert len(loads) == 2, "that was about something else"


async def test_a_value_that_was_being_loaded_when_it_changed_is_not_kept() -> None:
    local = NodeLocal()
    go_on = asyncio.Event()

    async def load_slowly() -> list[Any]:
        await go_on.wait()
        return ["from before the change"]

    asking = asyncio.create_task(local.projects.get("", load_slowly))
    await begun(asking)
    local.hear("projects")
    go_on.set()
    await asking

    assert await local.projects.get("", loading(["new"])) == ["new"]


async def test_a_message_of_a_newer_release_makes_a_node_forget_everything() -> None:
    local = NodeLocal()
    await local.users.get("ada", loading("old"))
    await local.projects.get("", loading("old"))

    local.hear("archived-projects ZDU")

    assert await local.users.get("ada", loading("new")) == "new"
    assert await local.projects.get("", loading("new")) == "new"


async def test_beyond_the_limit_the_value_unused_for_longest_is_forgotten() -> None:
    local = NodeLocal()
    local.users._limit = 2
    for name in ("a", "b", "a", "c"):
        await local.users.get(name, loading("old"))

    assert await local.users.get("a", loading("new")) == "old"
    assert await local.users.get("b", loading("new")) == "new"


def test_a_message_about_sessions_names_whose() -> None:
    heard: list[str] = []
    local = NodeLocal(kill_sessions=heard.append)

    local.hear("sessions abc")

    assert heard == ["abc"]
