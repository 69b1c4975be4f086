"""Something to be done now and then by somebody who comes by more often."""

PURGE_EVERY_S = 5.0
"""Looking for what is too old to be kept need not be done at every look."""


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
