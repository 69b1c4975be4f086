"""The auditor: reads the database with SQL of its own, and every node through its REST resources, when all is over.

Read-only, and independent of the gateways that wrote: an auditor who asked those would only learn what they believe.
This is the one place outside ``shared_db`` that knows table names.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from simulator.audit_sample import by_issue, issues_per_node, sample
from simulator.clients.jira_admin import AdminRequestFailed, JiraAdmin
from simulator.cluster import DatabaseTarget
from simulator.record.requests import RequestRecord
from simulator.verdict.writes import RIGHT_FATES, Answered, Write, gather_writes, lost_updates
from zdu.events import ClusterAudited, UpgradeHistory, WritesAudited

QUERY_TIMEOUT_S = 30.0
READ_TIMEOUT_S = 0.2
"""How long one issue may take to be read through one node, on average; the limit is for all of them together."""
PARALLEL_READS = 6
READ_ATTEMPTS = 3

_MARKER = re.compile(r"\bw\d{6}\b")
_NOW_MS = {
    "sqlite": "SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) AS now_ms",
    "postgresql": "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint) AS now_ms",
}
_HISTORY = """
    SELECT order_number, state, cluster_build_number, cluster_version, database_time
    FROM clusterupgradestate ORDER BY order_number
"""
_COMMENTS = "SELECT actionbody FROM jiraaction WHERE actiontype = 'comment'"
_SUMMARIES = """
    SELECT project.pkey, jiraissue.issuenum, jiraissue.summary
    FROM jiraissue JOIN project ON project.id = jiraissue.project
"""
_WHERE_WRITES_ARE = {
    "create_issue": "SELECT description FROM jiraissue",
    "edit_issue": "SELECT newstring FROM changeitem WHERE field = 'summary'",
    "comment_issue": _COMMENTS,
    # The comment is written by the transaction that moves the issue, so it stands for both.
    "transition_issue": (
        "SELECT actionbody FROM jiraaction WHERE actiontype = 'comment' AND EXISTS (SELECT 1 FROM changegroup "
        "JOIN changeitem ON changeitem.groupid = changegroup.id WHERE changegroup.issueid = jiraaction.issueid "
        "AND changegroup.author = jiraaction.author AND changeitem.field = 'status')"
    ),
    "bulk_edit": _COMMENTS,
}


class AuditFailed(Exception):
    """The audit could not be finished; the message says why."""


class Auditor:
    """Reads what the cluster has kept."""

    def __init__(self, database: DatabaseTarget) -> None:
        url = make_url(database.url)
        self._file = Path(url.database or "") if url.get_backend_name() == "sqlite" else None
        self._engine = _read_only_engine(url, database.namespace)

    async def close(self) -> None:
        """Close the connections."""
        await self._engine.dispose()

    async def upgrade_history(self) -> UpgradeHistory:
        """All rows of the upgrade state, in their order. Raises AuditFailed."""
        rows = await self._query(_HISTORY)
        (clock,) = await self._query(_NOW_MS[self._engine.dialect.name])
        return UpgradeHistory([dict(row) for row in rows], int(clock["now_ms"]))

    async def writes(self, requests: Iterable[RequestRecord], admins: Mapping[str, JiraAdmin]) -> WritesAudited:
        """Look for every write in the database, and through every node for those in a sample of the issues.

        The sample is all of them up to :data:`~simulator.audit_sample.READS_IN_ALL` reads. Raises AuditFailed.
        """
        all_requests = list(requests)
        writes = gather_writes(all_requests)
        found = {kind: await self._markers(sql) for kind, sql in _WHERE_WRITES_ARE.items()}
        counts = {write.request.write: found[write.request.kind][write.request.write] for write in writes}
        kept = [(write, counts[write.request.write]) for write in writes]
        confirmed = [(write, count) for write, count in kept if write.answered is Answered.CONFIRMED]
        written = by_issue([write.request for write, _ in confirmed])
        read = {issue: written[issue] for issue in sample(written, issues_per_node(len(admins)))}
        return WritesAudited(
            acknowledged=len(confirmed),
            lost=[_tell(write.request) for write, count in confirmed if count < write.wanted],
            duplicated=[_tell(write.request) for write, count in confirmed if count > write.wanted],
            unreadable=await _read_through(admins, read),
            issues_written=len(written),
            issues_read=len(read),
            ambiguous=[_resolved(write, count) for write, count in kept if write.answered is Answered.OPEN],
            refused_but_done=[
                _tell(write.request) for write, count in kept if write.answered is Answered.REFUSED and count
            ],
            overwritten=lost_updates(all_requests, await self._summaries()),
        )

    async def _summaries(self) -> dict[str, str]:
        """Each issue's summary as it is now, by its key."""
        rows = await self._query(_SUMMARIES)
        return {f"{row['pkey']}-{row['issuenum']}": str(row["summary"]) for row in rows}

    async def _markers(self, sql: str) -> Counter[str]:
        """How often each marker stands in the column that ``sql`` selects."""
        rows = await self._query(sql)
        return Counter(marker for row in rows for marker in _MARKER.findall(str(next(iter(row.values())) or "")))

    async def _query(self, sql: str) -> list[Mapping[str, Any]]:
        if self._file and not self._file.is_file():
            raise AuditFailed(f"the cluster's database cannot be read at the end: {self._file} is not there")
        try:
            async with asyncio.timeout(QUERY_TIMEOUT_S), self._engine.connect() as connection:
                return [dict(row) for row in (await connection.execute(text(sql))).mappings()]
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            raise AuditFailed(f"the cluster's database cannot be read at the end: {error}") from error


