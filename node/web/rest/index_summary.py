"""``GET /rest/api/2/index/summary``: how far this node's index is, the thing to watch after a restart (F11).

The shape is Jira's as far as it is known; times are those of the database.
"""

from aiohttp import web

from node.web.answers import json_answer
from node.web.context import context_of
from node.web.rest.shapes import timestamp


async def index_summary(request: web.Request) -> web.Response:
    """Counts, and for each node that has written operations the last one there is and the last one replayed here."""
    context = context_of(request)
    index, journal = context.local.index, context.db.index_journal
    newest = await journal.newest_by_node()
    updated_ms = index.last_updated_ms
    queues = {
        node_id: {
            "lastConsumedOperationId": index.consumed.get(node_id, 0),
            "lastOperationInQueueId": last,
            "behind": last > index.consumed.get(node_id, 0),
        }
        for node_id, last in sorted(newest.items())
    }
    return json_answer(
        {
            "nodeId": context.service.node_id,
            "reportTime": timestamp(context.clock.wall_ms()),
            "issueIndex": {
                "indexReadable": True,
                "countInDatabase": await context.db.issues.count(),
                "countInIndex": len(index),
                "lastUpdatedInIndex": None if updated_ms is None else timestamp(updated_ms),
            },
            "replicationQueues": queues,
        }
    )
