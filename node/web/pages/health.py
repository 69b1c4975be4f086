"""Looks at what the health checks judge: cluster, database, shared home, at this very moment."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from node.services import MemberView, UpgradeView
from node.web.context import WebContext
from node.web.pages.checks import Health, HomeFacts
from zdu.errors import ZduError

DATA_BUILD = "jira.version.patched"


@dataclass(frozen=True)
class Look:
    """What one look has found. ``view`` is None when the database did not answer."""

    view: UpgradeView | None
    members: tuple[MemberView, ...]
    health: Health


async def look(context: WebContext) -> Look:
    """Look now. A database that does not answer is a finding and no error."""
    service, begun_s = context.service, context.clock.monotonic_s()
    home = shared_home(context.config.shared_home)
    try:
        view, members = await service.upgrade_view(), tuple(await service.members())
        took_ms = (context.clock.monotonic_s() - begun_s) * 1000
        data_build = await context.db.properties.get(DATA_BUILD)
    except ZduError:
        context.log.exception("The cluster's state could not be read")
        waited_ms = (context.clock.monotonic_s() - begun_s) * 1000
        return Look(None, (), Health(None, "UNKNOWN", None, None, waited_ms, home))
    build = int(data_build) if data_build is not None and data_build.isdecimal() else None
    return Look(view, members, Health(members, view.state, view.build_number, build, took_ms, home))


def shared_home(path: Path) -> HomeFacts:
    """Whether this node can write to the shared home, and how much room there is."""
    try:
        if not path.is_dir():
            return HomeFacts(str(path), problem="it is no folder")
        if not os.access(path, os.W_OK | os.X_OK):
            return HomeFacts(str(path), problem="permission denied")
        return HomeFacts(str(path), free_bytes=shutil.disk_usage(path).free)
    except OSError as error:
        return HomeFacts(str(path), problem=error.strerror or str(error))
