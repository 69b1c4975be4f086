"""Measures a system that is not ours while a command does something to it: somebody's own upgrade."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from simulator.certify.target import Target
from simulator.certify.visitors import Pace, Visit
from simulator.load.control_target import CONTROL
from simulator.record.recorder import Recorder
from simulator.record.run_folder import RunFolder
from simulator.stage import View, software
from simulator.supervisor import Child, Supervisor
from zdu.errors import ExitCode, UsageError
from zdu.events import (
    CommandEnded,
    ProcessExited,
    ProcessStarted,
    RunEnded,
    RunInterrupted,
    RunStarted,
    StepStarted,
)

REFRESH_EVERY_S = 0.25
_ALONE = "import os, sys; os.closerange(3, os.sysconf('SC_OPEN_MAX')); os.execvp(sys.argv[1], sys.argv[1:])"
"""How a command gets our standard streams and nothing else: uvloop leaves copies of what is inherited open, and a
server that the command starts in the background would hold our output open for as long as it lives."""


@dataclass(frozen=True)
class CertificationPlan:
    """What is measured, while which command runs (or for how long), and where the record goes."""

    name: str
    target: Target
    folder: RunFolder
    command_line: str
    command: tuple[str, ...]
    for_s: float
    users: int
    rate: float
    timeout_s: float
    objectives: tuple[str, ...]
    lead_s: float
    """Before and after the command the system is looked at for so long: what was wrong already is no fault of it."""


def check_command(command: Sequence[str]) -> None:
    """Raises UsageError when there is no such program; asked before anything is measured."""
    word = command[0]
    if shutil.which(word) is not None:
        return
    hint = "Name a program or script of yours after --, or put a line of shell into: -- sh -c '…'."
    if Path(word).is_file():
        hint = f"Make it executable: chmod +x {word}; or say with what it is run: -- sh {word}"
    raise UsageError(f"{word} cannot be run", hint=hint)


class Certification:
    """One measurement from the first request to the last."""

    def __init__(self, plan: CertificationPlan, recorder: Recorder, view: View) -> None:
        self._plan = plan
        self._recorder = recorder
        self._view = view
        self._story: asyncio.Task[None] | None = None
        self._command: asyncio.subprocess.Process | None = None
        self.interrupted = False

    async def execute(self) -> None:
        """Measure. Raises UsageError when command or system are not there, another ZduError when it cannot go on."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._interrupt, number)
        self._recorder.event(self._started())
        supervisor: Supervisor | None = None
        try:
            async with asyncio.TaskGroup() as watchers:
                supervisor = Supervisor(watchers, self._on_exit)
                self._story = asyncio.create_task(self._measure(supervisor), name="measure")
                refresher = asyncio.create_task(self._refresh(), name="view")
                try:
                    await self._story
                except asyncio.CancelledError:
                    if not self.interrupted:
                        raise
                finally:
                    refresher.cancel()
                    await supervisor.stop_all(within_s=2)
        finally:
            if supervisor:
                supervisor.kill_all()
        self._recorder.event(RunEnded())

    async def _measure(self, supervisor: Supervisor) -> None:
        log = self._plan.folder.logs / f"{CONTROL}.log"
        child = await supervisor.start(CONTROL, ["control-target", "--exit-with-parent"], log)
        control_url = child.ready["url"]
        self._recorder.event(ProcessStarted(CONTROL, child.pid, control_url, log=f"logs/{log.name}"))
        plan = self._plan
        visit = Visit(plan.target, self._recorder, control_url, Pace(plan.users, plan.rate, plan.timeout_s))
        await visit.first_look()
        async with asyncio.TaskGroup() as working:
            visit.start(working)
            try:
                await self._watch_and_run()
            finally:
                visit.stop()
        visit.record_end()

    async def _watch_and_run(self) -> None:
        plan = self._plan
        if not plan.command:
            self._recorder.event(StepStarted(1, f"{plan.target.url} is looked at"))
            await asyncio.sleep(plan.for_s)
            return
        self._recorder.event(StepStarted(1, f"{plan.target.url} is looked at, nothing else happens"))
        await asyncio.sleep(plan.lead_s)
        self._recorder.event(StepStarted(2, f"Your command runs: {' '.join(plan.command)}"))
        began_s = self._recorder.now_s()
        returncode = await self._run(plan.command)
        self._recorder.event(CommandEnded(list(plan.command), returncode, round(began_s, 4)))
        self._recorder.event(StepStarted(3, "Your command has ended; the system is looked at a little longer"))
        await asyncio.sleep(plan.lead_s)

    async def _run(self, command: Sequence[str]) -> int:
        """Run the user's command with our terminal and to its end; it gets a Ctrl-C from the terminal itself."""
        self._command = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", "-c", _ALONE, *command),
            env={**os.environ, "ZDU_RUN_FOLDER": str(self._plan.folder.path)},
        )
        return await self._command.wait()

    def _interrupt(self, number: signal.Signals) -> None:
        """The first time let the command end by itself; the second time end at once."""
        running = self._command is not None and self._command.returncode is None
        if self.interrupted:
            if running and self._command:
                self._command.kill()
            os._exit(ExitCode.INTERRUPTED)
        self.interrupted = True
        self._recorder.event(RunInterrupted(number.name))
        if running and self._command and number is not signal.SIGINT:
            self._command.send_signal(number)
        if not running and self._story:
            self._story.cancel()

    def _on_exit(self, child: Child) -> None:
        """The control probe's server is no part of the system: its end shows in the control probes."""
        if child.name != CONTROL:
            self._recorder.event(ProcessExited(child.name, child.returncode, child.stop_asked))

    async def _refresh(self) -> None:
        with suppress(OSError):
            while True:
                self._view.refresh(self._recorder.now_s())
                await asyncio.sleep(REFRESH_EVERY_S)

    def _started(self) -> RunStarted:
        plan = self._plan
        facts = {**asdict(plan.target), "users": plan.users, "objectives": list(plan.objectives)}
        facts["form"] = dict.fromkeys(plan.target.form, "…")  # passwords are nobody's business
        facts["headers"] = dict.fromkeys(plan.target.headers, "…")
        return RunStarted(
            scenario=plan.name,
            seed=0,
            command=plan.command_line,
            database="",
            load_balancer="",
            time_scale=1.0,
            nodes=[],
            version_from="",
            version_to="",
            software=software(),
            certified={**facts, "command": list(plan.command)},
        )
