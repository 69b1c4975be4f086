"""Fixed-rate probes: the instrument that measures outages while users merely work.

Open model: a probe starts on its tick whether or not the last one has come back, and its latency counts from that
tick. Two kinds look at the cluster, because a rolling upgrade breaks them for different reasons: one opens a new
connection each time, the other uses kept-alive ones. A third kind, on the same ticks, looks at a server that has
nothing to do with the cluster (:mod:`simulator.load.control_target`): what it suffers is the machine's trouble.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from simulator.load.client import RecordingClient
from simulator.load.judge import LOGIN_PAGE, Expected
from simulator.load.sign_in import sign_in
from simulator.load.waiting import stops_within
from simulator.record.recorder import Recorder
from simulator.record.requests import CONTROL_KIND

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


class Target(Protocol):
    """What one kind of probe asks, and as whom."""

    async def prepare(self) -> None:
        """Sign in, where that is needed."""
        ...

    async def ask(self, intended_s: float) -> None:
        """Send the one request that was due at ``intended_s``, and record what became of it."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


class Probe:
    """One kind of probe and how well it kept its rate."""

    def __init__(self, kind: str, target: Target, recorder: Recorder) -> None:
        self.kind = kind
        self.count = ProbeCount()
        self.target = target
        self._recorder = recorder
        self._in_flight = 0

    def tick(self, tick_s: float, tasks: asyncio.TaskGroup) -> None:
        """Start the probe that is due at ``tick_s``."""
        self.count.intended += 1
        if self._in_flight >= MAX_UNANSWERED:
            return
        if self._recorder.now_s() - tick_s <= ON_TIME_S:
            self.count.on_time += 1
        self._in_flight += 1
        tasks.create_task(self._ask(tick_s), name=self.kind)

    async def _ask(self, tick_s: float) -> None:
        try:
            await self.target.ask(tick_s)
        finally:
            self._in_flight -= 1


class Probes:
    """All kinds of probes, side by side on the same ticks."""

    def __init__(self, probes: Sequence[Probe], recorder: Recorder, *, rate: float, phase_s: float) -> None:
        """``rate`` is ticks per second; ``phase_s`` is drawn, so that the ticks are aligned with nothing."""
        self._probes = probes
        self._recorder = recorder
        self._interval_s = 1.0 / rate
        self._phase_s = phase_s

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """For the record: by kind, how many were intended and how many were started on time."""
        return {probe.kind: probe.count.as_dict() for probe in self._probes}

    async def run(self, stopping: asyncio.Event) -> None:
        """Probe at the wanted rate until ``stopping`` is set, then wait for the last answers."""
        try:
            async with asyncio.TaskGroup() as preparing:
                for probe in self._probes:
                    preparing.create_task(probe.target.prepare(), name=probe.kind)
            async with asyncio.TaskGroup() as in_flight:
                tick_s = self._recorder.now_s() + self._phase_s
                while not await stops_within(tick_s - self._recorder.now_s(), stopping):
                    for probe in self._probes:
                        probe.tick(tick_s, in_flight)
                    tick_s += self._interval_s
        finally:
            for probe in self._probes:
                await probe.target.close()


class SignedIn:
    """A small REST resource of the cluster, asked by somebody who is signed in."""

    def __init__(self, kind: str, username: str, client: RecordingClient, *, remember_me: bool) -> None:
        self._kind = kind
        self._username = username
        self._client = client
        self._remember_me = remember_me
        self._signed_in = False
        self._signing_in = asyncio.Lock()

    async def prepare(self) -> None:
        """Sign in, unless that has been done."""
        async with self._signing_in:
            if not self._signed_in:
                answer = await sign_in(self._client, self._username, remember_me=self._remember_me)
                self._signed_in = answer.ok

    async def ask(self, intended_s: float) -> None:
        """Ask which version there is; who was thrown out signs in again before the next probe."""
        await self.prepare()
        answer = await self._client.send(
            self._kind, "GET", TARGET, Expected(user=self._username, text='"version"'), intended_s=intended_s
        )
        if answer.record.outcome == LOGIN_PAGE:
            self._signed_in = False

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


class Unrelated:
    """The control probe's server."""

    def __init__(self, client: RecordingClient) -> None:
        self._client = client

    async def prepare(self) -> None:
        """Nothing is needed."""

    async def ask(self, intended_s: float) -> None:
        """Ask for the one thing it has."""
        await self._client.send(CONTROL_KIND, "GET", "/", Expected(text="control"), intended_s=intended_s)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
