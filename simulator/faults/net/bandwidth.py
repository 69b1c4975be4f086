"""``net.bandwidth``: a narrow line."""

from typing import Annotated, Literal

from pydantic import Field

from simulator.faults.path.fault import ChancePathFault
from simulator.scenario.fields import Whole


class NetBandwidth(ChancePathFault):
    """Answers of a node arrive slowly, so many bytes a second for each connection."""

    name: Literal["net.bandwidth"]
    """Which fault it is."""
    bytes_per_s: Annotated[Whole, Field(ge=100, le=1_000_000_000)] = 20_000
    """How many bytes pass in a second."""

    @property
    def values(self) -> dict[str, float]:
        """Its figures."""
        return {"bytes_per_s": self.bytes_per_s}
