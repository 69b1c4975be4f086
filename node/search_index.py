"""One node's search index: a copy of what can be searched, as this node knows it now, which may be a while ago.

In Jira it is Lucene's, on the node's own disk. Here it is in memory and is gone through from the newest issue to the
oldest; results are answered from the copy alone, so an index that is behind shows old texts, old statuses and no new
issues at all, exactly as people see it after a restart.
"""

from bisect import insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from shared_db import Issue


@dataclass(frozen=True)
class Query:
    """What is searched for: words anywhere in summary or description, in any case; a project; a status by name."""

    text: str = ""
    project: str = ""
    status: str = ""


class SearchIndex:
    """All issues that this node knows of."""

    def __init__(self) -> None:
        self._issues: dict[int, tuple[Issue, str]] = {}
        self._order: list[int] = []
        self.applied = 0
        """The last operation of the journal that is in here."""
        self.consumed: dict[str, int] = {}
        """The same, by the node that wrote it."""
        self.paused = False
        """Whether nothing is brought in, this node's own changes neither: it waits for another node's index."""

    def put(self, issue: Issue) -> None:
        """Bring one issue up to date. One that is older than what is here changes nothing: its news were late."""
        if self.paused:
            return
        known = self._issues.get(issue.id)
        if known is None:
            insort(self._order, issue.id)
        elif known[0].updated_ms > issue.updated_ms:
            return
        self._issues[issue.id] = (issue, f"{issue.summary}\n{issue.description}".lower())

    def put_all(self, issues: Iterable[Issue]) -> None:
        """Bring many up to date."""
        for issue in issues:
            self.put(issue)

    def search(self, query: Query, start: int, limit: int) -> tuple[list[Issue], int]:
        """One page of what fits, newest first, and how many fit in all. ``query.status`` is an id here."""
        found: list[Issue] = []
        total = 0
        for issue in self._matching(query):
            if start <= total < start + limit:
                found.append(issue)
            total += 1
        return found, total

    def __len__(self) -> int:
        """How many issues are in here."""
        return len(self._issues)

    def __iter__(self) -> Iterator[Issue]:
        """All issues, oldest first."""
        return (self._issues[issue_id][0] for issue_id in self._order)

    @property
    def last_updated_ms(self) -> int | None:
        """When the issue that was changed last was changed, by the database's clock; None if there is none."""
        return max((issue.updated_ms for issue in self), default=None)

    def _matching(self, query: Query) -> Iterator[Issue]:
        text = query.text.lower()
        for issue_id in reversed(self._order):
            issue, words = self._issues[issue_id]
            if text in words and query.project in {"", issue.project_key} and query.status in {"", issue.status}:
                yield issue
