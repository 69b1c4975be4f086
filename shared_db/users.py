"""``cwd_user``: who may sign in. Names are compared without regard to case, as in Jira."""

from collections.abc import Sequence

from sqlalchemy import delete, func, insert, select, update

from shared_db.messages import MessageWriter
from shared_db.release_tables import ReleaseTables
from shared_db.rows import NewUser, User
from shared_db.statements import check_text, is_storable
from shared_db.tables import cwd_user, remembermetoken, sharedsession
from shared_db.transactions import Transactions

USERS_CHANGED = "users"
"""The cluster message after a change of somebody's rights."""


class UsersGateway:
    """The users."""

    def __init__(
        self, transactions: Transactions, messages: MessageWriter, features: frozenset[str] = frozenset()
    ) -> None:
        self._transactions = transactions
        self._messages = messages
        self._tables = ReleaseTables(features)

    async def get(self, username: str) -> User | None:
        """One user, or None."""
        if not is_storable(username):
            return None
        users = self._tables.of(cwd_user)
        async with self._transactions.read() as connection:
            found = await connection.execute(select(users).where(users.c.lower_user_name == username.lower()))
            row = found.mappings().first()
            if row is None:
                return None
            return User(row["user_name"], row["display_name"], row["credential"], row["administrator"])

    async def create_many(self, users: Sequence[NewUser]) -> None:
        """Create all or none. Raises AlreadyExists if one of the names is taken."""
        rows = [
            {
                "user_name": check_text(user.username, "username", 255),
                "lower_user_name": user.username.lower(),
                "display_name": check_text(user.display_name, "display name", 255),
                "credential": user.password_hash,
                "administrator": user.administrator,
            }
            for user in users
        ]
        if rows:
            async with self._transactions.write() as connection:
                completed = [self._tables.new_row(cwd_user, row) for row in rows]
                await connection.execute(insert(self._tables.of(cwd_user)), completed)

    async def count(self) -> int:
        """How many users there are."""
        async with self._transactions.read() as connection:
            return (await connection.execute(select(func.count()).select_from(cwd_user))).scalar_one()

    async def set_administrator(self, username: str, *, administrator: bool) -> bool:
        """Give or take an administrator's rights, and tell the other nodes; False if that would leave none.

        One after the other over all nodes: two administrators who take each other's rights at the same moment must
        not leave the cluster without any.
        """
        who = cwd_user.c.lower_user_name == username.lower()
        async with self._transactions.write(serialised_by=cwd_user) as connection:
            others = await connection.scalar(
                select(func.count()).select_from(cwd_user).where(cwd_user.c.administrator, ~who)
            )
            if not administrator and not others:
                return False
            await connection.execute(update(cwd_user).where(who).values(administrator=administrator))
            await self._messages.tell(connection, USERS_CHANGED)
            return True

    async def forget_sessions(self, username: str, message: str) -> None:
        """Delete a user's remember-me tokens and shared sessions, and tell the other nodes, all at once."""
        async with self._transactions.write() as connection:
            for table in (remembermetoken, sharedsession):
                await connection.execute(delete(table).where(func.lower(table.c.username) == username.lower()))
            await self._messages.tell(connection, message)
