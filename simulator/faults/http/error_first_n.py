"""``http.error_first_n``: it fails at first."""

from typing import Annotated, Literal

from pydantic import Field

from simulator.faults.path.fault import PathFault
from simulator.scenario.fields import Whole


class HttpErrorFirstN(PathFault):
    """The first requests of users to a node are answered with an error, the later ones by the node."""

    name: Literal["http.error_first_n"]
    """Which fault it is."""
    n: Annotated[Whole, Field(ge=1, le=1_000_000)] = 5
    """How many."""
    status: Annotated[Whole, Field(ge=400, le=599)] = 503
    """The status code of the error."""

    @property
    def values(self) -> dict[str, float]:
        """Its figures."""
        return {"n": self.n, "status": self.status}
