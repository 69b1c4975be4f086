"""``jiraissue``, ``jiraaction``, ``changegroup``, ``changeitem``: the application's own data.

Every statement names its columns, and only those that this node's release knows: nodes of two releases work on these
tables at the same time, and the newer one has already expanded them. Keys are counted by ``project.pcounter`` in the
transaction that creates the issue, as in Jira. What changes an issue is noted in the index journal by the same
transaction: an index can be late, and never misses a change.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlalchemy import ColumnElement, Select, func, insert, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from shared_db.database_time import DatabaseTimeMs
from shared_db.errors import DatabaseError
from shared_db.index_journal import JournalWriter
from shared_db.issue_search import SummarySearch
from shared_db.release_tables import ReleaseTables
from shared_db.rows import FIRST_STATUS, SUMMARY_MAX_LENGTH, Change, ChangeItem, Comment, Issue, Moved, NewIssue
from shared_db.statements import check_text, is_storable
from shared_db.tables import changegroup, changeitem, jiraaction, jiraissue, project
from shared_db.transactions import Transactions

_COMMENT = "comment"
_MAX_NUMBER_DIGITS = 18  # Jira's numeric(18)
_IDS_AT_ONCE = 500
_MAX_PAGE = 2**31 - 1  # more than there can be, and no trouble for either database


class IssuesGateway:
    """Issues, their comments and their history."""

    def __init__(
        self, transactions: Transactions, features: frozenset[str] = frozenset(), journal: JournalWriter | None = None
    ) -> None:
        self._transactions = transactions
        self._journal = journal or JournalWriter("")
        self._tables = ReleaseTables(features)
        self._issues = self._tables.of(jiraissue)
        self._search = SummarySearch(features, self._issues)

    async def create(self, project_key: str, summary: str, description: str, reporter: str) -> Issue:
        """Create an issue with the next key of its project. Raises DatabaseError if there is no such project."""
        return (await self.create_many(project_key, [NewIssue(summary, description, reporter)]))[0]

    async def create_many(self, project_key: str, issues: Sequence[NewIssue]) -> list[Issue]:
        """Create all or none, with consecutive keys."""
        for issue in issues:
            _check(issue.summary, issue.description)
        if not issues:
            return []
        async with self._transactions.write() as connection:
            counted = await connection.execute(
                update(project)
                .where(project.c.pkey == project_key)
                .values(pcounter=project.c.pcounter + len(issues))
                .returning(project.c.id, project.c.pcounter)
            )
            found = counted.first()
            if found is None:
                raise DatabaseError(f"there is no project {project_key}", hint="Set it up first: zdu db setup")
            first = found.pcounter - len(issues) + 1
            created: list[Issue] = []
            for number, issue in enumerate(issues, first):
                values = {
                    "project": found.id,
                    "issuenum": number,
                    "reporter": issue.reporter,
                    "summary": issue.summary,
                    "description": issue.description,
                    "issuestatus": FIRST_STATUS,
                    "created": DatabaseTimeMs(),
                    "updated": DatabaseTimeMs(),
                }
                row = await connection.execute(
                    insert(self._issues).values(self._tables.new_row(jiraissue, values)).returning(*self._issues.c)
                )
                created.append(_issue(row.mappings().one(), project_key))
            await self._journal.note(connection, [issue.id for issue in created], "CREATE")
            return created

    async def get(self, key: str) -> Issue | None:
        """One issue by its key, or None."""
        async with self._transactions.read() as connection:
            return await self._find(connection, key)

    async def search(self, text: str, start: int, limit: int) -> tuple[list[Issue], int]:
        """Issues whose summary contains ``text`` in any case, newest first, and how many there are in all."""
        async with self._transactions.read() as connection:
            where = await self._search.contains(connection, text)
            total = (await connection.execute(self._count(where))).scalar_one()
            page = self._select().order_by(self._issues.c.id.desc()).offset(_clamp(start)).limit(_clamp(limit))
            rows = await connection.execute(page if where is None else page.where(where))
            return [_issue(row, row["pkey"]) for row in rows.mappings()], total

    async def edit(
        self, key: str, author: str, summary: str | None = None, description: str | None = None
    ) -> Issue | None:
        """Change the fields that are given, and record one change with one item for each that is different.

        None if there is no such issue. An edit that changes nothing leaves no trace.
        """
        _check(summary or "", description or "")
        async with self._transactions.write() as connection:
            issue = await self._find(connection, key, for_update=True)
            if issue is None:
                return None
            wanted = {"summary": summary, "description": description}
            items = [
                ChangeItem(field, getattr(issue, field), new)
                for field, new in wanted.items()
                if new is not None and new != getattr(issue, field)
            ]
            if not items:
                return issue
            values = self._tables.change(jiraissue, {item.field: item.new for item in items})
            edited = await self._touch(connection, issue, **values)
            await self._record(connection, issue.id, author, items)
            await self._journal.note(connection, [issue.id], "UPDATE")
            return edited

    async def transition(
        self, key: str, author: str, decide: Callable[[Issue], Moved], comment: str = ""
    ) -> Issue | None:
        """Move an issue along its workflow, with a comment if one is given; None if there is no such issue.

        ``decide`` sees the issue as it is now, while nobody else can change it, and refuses by raising: then nothing
        has happened, and the refusal reaches the caller.
        """
        check_text(comment, "comment")
        async with self._transactions.write() as connection:
            issue = await self._find(connection, key, for_update=True)
            if issue is None:
                return None
            moved = decide(issue)
            after = await self._touch(connection, issue, issuestatus=moved.status, resolution=moved.resolution)
            await self._record(connection, issue.id, author, moved.items)
            if comment:
                await self._insert_comment(connection, issue.id, author, comment)
            await self._journal.note(connection, [issue.id], "UPDATE")
            return after

    async def add_comment(self, key: str, author: str, body: str) -> Comment | None:
        """Add a comment, which counts as an update of the issue; None if there is no such issue."""
        check_text(body, "comment")
        async with self._transactions.write() as connection:
            issue = await self._find(connection, key, for_update=True)
            if issue is None:
                return None
            comment = await self._insert_comment(connection, issue.id, author, body)
            await self._touch(connection, issue)
            await self._journal.note(connection, [issue.id], "UPDATE")
            return comment

    async def comment_many(self, keys: Sequence[str], author: str, body: str) -> list[Issue] | None:
        """Add one comment to each of the issues, or to none: None if one of them does not exist.

        In the order of their keys, so that two such transactions cannot wait for each other.
        """
        check_text(body, "comment")
        async with self._transactions.write() as connection:
            issues: list[Issue] = []
            for key in sorted(set(keys)):
                issue = await self._find(connection, key, for_update=True)
                if issue is None:
                    return None  # nothing has been written yet
                issues.append(issue)
            after: list[Issue] = []
            for issue in issues:
                await self._insert_comment(connection, issue.id, author, body)
                after.append(await self._touch(connection, issue))
            await self._journal.note(connection, [issue.id for issue in after], "UPDATE")
            return after

    async def with_ids(self, ids: Sequence[int]) -> list[Issue]:
        """Those of the issues that there are; what an index needs to bring them up to date."""
        found: list[Issue] = []
        async with self._transactions.read() as connection:
            for first in range(0, len(ids), _IDS_AT_ONCE):
                some = self._select().where(self._issues.c.id.in_(ids[first : first + _IDS_AT_ONCE]))
                found += [_issue(row, row["pkey"]) for row in (await connection.execute(some)).mappings()]
        return found

    async def following(self, issue_id: int, limit: int) -> list[Issue]:
        """The next issues after that id, by id; what a new index is built from."""
        issues = self._issues.c
        some = self._select().where(issues.id > issue_id).order_by(issues.id).limit(limit)
        async with self._transactions.read() as connection:
            return [_issue(row, row["pkey"]) for row in (await connection.execute(some)).mappings()]

    async def count(self) -> int:
        """How many issues there are."""
        async with self._transactions.read() as connection:
            return (await connection.execute(self._count(None))).scalar_one()

    async def details(self, key: str) -> tuple[Issue, list[Comment], list[Change]] | None:
        """An issue with its comments and its history, all of one moment; None if there is no such issue."""
        async with self._transactions.read() as connection:
            issue = await self._find(connection, key)
            if issue is None:
                return None
            return issue, await self._comments(connection, issue.id), await self._history(connection, issue.id)

    async def comments(self, key: str) -> list[Comment]:
        """The issue's comments, oldest first; none if there is no such issue."""
        found = await self.details(key)
        return found[1] if found else []

    async def history(self, key: str) -> list[Change]:
        """The issue's edits, oldest first; none if there is no such issue."""
        found = await self.details(key)
        return found[2] if found else []

    def _select(self) -> Select[tuple[object, ...]]:
        return select(*self._issues.c, project.c.pkey).join(project, project.c.id == self._issues.c.project)

    def _count(self, where: ColumnElement[bool] | None) -> Select[int]:
        count = select(func.count()).select_from(self._issues)
        return count if where is None else count.where(where)

    async def _find(self, connection: AsyncConnection, key: str, *, for_update: bool = False) -> Issue | None:
        project_key, _, number = key.rpartition("-")
        if not (number.isascii() and number.isdigit() and len(number) <= _MAX_NUMBER_DIGITS):
            return None
        if not is_storable(project_key):
            return None
        statement = self._select().where(project.c.pkey == project_key, self._issues.c.issuenum == int(number))
        if for_update:
            statement = statement.with_for_update(of=self._issues)
        row = (await connection.execute(statement)).mappings().first()
        return None if row is None else _issue(row, project_key)

    async def _touch(self, connection: AsyncConnection, issue: Issue, **values: object) -> Issue:
        """Change columns of an issue and the moment of its last change; the issue as it is then."""
        row = await connection.execute(
            update(self._issues)
            .where(self._issues.c.id == issue.id)
            .values(updated=DatabaseTimeMs(), **values)
            .returning(*self._issues.c)
        )
        return _issue(row.mappings().one(), issue.project_key)

    async def _insert_comment(self, connection: AsyncConnection, issue_id: int, author: str, body: str) -> Comment:
        values = {
            "issueid": issue_id,
            "author": author,
            "actiontype": _COMMENT,
            "actionbody": body,
            "created": DatabaseTimeMs(),
        }
        actions = self._tables.of(jiraaction)
        row = await connection.execute(
            insert(actions).values(self._tables.new_row(jiraaction, values)).returning(*actions.c)
        )
        return _comment(row.mappings().one())

    async def _comments(self, connection: AsyncConnection, issue_id: int) -> list[Comment]:
        actions = self._tables.of(jiraaction)
        rows = await connection.execute(
            select(actions)
            .where(actions.c.issueid == issue_id, actions.c.actiontype == _COMMENT)
            .order_by(actions.c.id)
        )
        return [_comment(row) for row in rows.mappings()]

    async def _history(self, connection: AsyncConnection, issue_id: int) -> list[Change]:
        group, item = changegroup.c, changeitem.c
        rows = await connection.execute(
            select(group.id, group.author, group.created, item.field, item.oldstring, item.newstring)
            .join(changeitem, group.id == item.groupid)
            .where(group.issueid == issue_id)
            .order_by(group.id, item.id)
        )
        by_group: dict[int, Change] = {}
        for row in rows:
            change = by_group.setdefault(row.id, Change(row.id, row.author, row.created, ()))
            changed = ChangeItem(row.field, row.oldstring, row.newstring)
            by_group[row.id] = replace(change, items=(*change.items, changed))
        return list(by_group.values())

    async def _record(
        self, connection: AsyncConnection, issue_id: int, author: str, items: Sequence[ChangeItem]
    ) -> None:
        change = self._tables.new_row(
            changegroup, {"issueid": issue_id, "author": author, "created": DatabaseTimeMs()}
        )
        groups = self._tables.of(changegroup)
        group = await connection.execute(insert(groups).values(change).returning(groups.c.id))
        group_id = group.scalar_one()
        rows = [
            {
                "groupid": group_id,
                "fieldtype": "jira",
                "field": item.field,
                "oldstring": item.old,
                "newstring": item.new,
            }
            for item in items
        ]
        await connection.execute(
            insert(self._tables.of(changeitem)), [self._tables.new_row(changeitem, row) for row in rows]
        )


def _clamp(count: int) -> int:
    return min(max(0, count), _MAX_PAGE)


def _check(summary: str, description: str) -> None:
    check_text(summary, "summary", SUMMARY_MAX_LENGTH)
    check_text(description, "description")


def _issue(row: RowMapping, project_key: str) -> Issue:
    return Issue(
        id=row["id"],
        key=f"{project_key}-{row['issuenum']}",
        project_key=project_key,
        number=row["issuenum"],
        summary=row["summary"],
        description=row["description"],
        reporter=row["reporter"],
        created_ms=row["created"],
        updated_ms=row["updated"],
        status=row["issuestatus"],
        resolution=row["resolution"],
    )


def _comment(row: RowMapping) -> Comment:
    return Comment(row["id"], row["author"], row["actionbody"], row["created"])
