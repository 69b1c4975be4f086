"""``GET /rest/api/2/serverInfo``."""

from aiohttp import web

from node.web.answers import json_answer
from node.web.build_info import scm_hash
from node.web.context import context_of
from node.web.rest.shapes import self_link, timestamp

MADE_UP_BUILD_DATE = "2017-01-01T00:00:00.000+0000"
"""The catalogue does not know when a release was built; clients expect the field."""


async def server_info(request: web.Request) -> web.Response:
    """Version and build of the node that answers. "Server" is what a Data Center instance calls itself."""
    context = context_of(request)
    release = context.service.release
    return json_answer(
        {
            "baseUrl": self_link(request, ""),
            "version": release.version,
            "versionNumbers": list(release.numbers),
            "deploymentType": "Server",
            "buildNumber": release.build,
            "buildDate": MADE_UP_BUILD_DATE,
            "serverTime": timestamp(context.clock.wall_ms()),
            "scmInfo": scm_hash(release),
            "serverTitle": "ZDU simulator",
        }
    )
