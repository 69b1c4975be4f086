"""What a user has written and must find again: reading one's own writes, whichever node answers. Pure.

Only what the application has confirmed counts. A write whose confirmation was lost may be there or not, now or later,
so nothing is expected of it; that is for the audit at the end of the run.
"""

from collections import defaultdict, deque

COMMENTS_REMEMBERED = 3
"""So many of a user's latest comments are looked for on each issue."""


class OwnWrites:
    """One user's confirmed writes, by issue."""

    def __init__(self) -> None:
        self._description: dict[str, str] = {}
        self._summary: dict[str, str] = {}
        self._comments: dict[str, deque[str]] = defaultdict(lambda: deque(maxlen=COMMENTS_REMEMBERED))

    def created(self, key: str, marker: str) -> None:
        """The user made the issue, with ``marker`` in its description, which nobody changes."""
        self._description[key] = marker

    def edited(self, key: str, marker: str, *, confirmed: bool) -> None:
        """The user changed the summary, which now ends with ``marker``; or perhaps did, if not ``confirmed``."""
        self._summary.pop(key, None)
        if confirmed and key in self._description:
            self._summary[key] = marker  # others' issues are changed by others too

    def commented(self, key: str, marker: str) -> None:
        """The user left a comment."""
        self._comments[key].append(marker)

    def on(self, key: str) -> tuple[str, ...]:
        """The texts that the issue's page must have. A summary is looked for where it stands, not in the history."""
        description = [self._description[key]] if key in self._description else []
        summary = [f"{self._summary[key]}</h1>"] if key in self._summary else []
        return (*description, *summary, *self._comments.get(key, ()))
