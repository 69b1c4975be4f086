"""Counts over the requests of a run that is under way: what a step's ``when`` asks for."""

from collections.abc import Sequence

from simulator.record.requests import RequestRecord
from simulator.scenario.conditions import Counts


class Tally:
    """Follows a list of requests that grows. Each request is looked at once."""

    def __init__(self, requests: Sequence[RequestRecord]) -> None:
        self._requests = requests
        self._looked_at = 0
        self._users = 0
        self._failed = 0
        self._node_of: dict[str, str] = {}
        self._moved: set[str] = set()

    def counts(self) -> Counts:
        """What the users' requests came to until now."""
        while self._looked_at < len(self._requests):
            request = self._requests[self._looked_at]
            self._looked_at += 1
            if request.by_user:
                self._look_at(request)
        return Counts(self._users, self._failed, len(self._node_of), len(self._moved))

    def _look_at(self, request: RequestRecord) -> None:
        self._users += 1
        self._failed += request.failed
        if request.node:
            if self._node_of.get(request.session, request.node) != request.node:
                self._moved.add(request.session)
            self._node_of[request.session] = request.node
