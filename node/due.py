"""Something to be done now and then by somebody who comes by more often."""

PURGE_EVERY_S = 5.0
"""Looking for what is too old to be kept need not be done at every look."""


def next_due_s(due_s: float, every_s: float, now: float) -> float:
    """When something periodic is due again that was due at ``due_s`` and is done by ``now``.

    Counted from when it was due, so that the time it took does not add up; what was missed meanwhile is left out.
    """
    return max(due_s + every_s, now)


class Due:
    """Due at once, and then every ``every_s`` seconds."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._next_s = float("-inf")

    def is_due(self, now: float) -> bool:
        """Whether it is to be done now; if so, it is taken for done."""
        if now < self._next_s:
            return False
        self._next_s = now + self._every_s
        return True
