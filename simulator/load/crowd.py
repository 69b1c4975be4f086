"""Those who work on a cluster, and the probes beside them: how they come, go and end, whatever they do there."""

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any

from simulator.load.client import RecordingClient
from simulator.load.probes import Probe, Probes, Target, Unrelated
from simulator.record.recorder import Recorder
from simulator.record.requests import CONTROL_KIND, PROBE_KINDS
from zdu.clock import Entropy
from zdu.errors import UsageError
from zdu.events import LoadChanged, LoadStarted, LoadStopped

Working = Callable[[float], Coroutine[Any, Any, None]]
"""What somebody does from so many seconds on, until told to go."""


class Crowd(ABC):
    """Starts everybody, changes their number, and stops them without cutting anything off.

    Who they are and what a probe asks is told by those who build on it.
    """

    def __init__(
        self, recorder: Recorder, *, users: int, rate: float, ramp_s: float, timeout_s: float, control_url: str,
        seed: int | None,
    ) -> None:  # fmt: skip
        """``users`` come over ``ramp_s``, each kind of probe looks ``rate`` times a second; without 0 there is none.

        ``control_url`` is where the control probe's server is; without one there is no such probe.
        """
        self._recorder = recorder
        self._at_first = users
        self._rate = rate
        self._ramp_s = ramp_s
        self._timeout_s = timeout_s
        self._control_url = control_url
        self._rng = (Entropy() if seed is None else Entropy(seed)).rng
        self._request_ids = count(1)
        self._stopping = asyncio.Event()
        self._tasks: asyncio.TaskGroup | None = None
        self._at_work: dict[int, asyncio.Event] = {}
        self._probes: Probes | None = None
        self._came = 0

    @property
    @abstractmethod
    def most_users(self) -> int:
        """How many can be at work at once."""

    @abstractmethod
    def _newcomer(self, number: int, going: asyncio.Event, rng: random.Random) -> tuple[str, Working]:
        """The name and the work of somebody new, who goes when ``going`` is set."""

    @abstractmethod
    def _probed(self, kind: str, index: int) -> Target:
        """What the probes of that kind ask, the first kind being 0."""

    @property
    def users(self) -> int:
        """How many people are at work."""
        return len(self._at_work)

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Let everybody begin; ``tasks`` owns them."""
        self._tasks = tasks
        self._recorder.event(LoadStarted(self._at_first, self._rate, self._arrivals_rate))
        if self._rate:
            self._probes = self._make_probes()
            tasks.create_task(self._probes.run(self._stopping), name="probes")
        self._send_to_work(self._at_first)

    def set_users(self, wanted: int) -> None:
        """Let people come or go until ``wanted`` are at work, of those who go the last ones first.

        Who goes still gets an answer to what was asked. A user who comes is somebody new. Raises UsageError for more
        than there can be.
        """
        if not 0 <= wanted <= self.most_users:
            raise UsageError(f"{wanted} users cannot be at work: there is room for 0 to {self.most_users}")
        if wanted == self.users or self._stopping.is_set():
            return
        while self.users > wanted:
            _, going = self._at_work.popitem()
            going.set()
        self._send_to_work(wanted - self.users)
        self._recorder.event(LoadChanged(self.users))

    def stop(self) -> None:
        """Ask all to stop; their tasks end when the requests under way have an outcome."""
        self._stopping.set()
        for going in self._at_work.values():
            going.set()

    def record_end(self) -> None:
        """Record that the last task has ended."""
        sent = next(self._request_ids) - 1
        self._recorder.event(LoadStopped(self._probes.counts if self._probes else {}, sent, self._arrival_counts()))

    @property
    def _arrivals_rate(self) -> float:
        """Of an open model beside those who stay; 0 if there is none."""
        return 0.0

    def _arrival_counts(self) -> dict[str, int]:
        return {}

    def _send_to_work(self, how_many: int) -> None:
        """New people, evenly spread over the ramp, so that log-ins do not come as one burst."""
        assert self._tasks is not None  # noqa: S101 - only after start
        for index in range(how_many):
            self._came += 1
            going = self._at_work[self._came] = asyncio.Event()
            name, work = self._newcomer(self._came, going, self._new_rng())
            self._tasks.create_task(work(self._ramp_s * index / how_many), name=name)

    def _new_rng(self) -> random.Random:
        return Entropy(self._rng.getrandbits(64)).rng

    def _make_probes(self) -> Probes:
        probes = [Probe(kind, self._probed(kind, index), self._recorder) for index, kind in enumerate(PROBE_KINDS)]
        if self._control_url:
            probes.append(Probe(CONTROL_KIND, Unrelated(self._control_client()), self._recorder))
        return Probes(probes, self._recorder, rate=self._rate, phase_s=self._rng.random() / self._rate)

    def _control_client(self) -> RecordingClient:
        return RecordingClient(
            self._control_url,
            self._recorder,
            self._request_ids,
            session=CONTROL_KIND,
            timeout_s=self._timeout_s,
            keep_alive=False,
            connections=0,
            record=self._recorder.control_request,
        )
