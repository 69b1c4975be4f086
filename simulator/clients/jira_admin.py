"""An administrator's session on one node, over Jira's REST resources."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp

NO_XSRF_CHECK = {"X-Atlassian-Token": "no-check"}


class AdminRequestFailed(Exception):
    """A node refused, or did not answer, what the administrator asked of it.

    ``status`` is 0 for no answer; ``answer`` is what the node said, in one line.
    """

    def __init__(self, message: str, status: int = 0, answer: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.answer = answer


@dataclass(frozen=True)
class Said:
    """A node's answer on ``/status``."""

    state: str
    version: str
    build: int


class JiraAdmin:
    """Signs in when needed, and again when a restarted node has forgotten the session.

    Each administrator has a cookie jar of its own: cookies do not tell ports apart, and all nodes share one host.

    What changes something is sent on a connection of its own. One that has been idle may be closed by the node in the
    very moment, and whether the change was made could not be told; aiohttp repeats only what is safe to repeat.
    """

    def __init__(self, url: str, *, timeout_s: float = 5.0, username: str = "admin", password: str = "admin") -> None:  # noqa: S107 - the rehearsal's own account
        self.url = url
        self._credentials = {"username": username, "password": password}
        jar, timeout = aiohttp.CookieJar(unsafe=True), aiohttp.ClientTimeout(total=timeout_s)
        self._reads = aiohttp.ClientSession(url, timeout=timeout, cookie_jar=jar)
        alone = aiohttp.TCPConnector(force_close=True)
        self._changes = aiohttp.ClientSession(url, timeout=timeout, cookie_jar=jar, connector=alone)

    async def close(self) -> None:
        """Close the connections."""
        await self._reads.close()
        await self._changes.close()

    async def status(self) -> Said | None:
        """What ``/status`` says, to anybody; None while nothing answers."""
        try:
            async with self._reads.get("/status") as answer:
                words = await answer.json()
                build = answer.headers.get("X-Zdu-Build", "0")
                return Said(str(words["state"]), answer.headers.get("X-Zdu-Version", ""), int(build))
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError):
            return None

    async def cluster_state(self) -> str | None:
        """The cluster upgrade state this node shows; None while it cannot say."""
        try:
            return str((await self.get("/rest/api/2/cluster/zdu/state"))["state"])
        except AdminRequestFailed:
            return None

    async def start_upgrade(self) -> None:
        """Put Jira into upgrade mode."""
        await self._change("POST", "/rest/api/2/cluster/zdu/start")

    async def cancel(self) -> None:
        """Cancel the upgrade."""
        await self._change("POST", "/rest/api/2/cluster/zdu/cancel")

    async def retry_upgrade(self) -> None:
        """Acknowledge that an upgrade task has failed."""
        await self._change("POST", "/rest/api/2/cluster/zdu/retryUpgrade")

    async def approve(self) -> None:
        """Finalise the upgrade: run the upgrade tasks."""
        await self._change("POST", "/rest/api/2/cluster/zdu/approve")

    async def enter_node_upgrade_mode(self) -> None:
        """Let this node ask the load balancer to be drained."""
        await self._change("POST", "/rest/zdu-simulator/1/node/upgradeMode")

    async def get(self, path: str) -> Any:
        """The JSON of a resource. Raises AdminRequestFailed."""
        _, words = await self._signed_in("GET", path)
        return words

    async def _change(self, method: str, path: str) -> None:
        await self._signed_in(method, path)

    async def _signed_in(self, method: str, path: str) -> tuple[int, Any]:
        """Send the request; when the session is unknown, sign in and send it once more."""
        try:
            status, words = await self._send(method, path)
            if status == HTTPStatus.UNAUTHORIZED:
                await self._send("POST", "/rest/auth/1/session", json=self._credentials)
                status, words = await self._send(method, path)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise AdminRequestFailed(f"{method} {self.url}{path}: {str(error) or 'no answer in time'}") from error
        if status >= HTTPStatus.BAD_REQUEST:
            answer = _sentence(words)
            raise AdminRequestFailed(f"{method} {self.url}{path} was answered {status}: {answer}", status, answer)
        return status, words

    async def _send(self, method: str, path: str, json: object = None) -> tuple[int, Any]:
        http = self._reads if method == "GET" else self._changes
        async with http.request(method, path, json=json, headers=NO_XSRF_CHECK) as answer:
            is_json = answer.content_type == "application/json"
            return answer.status, (await answer.json() if is_json else await answer.text())


def _sentence(words: Any) -> str:
    """What an error body says, in one line."""
    if isinstance(words, dict) and words.get("errorMessages"):
        return " ".join(map(str, words["errorMessages"]))
    return " ".join(str(words).split())[:200]
