"""Talks to a load balancer's admin port, and turns what goes wrong into one clear message."""

import json
from types import TracebackType
from typing import Any, Self

from aiohttp import ClientError, ClientSession, ClientTimeout, InvalidURL
from yarl import URL

from zdu.errors import ExitCode, UsageError, ZduError

_PATIENCE_S = 10.0


def _address(text: str) -> URL:
    """The admin port's address. Raises ValueError if it is none."""
    url = URL(text)
    if url.scheme not in {"http", "https"} or not url.host:
        raise ValueError(text)
    return url


class NotThere(ZduError):
    """Nobody answers at the address, or not as a load balancer does."""

    exit_code = ExitCode.FAIL


class AdminClient:
    """Use it with ``async with``; every method raises ZduError with a message for people."""

    def __init__(self, admin: str, token: str | None) -> None:
        self._admin = admin.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http: ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._http = ClientSession(timeout=ClientTimeout(total=_PATIENCE_S), headers=self._headers)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._http is not None:
            await self._http.close()

    async def get(self, path: str, **query: str) -> dict[str, Any]:
        """The JSON at ``path``."""
        return await self._ask("GET", path, params=query)

    async def post(self, path: str, wish: dict[str, object]) -> dict[str, Any]:
        """The JSON that answers ``wish``."""
        return await self._ask("POST", path, json=wish)

    async def _ask(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        if self._http is None:
            raise AssertionError("used outside of async with")
        try:
            url = _address(self._admin).with_path(path)
            async with self._http.request(method, url, allow_redirects=False, **options) as answer:
                status, body = answer.status, await answer.text()
        except (InvalidURL, ValueError):
            raise UsageError(
                f"{self._admin} is no address of an admin port", hint="It looks like http://127.0.0.1:8081."
            ) from None
        except (ClientError, TimeoutError, OSError) as error:
            raise NotThere(
                f"no load balancer answers at {self._admin}: {str(error) or 'it did not answer in time'}",
                hint="Is it running? --admin URL or ZDU_LB_ADMIN says where its admin port is.",
            ) from None
        return self._understood(status, body)

    def _understood(self, status: int, body: str) -> dict[str, Any]:
        try:
            facts = json.loads(body)
        except ValueError:
            facts = None
        if not isinstance(facts, dict) or (status != 200 and "error" not in facts):
            raise NotThere(f"what answers at {self._admin} is no load balancer's admin port (status {status})")
        if status == 200:
            return facts
        if status in {401, 403}:
            raise UsageError(f"{self._admin}: {facts['error']}", hint="--token TOKEN or ZDU_LB_TOKEN brings it.")
        raise UsageError(str(facts["error"]))
