"""All users and probes of a run on Jira: who they are, and what they do."""

import asyncio
import random
from itertools import count

from simulator.load.arrivals import Arrivals
from simulator.load.client import RecordingClient
from simulator.load.crowd import Crowd, Working
from simulator.load.probes import SignedIn
from simulator.load.user import VirtualUser
from simulator.record.recorder import Recorder
from simulator.record.requests import ARRIVALS_NAME, PROBE_KINDS
from simulator.scenario.model import LoadPart
from simulator.scenario.work import ActionMix, ThinkTime

PROBES = len(PROBE_KINDS)
"""Each kind that looks at the cluster has an account of its own."""


def users_needed(load: LoadPart) -> int:
    """How many accounts the load works with: for each user, each probe, and each who serves arrivals."""
    return load.users + PROBES + (load.arrivals.people if load.arrivals.rate else 0)


class Load(Crowd):
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
        """``accounts`` is how many there are, if more than the load needs: then the number of users may grow."""
        super().__init__(
            recorder,
            users=load.users,
            rate=load.probe_rate,
            ramp_s=load.ramp,
            timeout_s=load.request_timeout,
            control_url=control_url,
            seed=seed,
        )
        self._load = load
        self._accounts = accounts or users_needed(load)
        self._remember_me = remember_me
        self._base_url = base_url
        self._common_issues = common_issues
        self._markers = count(1)
        self._people: list[VirtualUser] = []
        self._arrivals = self._make_arrivals() if load.arrivals.rate else None

    @property
    def most_users(self) -> int:
        """How many can be at work: each needs an account."""
        return self._accounts - PROBES - (self._load.arrivals.people if self._load.arrivals.rate else 0)

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Let everybody begin; ``tasks`` owns them."""
        super().start(tasks)
        if self._arrivals:
            tasks.create_task(self._arrivals.run(self._stopping), name="arrivals")

    def change(self, *, mix: ActionMix | None = None, think_time: ThinkTime | None = None) -> None:
        """Let everybody who works, or comes later, go by another mix or think time; None is as before."""
        said = {"mix": mix, "think_time": think_time}
        self._load = self._load.model_copy(update={key: value for key, value in said.items() if value is not None})
        for person in self._people:
            person.load = self._load

    @property
    def _arrivals_rate(self) -> float:
        return self._load.arrivals.rate

    def _arrival_counts(self) -> dict[str, int]:
        return self._arrivals.count.as_dict() if self._arrivals else {}

    def _newcomer(self, number: int, going: asyncio.Event, rng: random.Random) -> tuple[str, Working]:
        """The next user. Two may share an account only when as many have come as there are accounts."""
        user = VirtualUser(
            number,
            self._load,
            self._client(f"s{number}"),
            remember_me=self._remember_me,
            common_issues=self._common_issues,
            markers=self._markers,
            rng=rng,
            stopping=going,
            username=f"user{(number - 1) % self.most_users + 1}",
        )
        self._people.append(user)
        return user.username, user.work

    def _probed(self, kind: str, index: int) -> SignedIn:
        client = self._client(kind, keep_alive=kind == "probe_reused", connections=0)
        return SignedIn(kind, f"user{self.most_users + 1 + index}", client, remember_me=self._remember_me)

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
                rng=self._new_rng(),
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

    def _client(self, session: str, *, keep_alive: bool = True, connections: int = 4) -> RecordingClient:
        return RecordingClient(
            self._base_url,
            self._recorder,
            self._request_ids,
            session=session,
            timeout_s=self._timeout_s,
            keep_alive=keep_alive,
            connections=connections,
        )
