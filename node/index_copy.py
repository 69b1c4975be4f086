"""How a node gets an index that it can no longer bring up to date: any other node writes its own for it.

The request is a message that any one node may take on: whoever claims it writes its index into the shared home and
tells the one who asked. Nobody watches whether that happens. A node that claims the request and then dies, or cannot
write, leaves it unanswered (JRASERVER-72125).

What Jira's messages say and where its snapshots are is not known; both are our own.
"""

from pathlib import Path

from node.index_snapshot import MOST_ISSUES, read_snapshot, write_snapshot
from node.logs import CLUSTER_MANAGER, NODE_REINDEX
from node.parts import NodeParts
from node.search_index import SearchIndex
from node.services import ApplicationState
from shared_db import ClusterMessage, Database

REQUESTED = "index-snapshot-requested"
WRITTEN = "index-snapshot-written"
"""The name of the file follows."""

KEPT = 3
"""So many snapshots are left in the shared home: whoever asked for an older one has it, or has given up."""


class IndexCopies:
    """One node's side of asking and giving."""

    def __init__(self, parts: NodeParts, database: Database) -> None:
        self._parts = parts
        self._database = database
        self._folder = snapshots_folder(parts.config.shared_home)
        self._log = parts.log.logger(NODE_REINDEX)

    async def others(self) -> list[str]:
        """The other nodes that are there to be asked: alive, and RUNNING as far as their last heartbeat tells.

        One that was killed a moment ago is among them, and will not answer. Raises DatabaseError.
        """
        members = await self._database.nodes.members(self._parts.intervals.dead_after)
        told = await self._database.nodes.figures()
        running = {node_id for node_id, tells in told.items() if tells.application_state == ApplicationState.RUNNING}
        return [
            node.node_id
            for node in members
            if node.alive and node.state == "ACTIVE" and node.node_id in running - {self._parts.node_id}
        ]

    async def ask(self, others: list[str]) -> None:
        """Ask all of them; one will do it. Raises DatabaseError."""
        self._parts.log.logger(CLUSTER_MANAGER).info(
            "Current node: %s index can't be rebuilt. Requesting an index from any other node. "
            "Current list of other nodes: [%s]",
            *(self._parts.node_id, ", ".join(others)),
        )
        await self._database.messages.ask_any(REQUESTED)

    async def give(self, request: ClusterMessage, index: SearchIndex, database_name: str) -> None:
        """Write this node's index for the one who asked, unless another node does. Raises DatabaseError.

        If it cannot be written, the request stays claimed, and nobody answers it.
        """
        if not await self._database.messages.claim(request.id, self._parts.node_id):
            return
        path = self._folder / f"IndexSnapshot_{request.id}.json"
        try:
            if not write_snapshot(path, index, database_name):
                self._log.warning("No index for node %s: more than %d issues", request.source, MOST_ISSUES)
                return
            self._forget_old()
        except OSError as error:
            self._log.warning("The index for node %s could not be written: %s", request.source, error)
            return
        self._log.info("Index for node %s: %d issues in %s", request.source, len(index), path.name)
        await self._database.messages.tell(f"{WRITTEN} {path.name}", to=request.source)

    def take(self, name: str, database_name: str) -> SearchIndex | None:
        """The index that another node has written; None if it cannot be read."""
        return read_snapshot(self._folder / Path(name).name, database_name)

    def _forget_old(self) -> None:
        written = sorted(self._folder.glob("IndexSnapshot_*.json"), key=lambda path: (len(path.name), path.name))
        for path in written[:-KEPT]:
            path.unlink(missing_ok=True)


def snapshots_folder(shared_home: Path) -> Path:
    """Where nodes write their index for others."""
    return shared_home / "export" / "indexsnapshots"
