"""Who looks at a system that is not ours: visitors who read pages, and the two kinds of probes."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count

from simulator.certify.target import Target, hidden_fields
from simulator.load.client import INSECURE, RecordingClient
from simulator.load.crowd import Crowd, Working
from simulator.load.judge import LOGIN_PAGE, Expected
from simulator.load.waiting import stops_within
from simulator.record.recorder import Recorder
from simulator.record.requests import OK, RequestRecord
from zdu.errors import UsageError

THINK_S = (0.2, 0.8)
"""How long a visitor looks at a page, if nobody says otherwise."""
BACK_OFF_S = 0.3
"""After a failure a person looks at the error for a moment; hammering would count one outage many times."""


LOOK_AT_THE_OPTIONS = "See --url, --expect-text, --login, --form, --header; it must be well before it is upgraded."
WHAT_TO_TRY = {
    "refused": "Is it up, and is that its port?",
    "timeout": "Look at it with curl; if it is slow by nature, raise --timeout.",
    INSECURE: "If the certificate is your own, let it be trusted: SSL_CERT_FILE=cert.pem zdu …; or is it http://?",
    "reset": "Is it https:// in the place of http://, or does it serve something else than HTTP?",
}
"""Of a system that is not well from the beginning, by what became of the first request."""


class Visitor:
    """Somebody with a session of their own, or a kind of probe, which is one."""

    def __init__(self, number: int, target: Target, client: RecordingClient) -> None:
        self._number = number
        self._target = target
        self._client = client
        self._logged_in = False
        self._logging_in = asyncio.Lock()

    async def prepare(self) -> None:
        """Log in, where that is wanted and has not been done."""
        async with self._logging_in:
            if self._logged_in or not self._target.login:
                return
            self._client.forget_cookies()
            page = await self._client.send("open_login", "GET", self._target.login, Expected(page="login"))
            if not page.ok:
                return
            form = self._target.form_of(self._number, hidden_fields(page.body))
            sent = Expected(page="login", text="accepted")
            answer = await self._client.send("log_in", "POST", self._target.login, sent, form=form)
            self._logged_in = answer.ok

    async def view(self, kind: str, intended_s: float | None = None) -> bool:
        """Ask for the page; who is thrown out logs in again before the next one. Whether it was the right page."""
        await self.prepare()
        answer = await self._client.send(kind, "GET", self._target.path, Expected(), intended_s=intended_s)
        if answer.record.outcome == LOGIN_PAGE:
            self._logged_in = False
        return answer.ok

    async def work(self, pace: "Pace", stopping: asyncio.Event, rng: random.Random, begin_after_s: float) -> None:
        """Read one page after the other until ``stopping`` is set."""
        try:
            await stops_within(begin_after_s, stopping)
            while not stopping.is_set():
                fine = await self.view("view")
                await stops_within(rng.uniform(*pace.think_s) if fine else BACK_OFF_S, stopping)
        finally:
            await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


class _Probing:
    """A visitor as what a probe asks."""

    def __init__(self, kind: str, visitor: Visitor) -> None:
        self._kind = kind
        self._visitor = visitor

    async def prepare(self) -> None:
        """Log in."""
        await self._visitor.prepare()

    async def ask(self, intended_s: float) -> None:
        """Ask for the page that was due at ``intended_s``."""
        await self._visitor.view(self._kind, intended_s)

    async def close(self) -> None:
        """Close the connections."""
        await self._visitor.close()


@dataclass(frozen=True)
class Pace:
    """How many visitors there are, how they come and read, and how often probes look (``rate`` per second)."""

    users: int
    rate: float
    timeout_s: float
    think_s: tuple[float, float] = THINK_S
    ramp_s: float = 0.0


class Visit(Crowd):
    """All visitors and probes of one measurement of an application that is not ours."""

    most_users = 10_000
    """Nobody needs an account that somebody has made before."""

    def __init__(
        self, target: Target, recorder: Recorder, control_url: str, pace: Pace, *, seed: int | None = None
    ) -> None:
        super().__init__(
            recorder,
            users=pace.users,
            rate=pace.rate,
            ramp_s=pace.ramp_s,
            timeout_s=pace.timeout_s,
            control_url=control_url,
            seed=seed,
        )
        self._target = target
        self._pace = pace

    async def first_look(self) -> None:
        """Raises UsageError when there is nothing to measure: nobody answers, or the answer is another one."""
        seen: list[RequestRecord] = []
        visitor = Visitor(1, self._target, self._client("first look", record=seen.append, ids=count(1)))
        try:
            await visitor.view("view")
        finally:
            await visitor.close()
        wrong = [request for request in seen if request.outcome != OK]
        if wrong:
            raise UsageError(
                f"{self._target.url}{wrong[0].path} does not answer as it should, before anything has happened: "
                f"{wrong[0].outcome}{f', {wrong[0].detail}' if wrong[0].detail else ''}",
                hint=WHAT_TO_TRY.get(wrong[0].outcome, LOOK_AT_THE_OPTIONS),
            )

    def _newcomer(self, number: int, going: asyncio.Event, rng: random.Random) -> tuple[str, Working]:
        visitor = Visitor(number, self._target, self._client(f"s{number}"))
        return f"visitor {number}", partial(visitor.work, self._pace, going, rng)

    def _probed(self, kind: str, index: int) -> _Probing:
        client = self._client(kind, keep_alive=kind == "probe_reused", connections=0)
        return _Probing(kind, Visitor(self.most_users + 1 + index, self._target, client))

    def _client(
        self,
        session: str,
        *,
        keep_alive: bool = True,
        connections: int = 4,
        record: Callable[[RequestRecord], None] | None = None,
        ids: "count[int] | None" = None,
    ) -> RecordingClient:
        return RecordingClient(
            self._target.url, self._recorder, ids or self._request_ids, session=session, timeout_s=self._timeout_s,
            keep_alive=keep_alive, connections=connections, answers=self._target,
            headers=self._target.headers, record=record,
        )  # fmt: skip
