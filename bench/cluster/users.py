"""Signed-in users at a fixed rate over all nodes: request ``n`` is due at ``n / rate``, whatever the others do.

Every fifth request writes an issue, the others read pages. Latency counts from when a request was due.
"""

import asyncio
import re
import time
from collections import Counter
from dataclasses import dataclass, field

import aiohttp

from bench.cluster.figures import lock_troubles
from bench.common.errors import BenchError

PATIENCE_S = 15.0
LOGIN_AT_ONCE = 4
PAGES = ("/secure/Dashboard.jspa", "/browse/ZDU-7", "/issues/", "/secure/RapidBoard.jspa?rapidView=1")
CREATE = "/secure/CreateIssue.jspa"
_TOKEN = re.compile(r'name="atl_token"\s+value="([^"]+)"')


@dataclass
class Ledger:
    """What the users got."""

    intended: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    locked: int = 0
    created: int = 0
    latencies_ms: list[float] = field(default_factory=list)

    @property
    def server_errors(self) -> int:
        """Answers from 500 on."""
        return sum(times for outcome, times in self.outcomes.items() if outcome.startswith("5"))

    @property
    def unfulfilled(self) -> int:
        """Requests that did not get what they asked for, for whatever reason, those from 500 on included."""
        return self.intended - self.outcomes["as asked"]


class User:
    """One browser, at one node."""

    def __init__(self, name: str, node_url: str) -> None:
        self._name = name
        self._token = ""
        self._http = aiohttp.ClientSession(
            base_url=node_url,
            cookie_jar=aiohttp.CookieJar(unsafe=True),
            timeout=aiohttp.ClientTimeout(total=PATIENCE_S),
        )

    async def close(self) -> None:
        await self._http.close()

    async def sign_in(self) -> None:
        """Through the log-in page; BenchError if it does not let the user in."""
        form = {"os_username": self._name, "os_password": self._name, "os_destination": ""}
        async with self._http.get("/login.jsp") as page:
            await page.read()
        async with self._http.post("/login.jsp", data=form, allow_redirects=False) as answer:
            if answer.status != 302:
                raise BenchError(f"{self._name} could not sign in: {answer.status}")
        async with self._http.get(CREATE, allow_redirects=False) as page:
            found = _TOKEN.search(await page.text())
        if not found:
            raise BenchError(f"{self._name} was not shown the form for a new issue: {page.status}")
        self._token = found[1]

    async def ask(self, number: int, due_s: float, ledger: Ledger) -> None:
        """Send one request and note what came of it."""
        writes = number % 5 == 4
        try:
            if writes:
                form = {"summary": f"Order {number}", "description": "Under load.", "atl_token": self._token}
                call = self._http.post(CREATE, data=form, allow_redirects=False)
            else:
                call = self._http.get(PAGES[number % len(PAGES)], allow_redirects=False)
            async with call as answer:
                body = await answer.text()
            outcome = str(answer.status)
            if writes and answer.status == 302 and answer.headers["Location"].startswith("/browse/"):
                outcome, ledger.created = "as asked", ledger.created + 1
            elif not writes and answer.status == 200:
                outcome = "as asked"
            ledger.locked += lock_troubles(body) > 0
        except (aiohttp.ClientError, TimeoutError) as error:
            outcome = type(error).__name__
        ledger.outcomes[outcome] += 1
        ledger.latencies_ms.append((time.monotonic() - due_s) * 1000)


async def signed_in(users: list[User]) -> None:
    """Sign all of them in, a few at a time: that is not what is measured."""
    for first in range(0, len(users), LOGIN_AT_ONCE):
        await asyncio.gather(*(user.sign_in() for user in users[first : first + LOGIN_AT_ONCE]))


async def send(users: list[User], rate: float, seconds: float) -> Ledger:
    """Let the users ask, one after the other, at ``rate`` requests a second; returns when all are answered."""
    ledger = Ledger(intended=round(rate * seconds))
    begin_s = time.monotonic()
    async with asyncio.TaskGroup() as asking:
        for number in range(ledger.intended):
            due_s = begin_s + number / rate
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            # One further in each round, so that writing falls to every node in turn.
            user = users[(number + number // len(users)) % len(users)]
            asking.create_task(user.ask(number, due_s, ledger))
    ledger.latencies_ms.sort()
    return ledger
