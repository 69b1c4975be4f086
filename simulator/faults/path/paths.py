"""The paths of a run as the simulator knows them: where they begin, and how to tell them what to do."""

from collections.abc import Mapping

import aiohttp

from simulator.faults.fault import FaultFailed

PATHS = "paths"
"""The name of the proxy's process."""
ANSWER_WITHIN_S = 30.0
"""It is the way of all requests of a run, too: on a busy machine it may be a while until it listens."""


def to_database(node_id: str) -> str:
    """The name of the path from a node to its database."""
    return f"{node_id}-database"


class Paths:
    """Talks to the path proxy at ``url``; ``ports`` are where each path begins.

    A path is called after the node that the load balancer finds there; those to a database by :func:`to_database`.
    """

    def __init__(self, url: str, ports: Mapping[str, int]) -> None:
        self.url = url
        self.ports = ports
        self._number = 0
        self._counts: dict[int, int] = {}
        self._http = aiohttp.ClientSession(
            base_url=url, timeout=aiohttp.ClientTimeout(total=ANSWER_WITHIN_S), raise_for_status=True
        )

    async def put_on(self, path: str, kind: str, probability: float, values: Mapping[str, float]) -> int:
        """Let a rule hold on a path; its number. Raises FaultFailed."""
        self._number += 1
        words = {"kind": kind, "probability": probability, "values": dict(values)}
        try:
            async with self._http.put(f"/paths/{path}/{self._number}", json=words):
                return self._number
        except (aiohttp.ClientError, TimeoutError) as error:
            reason = str(error) or f"no answer within {ANSWER_WITHIN_S:g} s"
            raise FaultFailed(f"the path {path} could not be told of {kind}: {reason}") from error

    async def count(self, number: int) -> int:
        """How often a rule took effect, as far as is known: a proxy that is gone says no more."""
        try:
            async with self._http.get("/counts") as answer:
                self._counts |= {int(key): count for key, count in (await answer.json()).items()}
        except (aiohttp.ClientError, TimeoutError):
            pass
        return self._counts.get(number, 0)

    async def take_off(self, path: str, number: int) -> None:
        """End a rule; one of a proxy that is gone has ended with it."""
        try:
            async with self._http.delete(f"/paths/{path}/{number}") as answer:
                self._counts[number] = (await answer.json())["count"]
        except (aiohttp.ClientError, TimeoutError):
            pass

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()