async def audit_cluster(admins: Mapping[str, JiraAdmin]) -> ClusterAudited:
    """Ask every node which version it runs and which upgrade state it shows; a silent one says nothing."""
    return ClusterAudited({node_id: await _self_portrait(admin) for node_id, admin in admins.items()})


async def _self_portrait(admin: JiraAdmin) -> dict[str, Any]:
    for _ in range(READ_ATTEMPTS):
        try:
            info = await admin.get("/rest/api/2/serverInfo")
            state = await admin.get("/rest/api/2/cluster/zdu/state")
        except AdminRequestFailed as error:
            reason = str(error)
        else:
            return {"version": info["version"], "build": info["buildNumber"], "state": state["state"]}
    return {"error": reason}


async def _read_through(
    admins: Mapping[str, JiraAdmin], written: Mapping[str, Sequence[RequestRecord]]
) -> dict[str, list[str]]:
    """What each node does not show of what was written to these issues. Raises AuditFailed if that takes too long."""
    limit_s = QUERY_TIMEOUT_S + READ_TIMEOUT_S * len(written) * len(admins)
    try:
        async with asyncio.timeout(limit_s), asyncio.TaskGroup() as looks:
            found = {node: looks.create_task(_unreadable(admin, written)) for node, admin in admins.items()}
    except ExceptionGroup as group:
        raise _first_in(group) from group
    except TimeoutError:
        raise AuditFailed(f"reading {len(written)} issues through each node took more than {limit_s:.0f} s") from None
    return {node: look.result() for node, look in found.items()}


def _first_in(group: ExceptionGroup) -> Exception:
    """What went wrong first: the groups of the nodes are in the group of them all."""
    first = group.exceptions[0]
    return _first_in(first) if isinstance(first, ExceptionGroup) else first


async def _unreadable(admin: JiraAdmin, written: Mapping[str, Sequence[RequestRecord]]) -> list[str]:
    """The acknowledged writes that this node does not show, each once for every issue it is missing in."""
    missing: list[str] = []
    limit = asyncio.Semaphore(PARALLEL_READS)

    async def look(issue: str, writes: Sequence[RequestRecord]) -> None:
        async with limit:
            shown = await _shown(admin, issue)
        missing.extend(_tell(write) for write in writes if write.write not in shown)

    async with asyncio.TaskGroup() as looks:
        for issue, writes in written.items():
            looks.create_task(look(issue, writes))
    return sorted(missing)


async def _shown(admin: JiraAdmin, issue: str) -> str:
    """All that the node shows of an issue; nothing if it knows none of that key. Raises AuditFailed.

    A page that does not come says nothing about what it would show, so it is asked for again.
    """
    for _ in range(READ_ATTEMPTS):
        try:
            return str(await admin.get(f"/rest/api/2/issue/{issue}?expand=changelog"))
        except AdminRequestFailed as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return ""
            reason = str(error)
    raise AuditFailed(f"{issue} could not be read: {reason}")


def _tell(request: RequestRecord) -> str:
    """A write, as people would name it."""
    return f"{request.write} ({request.kind} of {request.issue or 'an unknown issue'}, request {request.id})"


def _resolved(write: Write, found: int) -> dict[str, Any]:
    """What the database says of a write whose user never heard."""
    request, fate = write.request, write.fate(found)
    return {
        "request": request.id,
        "session": request.session,
        "kind": request.kind,
        "issue": request.issue,
        "write": request.write,
        "outcome": request.outcome,
        "fate": fate.value,
        "right": fate in RIGHT_FATES,
    }


def _read_only_engine(url: URL, namespace: str) -> AsyncEngine:
    if url.get_backend_name() == "sqlite":
        file = url.set(
            drivername="sqlite+aiosqlite",
            database=f"file:{quote(url.database or '')}",
            query={"mode": "ro", "uri": "true"},
        )
        return create_async_engine(file)
    settings = {"default_transaction_read_only": "on"}
    if namespace:
        settings["search_path"] = namespace
    return create_async_engine(url.set(drivername="postgresql+asyncpg"), connect_args={"server_settings": settings})
