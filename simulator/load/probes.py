"""Fixed-rate probes: the instrument that measures outages while users merely work.

Open model: a probe starts on its tick whether or not the last one has come back, and its latency counts from that
tick. Two kinds at the same target, because a rolling upgrade breaks them for different reasons: one opens a new
connection each time, the other uses kept-alive ones.
"""

import asyncio
from dataclasses import dataclass

from simulator.load.client import RecordingClient
from simulator.load.judge import LOGIN_PAGE, Expected
from simulator.load.sign_in import sign_in
from simulator.record.recorder import Recorder

TARGET = "/rest/api/2/serverInfo"
ON_TIME_S = 0.1
"""A probe that starts later than this after its tick tells of the generator's trouble, not of the cluster's."""
MAX_UNANSWERED = 200
"""Probes in flight of one kind. Beyond that the target hangs, and a tick is left out and counted as not kept."""


@dataclass
class ProbeCount:
    """How well a probe kept its rate."""

    intended: int = 0
    on_time: int = 0

    def as_dict(self) -> dict[str, int]:
        """For the record."""
        return {"intended": self.intended, "on_time": self.on_time}


class Probe:
    """One kind of probe, with a signed-in session of its own."""

    def __init__(
        self,
        kind: str,
        username: str,
        client: RecordingClient,
        recorder: Recorder,
        *,
        rate: float,
        remember_me: bool,
        phase_s: float,
    ) -> None:
        self.kind = kind
        self.count = ProbeCount()
        self._username = username
        self._client = client
        self._recorder = recorder
        self._interval_s = 1.0 / rate
        self._remember_me = remember_me
        self._phase_s = phase_s
        self._signed_in = False
        self._signing_in = asyncio.Lock()
        self._in_flight = 0

    async def run(self, stopping: asyncio.Event) -> None:
        """Probe at the wanted rate until ``stopping`` is set, then wait for the last answers."""
        try:
            await self._sign_in_once()
            async with asyncio.TaskGroup() as in_flight:
                tick_s = self._recorder.now_s() + self._phase_s
                while not await self._stopped_before(tick_s, stopping):
                    self.count.intended += 1
                    if self._in_flight < MAX_UNANSWERED:
                        if self._recorder.now_s() - tick_s <= ON_TIME_S:
                            self.count.on_time += 1
                        in_flight.create_task(self._probe(tick_s), name=self.kind)
                    tick_s += self._interval_s
        finally:
            await self._client.close()

    async def _probe(self, intended_s: float) -> None:
        self._in_flight += 1
        try:
            await self._sign_in_once()
            answer = await self._client.send(
                self.kind, "GET", TARGET, Expected(user=self._username, text='"version"'), intended_s=intended_s
            )
            if answer.record.outcome == LOGIN_PAGE:
                self._signed_in = False
        finally:
            self._in_flight -= 1

    async def _sign_in_once(self) -> None:
        async with self._signing_in:
            if not self._signed_in:
                answer = await sign_in(self._client, self._username, remember_me=self._remember_me)
                self._signed_in = answer.ok

    async def _stopped_before(self, due_s: float, stopping: asyncio.Event) -> bool:
        """Wait until ``due_s`` of the run; tells whether probing is to stop instead."""
        try:
            async with asyncio.timeout(max(0.0, due_s - self._recorder.now_s())):
                await stopping.wait()
        except TimeoutError:
            return False
        return True
