"""The processes of another application, as a scenario's ``node`` describes them: started and stopped."""

import asyncio
import os
import shutil
import signal
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path

import aiohttp

from simulator.application.looks import SERVES, NodeLook
from simulator.clients.jira_admin import AdminRequestFailed
from simulator.ports import ReservedPort
from simulator.record.run_folder import RunFolder
from simulator.scenario.application import NodePart, filled
from simulator.supervisor import Child, StartFailed, Supervisor
from zdu.errors import UsageError

ASKED_WITHIN_S = 5.0
"""A node that is asked for something by a request answers by then, or its connection ends: many end with it."""


class NodeNotUp(StartFailed):
    """A node of another application ended at its start, or was not well in time; ``reason`` says so in one line."""

    reason = ""


class Programs:
    """Starts and stops the nodes of one run; one process each, and whatever it starts itself goes with it."""

    def __init__(self, part: NodePart, folder: RunFolder, supervisor: Supervisor) -> None:
        self.part = part
        self._folder = folder
        self._supervisor = supervisor
        self._cwd = Path(part.folder or ".").resolve()

    def check(self, node_id: str, version: str, port: ReservedPort) -> None:
        """Raises UsageError when there is no such program as the command of that version says."""
        self._program(filled(self.part.command_of(version)[0], self._values(node_id, version, port)))

    async def start(self, node_id: str, version: str, port: ReservedPort) -> Child:
        """Start a node with that version, and return once its health check passes.

        Raises UsageError when there is no such program, NodeNotUp when it ends or is not well in time.
        """
        values = self._values(node_id, version, port)
        command = [filled(word, values) for word in self.part.command_of(version)]
        env = {name: filled(word, values) for name, word in self.part.env_of(version).items()}
        log = self._folder.logs / f"{node_id}.log"
        look = NodeLook(f"http://{port.host}:{port.port}", self.part.health)

        async def serves(_: Child) -> bool:
            said = await look.status()
            return said is not None and said.state == SERVES

        try:
            return await self._supervisor.start_program(
                node_id,
                [self._program(command[0]), *command[1:]],
                log,
                serves=serves,
                folder=self._cwd,
                output=log,
                stop_signal=signal.Signals[f"SIG{self.part.stop.signal}"],
                env=env,
                within_s=self.part.start_deadline,
                with_children=True,
            )
        except StartFailed as error:
            hint = f"Its health check, GET {self.part.health.path}, was {look.told}. {error.hint}"
            failed = NodeNotUp(error.message, hint=hint)
            failed.exit_code, failed.reason = error.exit_code, _in_a_line(error.message, node_id, look.told)
            raise failed from error
        finally:
            await look.close()

    async def ask_for_drain(self, child: Child, port: ReservedPort) -> None:
        """Tell a node, as the scenario says, that it is to ask for its drain. Raises AdminRequestFailed."""
        assert self.part.drain is not None  # noqa: S101 - only where the nodes ask
        if not self.part.drain.request:
            child.send(signal.Signals[f"SIG{self.part.drain.signal}"])
            return
        method, path = self.part.drain.method_and_path
        try:
            status = await _send(method, f"http://{port.host}:{port.port}{path}")
        except (aiohttp.ClientError, TimeoutError) as error:
            why = str(error) or type(error).__name__
            raise AdminRequestFailed(f"{child.name} did not answer {method} {path}: {why}") from error
        if status >= HTTPStatus.BAD_REQUEST:
            raise AdminRequestFailed(f"{child.name} answered {method} {path} with {status}", status)

    async def stop(self, child: Child, port: ReservedPort) -> None:
        """Stop a node as the scenario says, and return when its process has ended; killed if it does not."""
        if self.part.stop.request:
            child.stop_asked = True
            method, path = self.part.stop.method_and_path
            with suppress(aiohttp.ClientError, TimeoutError):  # whether it heard of it shows in whether it ends
                await _send(method, f"http://{port.host}:{port.port}{path}")
            with suppress(TimeoutError):
                async with asyncio.timeout(self.part.stop.deadline):
                    await child.ended.wait()
            if child.running:
                child.kill()
                await child.ended.wait()
            return
        await child.stop(within_s=self.part.stop.deadline)

    def _program(self, word: str) -> str:
        """Where the program is, as a shell would find it from the scenario's folder."""
        found = shutil.which(str(self._cwd / word) if os.sep in word else word)
        if found is None:
            raise UsageError(
                f"node.command: {word} cannot be run",
                hint=f"Name a program of this machine, or one in {self._cwd} as ./NAME (and make it executable).",
            )
        return found

    def _values(self, node_id: str, version: str, port: ReservedPort) -> dict[str, str]:
        data = self._folder.node_home(node_id)
        data.mkdir(exist_ok=True)
        self._folder.shared_home.mkdir(exist_ok=True)
        return {
            "port": str(port.port),
            "host": port.host,
            "node": node_id,
            "version": version,
            "folder": str(self._cwd),
            "data": str(data.resolve()),
            "shared": str(self._folder.shared_home.resolve()),
        }


async def _send(method: str, url: str) -> int:
    """The status of the answer. Raises aiohttp.ClientError or TimeoutError."""
    timeout = aiohttp.ClientTimeout(total=ASKED_WITHIN_S)
    async with aiohttp.request(method, url, timeout=timeout) as answer:
        await answer.read()
        return answer.status


def _in_a_line(message: str, node_id: str, health: str) -> str:
    """Why a node is not up, from what the supervisor says of it: the last thing that the program said itself."""
    what, _, said = message.removeprefix(f"{node_id} ").partition(": ")
    last = next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "it said nothing")
    return last if what == "did not start" else f"it {what}, its health check was {health}; {last}"
