"""``docs/follow-the-procedure.md``, followed word by word: its files, its commands, its clicks."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from simulator.ports import ReservedPort
from tests.support.browser import ON_THE_BROWSERS_LOOP, person
from tests.support.handbook import Handbook
from tests.support.jira_pages import administration, comment, log_in, see_node, see_state

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300), ON_THE_BROWSERS_LOOP]

LIMIT_S = 30.0
PORTS = ("8080", "8081", "9001", "9002")


class Desk:
    """A folder with the handbook's files, and the terminals in which its commands run.

    The ports are other ones, and passwords are cheap to check; everything else is as the handbook has it.
    """

    def __init__(self, folder: Path, handbook: Handbook, stack: AsyncExitStack) -> None:
        self._folder = folder
        self._handbook = handbook
        ports = {told: str(stack.enter_context(ReservedPort()).port) for told in PORTS}
        self.url = f"http://127.0.0.1:{ports['8080']}"
        self._environment = {**os.environ, "ZDU_LB_ADMIN": f"http://127.0.0.1:{ports['8081']}"}
        self._terminals: dict[str, Process] = {}
        for name, text in handbook.files.items():
            for told, port in ports.items():
                text = text.replace(told, port)  # noqa: PLW2901 - one port after the other
            (folder / name).write_text(text)

    async def run(self, command: str, *more: str) -> None:
        """A command that ends by itself."""
        process = await self._type(command, *more)
        assert await asyncio.wait_for(process.wait(), LIMIT_S) == 0, command

    async def begin(self, terminal: str, command: str) -> None:
        """A command that goes on, in a terminal of its own; returns once it says that it serves."""
        process = self._terminals[terminal] = await self._type(command, "--exit-with-parent")
        assert process.stdout is not None
        assert b'"ready"' in await asyncio.wait_for(process.stdout.readline(), LIMIT_S), command

    async def ctrl_c(self, terminal: str) -> None:
        """Ctrl-C in that terminal."""
        self._terminals[terminal].send_signal(signal.SIGINT)
        assert await asyncio.wait_for(self._terminals[terminal].wait(), LIMIT_S) == 0

    def install(self, node_id: str, version: str) -> None:
        """What the handbook does to install another version."""
        assert f'`version: "{version}"`' in self._handbook.text
        file = self._folder / f"{node_id}.yaml"
        lines = file.read_text().splitlines()
        file.write_text("\n".join(f'version: "{version}"' if "version:" in line else line for line in lines))

    async def clear(self) -> None:
        """End what still runs."""
        for process in self._terminals.values():
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def _type(self, command: str, *more: str) -> Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "zdu", *self._handbook.command(command), *more),
            cwd=self._folder,
            env=self._environment,
            stdin=PIPE,
            stdout=PIPE if more == ("--exit-with-parent",) else DEVNULL,
        )


async def set_the_desk(desk: Desk) -> None:
    await desk.run(
        "zdu db setup --url sqlite+aiosqlite:///cluster.sqlite3",
        "--users",
        "1",
        "--issues",
        "3",
        "--password-cost",
        "4",
    )
    await asyncio.gather(
        desk.begin("node1", "zdu node --config node1.yaml"),
        desk.begin("node2", "zdu node --config node2.yaml"),
        desk.begin("lb", "zdu lb --config lb.yaml"),
    )


async def upgrade_node(desk: Desk, say: Handbook, admin: Page, node_id: str) -> None:
    """Step 2, for one node. What the handbook says of node1 is done with the other one likewise."""
    take_out, give_back = "zdu lb state node1 drain --wait", "zdu lb state node1 ready --wait"
    if node_id != "node1":
        say.commands += [command.replace("node1", node_id) for command in (take_out, give_back)]
    await desk.run(take_out.replace("node1", node_id))
    await desk.ctrl_c(node_id)
    await administration(admin, say.word("Clustering"))
    await see_node(admin, node_id, say.word("OFFLINE"))
    desk.install(node_id, "7.3.2")
    await desk.begin(node_id, f"zdu node --config {node_id}.yaml")
    await see_node(admin, node_id, "7.3.2", say.word("ACTIVE"), say.word("RUNNING"))
    await desk.run(give_back.replace("node1", node_id))
    await administration(admin, say.word("Jira upgrades"))


async def look_before_you_begin(say: Handbook, admin: Page) -> None:
    await expect(admin.get_by_text(say.word("Administration"), exact=True)).to_be_visible()
    await administration(admin, say.word("Jira upgrades"))
    for card in ("Get the latest Jira versions", "Add-on compatibility", "Your instance health"):
        await expect(admin.get_by_role("heading", name=say.word(card))).to_be_visible()
    await expect(admin.get_by_text("7.3.2")).to_be_visible()
    await admin.get_by_role("link", name=say.word("Check your apps")).click()
    await expect(admin.get_by_role("heading", name="Manage apps")).to_be_visible()
    await administration(admin, "Jira upgrades")
    await admin.get_by_role("link", name=say.word("View all health checks")).click()
    await expect(admin.get_by_text(say.word("All checks passed"))).to_be_visible()
    await administration(admin, "Jira upgrades")


async def test_the_handbook_can_be_followed_word_by_word(chromium: Browser, tmp_path: Path) -> None:
    say = Handbook()
    async with AsyncExitStack() as stack:
        desk = Desk(tmp_path, say, stack)
        stack.push_async_callback(desk.clear)
        await set_the_desk(desk)
        admin, user = [await stack.enter_async_context(person(chromium, desk.url)) for _ in range(2)]
        say.word("Remember my login on this computer")
        await log_in(admin, "admin", remember=True)
        await log_in(user, "user1", remember=True)
        await user.get_by_role("link", name="ZDU-1", exact=True).click()
        await look_before_you_begin(say, admin)

        start = admin.get_by_role("button", name=say.word("Put Jira into upgrade mode"))
        cancel = admin.get_by_role("button", name=say.word("Cancel upgrade"))
        await see_state(admin, say.word("STABLE"))
        await start.click()
        await see_state(admin, say.word("READY TO UPGRADE"))
        await cancel.click()
        await see_state(admin, "STABLE")

        await start.click()
        await see_state(admin, "READY TO UPGRADE")
        await upgrade_node(desk, say, admin, "node1")
        await see_state(admin, say.word("MIXED"))
        await expect(cancel).to_be_disabled()
        await comment(user, "Written while the cluster is mixed")
        await upgrade_node(desk, say, admin, "node2")
        await see_state(admin, say.word("READY TO RUN UPGRADE TASKS"))
        await comment(user, "Written before the end")
        await admin.get_by_role("button", name=say.word("Run upgrade tasks")).click()
        await see_state(admin, "STABLE")
        await expect(admin.get_by_text("The cluster's version is 7.3.2 (build 73013).")).to_be_visible()
        await comment(user, "Written on the upgraded cluster")
        await expect(user.get_by_text("Written ")).to_have_count(3)
    assert say.followed == say.words
