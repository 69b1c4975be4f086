"""``project``, ``issuestatus``, ``rapidview``, ``rapidviewcolumn``: what nodes keep in their caches.

Whatever changes them tells the other nodes, in the same transaction, to forget what they have cached.
"""

from collections.abc import Sequence

from sqlalchemy import insert, select, update

from shared_db.errors import AlreadyExists
from shared_db.messages import MessageWriter
from shared_db.release_tables import ReleaseTables
from shared_db.rows import Board, BoardColumn, Project, Status
from shared_db.statements import check_text, insert_or
from shared_db.tables import issuestatus, project, rapidview, rapidviewcolumn
from shared_db.transactions import Transactions

PROJECTS_CHANGED = "projects"
"""The cluster message after any change here."""


class ProjectsGateway:
    """Projects, their boards, and the statuses of their issues."""

    def __init__(
        self, transactions: Transactions, messages: MessageWriter, features: frozenset[str] = frozenset()
    ) -> None:
        self._transactions = transactions
        self._tables = ReleaseTables(features)
        self._messages = messages

    async def create(
        self, key: str, name: str, lead: str = "", *, board: str = "", columns: Sequence[BoardColumn] = ()
    ) -> Project:
        """Create a project, with a board if that is given a name. Raises AlreadyExists if the key is taken."""
        check_text(name, "project name", 255)
        async with self._transactions.write() as connection:
            row = self._tables.new_row(project, {"pkey": key, "pname": name, "lead": lead, "pcounter": 0})
            created = await connection.execute(
                insert_or(connection, self._tables.of(project))
                .values(row)
                .on_conflict_do_nothing(index_elements=["pkey"])
                .returning(project.c.id)
            )
            found = created.first()
            if found is None:
                raise AlreadyExists(f"there is a project {key} already")
            if board:
                view = await connection.execute(
                    insert(rapidview).values(name=board, project=found.id).returning(rapidview.c.id)
                )
                view_id = view.scalar_one()
                for pos, column in enumerate(columns):
                    row = {"name": column.name, "status_id": column.status, "pos": pos}
                    await connection.execute(insert(rapidviewcolumn).values(rapid_view_id=view_id, **row))
            await self._messages.tell(connection, PROJECTS_CHANGED)
            return Project(found.id, key, name, lead)

    async def rename(self, key: str, name: str) -> bool:
        """Give a project another name; False if there is none of that key."""
        check_text(name, "project name", 255)
        async with self._transactions.write() as connection:
            projects = self._tables.of(project)
            values = self._tables.change(project, {"pname": name})
            done = await connection.execute(update(projects).where(projects.c.pkey == key).values(values))
            if not done.rowcount:
                return False
            await self._messages.tell(connection, PROJECTS_CHANGED)
            return True

    async def all(self) -> list[Project]:
        """All projects, by key."""
        columns = project.c
        async with self._transactions.read() as connection:
            rows = await connection.execute(
                select(columns.id, columns.pkey, columns.pname, columns.lead).order_by(columns.pkey)
            )
            return [Project(row.id, row.pkey, row.pname, row.lead) for row in rows]

    async def boards(self) -> list[Board]:
        """All boards, by id."""
        async with self._transactions.read() as connection:
            views = await connection.execute(
                select(rapidview.c.id, rapidview.c.name, project.c.pkey)
                .join(project, project.c.id == rapidview.c.project)
                .order_by(rapidview.c.id)
            )
            found = views.all()
            column = rapidviewcolumn.c
            rows = await connection.execute(
                select(column.rapid_view_id, column.name, column.status_id).order_by(column.rapid_view_id, column.pos)
            )
            of_view: dict[int, list[BoardColumn]] = {}
            for row in rows:
                of_view.setdefault(row.rapid_view_id, []).append(BoardColumn(row.name, row.status_id))
            return [Board(view.id, view.name, view.pkey, tuple(of_view.get(view.id, ()))) for view in found]

    async def create_statuses(self, statuses: Sequence[Status]) -> None:
        """Create those of the statuses that are missing, in this order."""
        async with self._transactions.write() as connection:
            for sequence, status in enumerate(statuses):
                row = {"pname": status.name, "statuscategory": status.category, "sequence": sequence}
                await connection.execute(
                    insert_or(connection, issuestatus)
                    .values(id=status.id, **row)
                    .on_conflict_do_nothing(index_elements=["id"])
                )
            await self._messages.tell(connection, PROJECTS_CHANGED)

    async def statuses(self) -> list[Status]:
        """All statuses, in their order."""
        column = issuestatus.c
        async with self._transactions.read() as connection:
            rows = await connection.execute(
                select(column.id, column.pname, column.statuscategory).order_by(column.sequence, column.id)
            )
            return [Status(row.id, row.pname, row.statuscategory) for row in rows]
