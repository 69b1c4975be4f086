import asyncio

from node.caches import NodeLocal
from tests.support.waiting import begun


async def _value(value: object) -> object:
    return value


async def test_a_value_is_loaded_once_until_somebody_says_that_it_has_changed() -> None:
    local = NodeLocal()
    loads: list[str] = []

    async def load() -> list[object]:
        loads.append("load")
        return []

    for _ in range(2):
        await local.projects.get("", load)  # type: ignore[arg-type]  # any value will do
    assert len(loads) == 1
    local.hear("projects")
    await local.projects.get("", load)  # type: ignore[arg-type]  # any value will do
    assert len(loads) == 2
    local.hear("users")
    await local.projects.get("", load)  # type: ignore[arg-type]  # any value will do
    assert len(loads) == 2, "that was about something else"


async def test_a_value_that_was_being_loaded_when_it_changed_is_not_kept() -> None:
    local = NodeLocal()
    go_on = asyncio.Event()

    async def load_slowly() -> list[object]:
        await go_on.wait()
        return ["from before the change"]

    asking = asyncio.create_task(local.projects.get("", load_slowly))  # type: ignore[arg-type]  # any value will do
    await begun(asking)
    local.hear("projects")
    go_on.set()
    await asking

    assert await local.projects.get("", lambda: _value(["new"])) == ["new"]  # type: ignore[arg-type]  # any value


async def test_a_message_of_a_newer_release_makes_a_node_forget_everything() -> None:
    local = NodeLocal()
    await local.users.get("ada", lambda: _value("old"))  # type: ignore[arg-type]  # any value will do
    await local.projects.get("", lambda: _value("old"))  # type: ignore[arg-type]  # any value will do

    local.hear("archived-projects ZDU")

    assert await local.users.get("ada", lambda: _value("new")) == "new"  # type: ignore[arg-type]  # any value
    assert await local.projects.get("", lambda: _value("new")) == "new"  # type: ignore[arg-type]  # any value


async def test_beyond_the_limit_the_value_unused_for_longest_is_forgotten() -> None:
    local = NodeLocal()
    local.users._limit = 2
    for name in ("a", "b", "a", "c"):
        await local.users.get(name, lambda: _value("old"))  # type: ignore[arg-type]  # any value will do

    assert await local.users.get("a", lambda: _value("new")) == "old"  # type: ignore[arg-type]  # any value
    assert await local.users.get("b", lambda: _value("new")) == "new"  # type: ignore[arg-type]  # any value


def test_a_message_about_sessions_names_whose() -> None:
    heard: list[str] = []
    local = NodeLocal(kill_sessions=heard.append)

    local.hear("sessions abc")

    assert heard == ["abc"]
