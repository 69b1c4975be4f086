"""All users and probes of a run: starts them, changes their number, and stops them without cutting anything off."""

import asyncio
from itertools import count

from simulator.load.arrivals import Arrivals
from simulator.load.client import RecordingClient
from simulator.load.probes import Probe, Probes, SignedIn, Unrelated
from simulator.load.user import VirtualUser
from simulator.record.recorder import Recorder
from simulator.record.requests import ARRIVALS_NAME, CONTROL_KIND, PROBE_KINDS
from simulator.scenario.model import LoadPart
from simulator.scenario.work import ActionMix, ThinkTime
from zdu.clock import Entropy
from zdu.errors import UsageError
from zdu.events import LoadChanged, LoadStarted, LoadStopped

PROBES = len(PROBE_KINDS)
"""Each kind that looks at the cluster has an account of its own."""


def users_needed(load: LoadPart) -> int:
    """How many accounts the load works with: for each user, each probe, and each who serves arrivals."""
    return load.users + PROBES + (load.arrivals.people if load.arrivals.rate else 0)


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
        accounts: int = 0,
        control_url: str = "",
    ) -> None:
        """``accounts`` is how many there are, if more than the load needs: then the number of users may grow.

        ``control_url`` is where the control probe's server is; without one there is no such probe.
        """
        self._load = load
        self._accounts = accounts or users_needed(load)
        self._remember_me = remember_me
        self._base_url = base_url
        self._recorder = recorder
        self._common_issues = common_issues
        self._rng = Entropy(seed).rng
        self._request_ids = count(1)
        self._markers = count(1)
        self._stopping = asyncio.Event()
        self._tasks: asyncio.TaskGroup | None = None
        self._at_work: dict[int, asyncio.Event] = {}
        self._people: list[VirtualUser] = []
        self._probes = self._make_probes(control_url) if load.probe_rate else None
        self._arrivals = self._make_arrivals() if load.arrivals.rate else None
        self._came = 0

    @property
    def users(self) -> int:
        """How many people are at work."""
        return len(self._at_work)

    @property
    def most_users(self) -> int:
        """How many can be at work: each needs an account."""
        return self._accounts - PROBES - (self._load.arrivals.people if self._load.arrivals.rate else 0)

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Let everybody begin; ``tasks`` owns them."""
        self._tasks = tasks
        self._recorder.event(LoadStarted(self._load.users, self._load.probe_rate, self._load.arrivals.rate))
        self._send_to_work(self._load.users)
        if self._probes:
            tasks.create_task(self._probes.run(self._stopping), name="probes")
        if self._arrivals:
            tasks.create_task(self._arrivals.run(self._stopping), name="arrivals")

    def set_users(self, wanted: int) -> None:
        """Let people come or go until ``wanted`` are at work, of those who go the last ones first.

        Who goes still gets an answer to what was asked. A user who comes is somebody new. Raises UsageError for more
        than there are accounts.
        """
        if not 0 <= wanted <= self.most_users:
            raise UsageError(f"{wanted} users cannot be at work: there are accounts for 0 to {self.most_users}")
        if wanted == self.users or self._stopping.is_set():
            return
        while self.users > wanted:
            _, going = self._at_work.popitem()
            going.set()
        self._send_to_work(wanted - self.users)
        self._recorder.event(LoadChanged(self.users))

    def change(self, *, mix: ActionMix | None = None, think_time: ThinkTime | None = None) -> None:
        """Let everybody who works, or comes later, go by another mix or think time; None is as before."""
        said = {"mix": mix, "think_time": think_time}
        self._load = self._load.model_copy(update={key: value for key, value in said.items() if value is not None})
        for person in self._people:
            person.load = self._load

    def stop(self) -> None:
        """Ask all to stop; their tasks end when the requests under way have an outcome."""
        self._stopping.set()
        for going in self._at_work.values():
            going.set()

    def record_end(self) -> None:
        """Record that the last task has ended."""
        probes = self._probes.counts if self._probes else {}
        arrivals = self._arrivals.count.as_dict() if self._arrivals else {}
        sent = next(self._request_ids) - 1
        self._recorder.event(LoadStopped(probes, sent, arrivals))

    def _send_to_work(self, how_many: int) -> None:
        """New users, evenly spread over the ramp, so that sign-ins do not come as one burst."""
        assert self._tasks is not None  # noqa: S101 - only after start
        for index in range(how_many):
            user = self._new_user()
            begin_s = self._load.ramp * index / how_many
            self._tasks.create_task(user.work(begin_after_s=begin_s), name=user.username)

    def _new_user(self) -> VirtualUser:
        """The next one. Two may share an account only when as many have come as there are accounts."""
        self._came += 1
        going = self._at_work[self._came] = asyncio.Event()
        user = VirtualUser(
            self._came,
            self._load,
            self._client(f"s{self._came}"),
            remember_me=self._remember_me,
            common_issues=self._common_issues,
            markers=self._markers,
            rng=Entropy(self._rng.getrandbits(64)).rng,
            stopping=going,
            username=f"user{(self._came - 1) % self.most_users + 1}",
        )
        self._people.append(user)
        return user

    def _make_arrivals(self) -> Arrivals:
        open_model = self._load.arrivals
        first = self.most_users + PROBES + 1
        people = [
            VirtualUser(
                index + 1,
                self._load,
                self._client(f"{ARRIVALS_NAME}{index + 1}"),
                remember_me=self._remember_me,
                common_issues=self._common_issues,
                markers=self._markers,
                rng=Entropy(self._rng.getrandbits(64)).rng,
                stopping=self._stopping,
                username=f"user{first + index}",
                name=f"{ARRIVALS_NAME}{index + 1}",
            )
            for index in range(open_model.people)
        ]
        self._people += people
        return Arrivals(
            people,
            self._recorder,
            rate=open_model.rate,
            ramp_s=self._load.ramp,
            phase_s=self._rng.random() / open_model.rate,
            anew=open_model.sessions == "new",
        )

    def _make_probes(self, control_url: str) -> Probes:
        probes = []
        for index, kind in enumerate(PROBE_KINDS):
            client = self._client(kind, keep_alive=kind == "probe_reused", connections=0)
            account = f"user{self.most_users + 1 + index}"
            target = SignedIn(kind, account, client, remember_me=self._remember_me)
            probes.append(Probe(kind, target, self._recorder))
        if control_url:
            probes.append(Probe(CONTROL_KIND, Unrelated(self._control_client(control_url)), self._recorder))
        phase_s = self._rng.random() / self._load.probe_rate
        return Probes(probes, self._recorder, rate=self._load.probe_rate, phase_s=phase_s)

    def _control_client(self, url: str) -> RecordingClient:
        return RecordingClient(
            url,
            self._recorder,
            self._request_ids,
            session=CONTROL_KIND,
            timeout_s=self._load.request_timeout,
            keep_alive=False,
            connections=0,
            record=self._recorder.control_request,
        )

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
