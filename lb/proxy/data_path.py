"""What the rest of the load balancer knows about the data path: it can be opened, asked to drain, and closed."""

from typing import Protocol


class DataPath(Protocol):
    """Moves requests and responses; every decision comes from the balancer it was made with."""

    async def open(self) -> int:
        """Listen, and return the port. Raises OSError if the address is taken or not ours."""
        ...

    def purge(self, node: str) -> None:
        """Never use the connections to ``node`` that exist now for another request."""
        ...

    async def close(self, deadline_s: float) -> bool:
        """Accept no more, tell clients to close, let requests in flight finish for ``deadline_s`` seconds.

        True if all of them did; the others are broken off.
        """
        ...
