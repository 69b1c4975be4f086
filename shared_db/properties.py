"""``propertyentry``: facts about the whole cluster by name; ``jira.version.patched`` is the build of its data."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from shared_db.statements import insert_or
from shared_db.tables import propertyentry
from shared_db.transactions import Transactions

_OWNER = {"entity_name": "jira.properties", "entity_id": 1}
_UNIQUE = ["entity_name", "entity_id", "property_key"]


class PropertiesGateway:
    """The application's properties."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def get(self, key: str) -> str | None:
        """The value, or None."""
        async with self._transactions.read() as connection:
            return await _get(connection, key)

    async def set(self, key: str, value: str) -> None:
        """Write the value, whether there was one or not."""
        async with self._transactions.write() as connection:
            await connection.execute(
                insert_or(connection, propertyentry)
                .values(property_key=key, propertyvalue=value, **_OWNER)
                .on_conflict_do_update(index_elements=_UNIQUE, set_={"propertyvalue": value})
            )

    async def get_or_create(self, key: str, value: str) -> str:
        """The value that is there; ``value``, written first, if there is none. Racing nodes all get the same."""
        async with self._transactions.write() as connection:
            await connection.execute(
                insert_or(connection, propertyentry)
                .values(property_key=key, propertyvalue=value, **_OWNER)
                .on_conflict_do_nothing(index_elements=_UNIQUE)
            )
            found = await _get(connection, key)
            return value if found is None else found


async def _get(connection: AsyncConnection, key: str) -> str | None:
    entry = propertyentry.c
    value = await connection.scalar(
        select(entry.propertyvalue).where(
            entry.entity_name == _OWNER["entity_name"],
            entry.entity_id == _OWNER["entity_id"],
            entry.property_key == key,
        )
    )
    return None if value is None else str(value)
