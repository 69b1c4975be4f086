"""``http.error_rate``: some requests fail."""

from typing import Annotated, Literal

from pydantic import Field

from simulator.faults.path.fault import ChancePathFault
from simulator.scenario.fields import Whole


class HttpErrorRate(ChancePathFault):
    """Some of the users' requests to a node are answered with an error; health checks stay good."""

    name: Literal["http.error_rate"]
    """Which fault it is."""
    status: Annotated[Whole, Field(ge=400, le=599)] = 503
    """The status code of the error."""

    @property
    def values(self) -> dict[str, float]:
        """Its figures."""
        return {"status": self.status}
