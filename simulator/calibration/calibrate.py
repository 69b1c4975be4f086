"""Runs the instruments of a run against the calibration target, one case after the other."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import URL

from simulator.audit import Auditor
from simulator.calibration.cases import SLOW_PHASE_NAME, Case, Finding, Planted
from simulator.calibration.target import FIRST_ISSUE, NODE, OLDER, VERSION
from simulator.cluster import DatabaseTarget
from simulator.load.load import Load
from simulator.record.recorder import Recorder
from simulator.scenario.expectations import Expectations
from simulator.scenario.model import LoadPart
from simulator.verdict import Evidence, reach_verdict
from simulator.verdict.machine import tell_troubles
from simulator.verdict.parts import WORDS
from zdu.clock import Clock
from zdu.events import ClusterObserved, ProcessStarted, RunEnded

USERS = 6
ATTEMPTS = 3
PROBE_RATE = 20.0
LEAD_S = 0.5
"""Users are at work and probes on their ticks before anything is planted."""
TAIL_S = 0.6
"""And for a while afterwards: an end must be seen, and what strikes once needs its occasion."""
_MIX = {"view_dashboard": 3, "view_issue": 3, "create_issue": 1, "comment_issue": 1}
_OFF = ("edit_issue", "list_issues", "search_issues", "view_board", "transition_issue", "bulk_edit", "sign_in_again")
LOAD = LoadPart.model_validate(
    {
        "users": USERS,
        "ramp": "200ms",
        "think_time": {"min": "5ms", "max": "25ms"},
        "probe_rate": PROBE_RATE,
        "mix": {**_MIX, **dict.fromkeys(_OFF, 0)},
    }
)
SLOW_STATE = next(state for state, name in WORDS.items() if name == SLOW_PHASE_NAME)


class Bench:
    """The target, the control probe's server, and a folder for the records."""

    def __init__(self, target_url: str, control_url: str, database: Path, folder: Path, clock: Clock) -> None:
        self._url = target_url
        self._control_url = control_url
        self._database = DatabaseTarget(URL.create("sqlite+aiosqlite", database=str(database)).render_as_string())
        self._folder = folder
        self._clock = clock

    async def run(self, case: Case, seed: int) -> Finding:
        """Plant one fault in a short run, and look for it as a verdict does.

        A fault that never struck is not found. A run in which the machine itself was in trouble proves nothing, as
        ever; it is repeated, at most twice.
        """
        for attempt in range(ATTEMPTS):
            evidence, planted = await self._play(case, seed, attempt)
            if not evidence.troubles:
                break
        else:
            return Finding(False, f"the machine was in trouble: {tell_troubles(evidence.troubles)}")
        finding = case.look(evidence, reach_verdict(evidence), planted)
        if case.fault and not planted.happened:
            return Finding(False, f"the fault never struck; {finding.said}")
        return finding

    async def _play(self, case: Case, seed: int, attempt: int) -> tuple[Evidence, Planted]:
        folder = self._folder / f"{case.fault or 'clean'}-{seed}-{attempt}"
        folder.mkdir()
        recorder = Recorder(folder, self._clock)
        async with aiohttp.ClientSession(base_url=self._url) as http:
            await _post(http, "/calibration/reset", {})
            planted = await self._measure(case, recorder, http, seed)
        await self._audit(recorder)
        recorder.event(RunEnded())
        recorder.close()
        return _evidence(recorder), planted

    async def _measure(self, case: Case, recorder: Recorder, http: aiohttp.ClientSession, seed: int) -> Planted:
        recorder.event(ProcessStarted(NODE, 0, self._url, VERSION))
        load = Load(
            LOAD,
            self._url,
            recorder,
            remember_me=False,
            common_issues=(FIRST_ISSUE,),
            seed=seed,
            control_url=self._control_url,
        )
        async with asyncio.TaskGroup() as tasks:
            load.start(tasks)
            await asyncio.sleep(LEAD_S)
            told: dict[str, Any] = {"from_s": 0.0, "to_s": 0.0, "happened": 0}
            if case.fault:
                if case.fault == "slow_phase":
                    recorder.event(ClusterObserved(SLOW_STATE, NODE))
                await _post(http, "/calibration/plant", {"fault": case.fault, "for_s": case.lasts_s})
                await asyncio.sleep(case.lasts_s)
                if case.fault == "slow_phase":
                    recorder.event(ClusterObserved("STABLE", NODE))
            await asyncio.sleep(TAIL_S)
            load.stop()
        load.record_end()
        if case.fault:
            async with http.get("/calibration/plan") as answer:
                told = await answer.json()
        from_s, to_s = recorder.since_start_s(told["from_s"]), recorder.since_start_s(told["to_s"])
        return Planted(case.fault, from_s, to_s, told["happened"])

    async def _audit(self, recorder: Recorder) -> None:
        auditor = Auditor(self._database)
        try:
            recorder.event(await auditor.writes(recorder.requests, {}))
        finally:
            await auditor.close()


async def _post(http: aiohttp.ClientSession, path: str, data: dict[str, Any]) -> None:
    async with http.post(path, json=data) as answer:
        answer.raise_for_status()


def _evidence(recorder: Recorder) -> Evidence:
    return Evidence(
        envelopes=recorder.envelopes,
        requests=recorder.requests,
        control=recorder.control,
        expect=Expectations(),
        nodes=(NODE,),
        rolled=(),
        version_from=OLDER,
        version_to=VERSION,
        users=USERS,
        sessions_kind="in-memory",
    )
