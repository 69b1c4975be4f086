"""After an upgrade: taking away what only older releases needed.

Until the STABLE row an older node may come back, and would fail on a contracted schema. From that row on it cannot:
the data is of the new build, and the version check locks out whoever is older (:mod:`node.version_rules`). Which node
does it does not matter; each looks, each step is applied once, and a step that fails is tried again at the next look.
"""

from node.logs import UPGRADE_SERVICE
from node.parts import NodeParts
from node.upgrade_state import UpgradeState
from shared_db import Database

VERSION_PATCHED = "jira.version.patched"
"""The property that holds the build the data was last brought to (KB "What happens if starting nodes …")."""


class Contraction:
    """The contract steps of this node's release."""

    def __init__(self, parts: NodeParts, database: Database) -> None:
        self._parts = parts
        self._database = database
        self._log = parts.log.logger(UPGRADE_SERVICE)
        self._done = False
        self._told = ""

    async def look(self, state: UpgradeState) -> None:
        """Contract the schema if the cluster is STABLE on this release and it has not been done."""
        if self._done or state.in_upgrade or not await self._data_is_ours():
            return
        try:
            applied = await self._database.schema.contract(self._parts.release.contract_steps)
        except Exception as error:
            if str(error) != self._told:
                self._told = str(error)
                self._log.exception("The schema could not be contracted; it is tried again")
            return
        for step in applied:
            self._log.info("Contracted the schema: %s", step)
        self._done = True

    async def _data_is_ours(self) -> bool:
        return await self._database.properties.get(VERSION_PATCHED) == str(self._parts.release.build)
