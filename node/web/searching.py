"""Searching, as pages and REST resources do it: answered by this node's own index, never by the database."""

from dataclasses import replace

from node.web.context import WebContext
from node.web.errors import Refusal
from node.web.jql import parse
from shared_db import Issue, Status


async def search(context: WebContext, jql: str, start: int, limit: int) -> tuple[list[Issue], int]:
    """One page of what ``jql`` finds, newest first, and how many there are. Raises a 400 for an unknown status."""
    query = parse(jql)
    if query.status:
        query = replace(query, status=(await status_named(context, query.status)).id)
    return context.local.index.search(query, start, limit)


async def status_named(context: WebContext, name: str) -> Status:
    """The status of that name, in any case. Raises a 400 with Jira's sentence."""
    for status in await context.statuses():
        if status.name.lower() == name.lower():
            return status
    raise Refusal(400, f"The value '{name[:60]}' does not exist for the field 'status'.")


async def status_names(context: WebContext) -> dict[str, Status]:
    """All statuses by id."""
    return {status.id: status for status in await context.statuses()}


def name_of(status_id: str, statuses: dict[str, Status]) -> str:
    """What to call a status; one that this node's cache does not know yet goes by its id."""
    found = statuses.get(status_id)
    return found.name if found else status_id
