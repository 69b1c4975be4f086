"""``remembermetoken``: what lets a user whose session is gone be signed in silently, by any node.

The cookie carries an id and a token, the table only a hash of the token.
"""

from sqlalchemy import delete, insert, select

from shared_db.database_time import DatabaseTimeMs
from shared_db.release_tables import ReleaseTables
from shared_db.statements import is_storable
from shared_db.tables import remembermetoken
from shared_db.transactions import Transactions

_MAX_ID = 2**63 - 1


class RememberMeGateway:
    """The remember-me tokens."""

    def __init__(self, transactions: Transactions, features: frozenset[str] = frozenset()) -> None:
        self._transactions = transactions
        self._tables = ReleaseTables(features)

    async def create(self, username: str, token_hash: str, life_s: float) -> int:
        """Store a token that is good for ``life_s``, and return its id. Clears away the expired ones."""
        token = remembermetoken.c
        async with self._transactions.write() as connection:
            await connection.execute(delete(remembermetoken).where(token.expires <= DatabaseTimeMs()))
            row = {
                "created": DatabaseTimeMs(),
                "expires": DatabaseTimeMs() + round(life_s * 1000),
                "token": token_hash,
                "username": username,
            }
            tokens = self._tables.of(remembermetoken)
            created = await connection.execute(
                insert(tokens).values(self._tables.new_row(remembermetoken, row)).returning(tokens.c.id)
            )
            return int(created.scalar_one())

    async def find(self, token_id: int, token_hash: str) -> str | None:
        """Whose token this is; None if id and hash do not belong together, or it has expired."""
        if not 0 < token_id <= _MAX_ID or not is_storable(token_hash):
            return None
        token = remembermetoken.c
        async with self._transactions.read() as connection:
            username = await connection.scalar(
                select(token.username).where(
                    token.id == token_id, token.token == token_hash, token.expires > DatabaseTimeMs()
                )
            )
            return None if username is None else str(username)

    async def delete(self, token_id: int) -> None:
        """Forget a token: the user has signed out."""
        if 0 < token_id <= _MAX_ID:
            async with self._transactions.write() as connection:
                await connection.execute(delete(remembermetoken).where(remembermetoken.c.id == token_id))

    async def revoke(self, token_id: int, token_hash: str) -> None:
        """Forget the token a browser has shown; nothing happens if id and hash do not belong together."""
        if not 0 < token_id <= _MAX_ID or not is_storable(token_hash):
            return
        token = remembermetoken.c
        async with self._transactions.write() as connection:
            await connection.execute(delete(remembermetoken).where(token.id == token_id, token.token == token_hash))
