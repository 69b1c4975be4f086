"""All users and probes of a run: starts them, and stops them without cutting anything off."""

import asyncio
from itertools import count

from simulator.load.client import RecordingClient
from simulator.load.probes import Probe
from simulator.load.user import VirtualUser
from simulator.record.recorder import Recorder
from simulator.scenario.model import LoadPart
from zdu.clock import Entropy
from zdu.events import LoadStarted, LoadStopped

ARRIVAL_S = 1.5
"""Within this time all users sign in, evenly spread, so that sign-ins do not arrive as one burst."""


def users_needed(load: LoadPart) -> int:
    """How many accounts the load works with: one for each user and each of the two probes."""
    return load.users + 2


class Load:
    """Users at work and probes beside them."""

    def __init__(
        self,
        load: LoadPart,
        base_url: str,
        recorder: Recorder,
        *,
        remember_me: bool,
        common_issues: tuple[str, ...],
        seed: int,
    ) -> None:
        self._load = load
        self._remember_me = remember_me
        self._base_url = base_url
        self._recorder = recorder
        self._stopping = asyncio.Event()
        self._rng = Entropy(seed).rng
        self._request_ids = count(1)
        self._probes = self._make_probes() if load.probe_rate else []
        markers = count(1)
        self._users = [
            VirtualUser(
                number,
                load,
                self._client(f"s{number}"),
                remember_me=remember_me,
                common_issues=common_issues,
                markers=markers,
                rng=Entropy(self._rng.getrandbits(64)).rng,
                stopping=self._stopping,
            )
            for number in range(1, load.users + 1)
        ]

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Let everybody begin; ``tasks`` owns them."""
        self._recorder.event(LoadStarted(self._load.users, self._load.probe_rate))
        for index, user in enumerate(self._users):
            begin_s = ARRIVAL_S * index / max(1, len(self._users))
            tasks.create_task(user.work(begin_after_s=begin_s), name=user.username)
        for probe in self._probes:
            tasks.create_task(probe.run(self._stopping), name=probe.kind)

    def stop(self) -> None:
        """Ask all to stop; their tasks end when the requests under way have an outcome."""
        self._stopping.set()

    def record_end(self) -> None:
        """Record that the last task has ended."""
        self._recorder.event(LoadStopped({probe.kind: probe.count.as_dict() for probe in self._probes}))

    def _make_probes(self) -> list[Probe]:
        return [
            Probe(
                kind,
                f"user{self._load.users + 1 + index}",
                self._client(kind, keep_alive=keep_alive, connections=0),
                self._recorder,
                rate=self._load.probe_rate,
                remember_me=self._remember_me,
                phase_s=self._rng.random() / self._load.probe_rate,
            )
            for index, (kind, keep_alive) in enumerate((("probe_new", False), ("probe_reused", True)))
        ]

    def _client(self, session: str, *, keep_alive: bool = True, connections: int = 4) -> RecordingClient:
        return RecordingClient(
            self._base_url,
            self._recorder,
            self._request_ids,
            session=session,
            timeout_s=self._load.request_timeout,
            keep_alive=keep_alive,
            connections=connections,
        )
