"""A node's ``atlassian-jira.log``, line by line as Jira writes it.

``2021-04-01 12:26:21,314+0000 main INFO [c.a.jira.startup.LauncherContextListener] message``: time in UTC, the task
in place of Java's thread, level, and the class that speaks, abbreviated as Jira abbreviates it. Where Jira's class is
known, its name is used, so that what one has learned to search for in a real log is found here as well.

The loggers hang below a root of their own and not below :mod:`logging`'s, so that several nodes in one process keep
their logs apart.
"""

import asyncio
import logging
import sys
from contextlib import suppress
from datetime import UTC, datetime
from logging.handlers import WatchedFileHandler
from pathlib import Path

from zdu.clock import Clock
from zdu.errors import ZduError

LAUNCHER = "c.a.jira.startup.LauncherContextListener"
VERSION_CHECK = "c.a.jira.startup.ClusterNodeVersionCheckLauncher"
CLUSTERING = "c.a.jira.startup.ClusteringLauncher"
CLUSTER_MANAGER = "c.a.jira.cluster.DefaultClusterManager"
HEARTBEAT = "c.a.jira.cluster.DefaultClusterNodeHeartbeatService"
UPGRADE_STATE = "c.a.jira.cluster.zdu.ClusterUpgradeStateManager"
NODE_UPGRADE_MODE = "c.a.jira.cluster.zdu.NodeUpgradeMode"
UPGRADE_SERVICE = "c.a.jira.upgrade.UpgradeService"
SHARED_HOME = "c.a.jira.upgrade.SharedHomeUpgrade"
INDEXING = "c.a.jira.startup.ClusteringLauncher"
NODE_REINDEX = "c.a.jira.index.ha.DefaultNodeReindexService"
CLUSTER_MESSAGES = "c.a.jira.cluster.OfBizMessageHandlerService"
WEB = "c.a.jira.web.ExceptionInterceptor"


class NodeLog:
    """One node's log file."""

    def __init__(self, clock: Clock, path: Path) -> None:
        """Open the log. Raises ZduError when the file cannot be written."""
        self.path = path
        self._root = logging.Logger("node", logging.INFO)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # The file may be renamed at any time (log rotation): it goes on in a new one of the same name.
            handler = WatchedFileHandler(path, encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise ZduError(
                f"cannot write the log file {path}: {error.strerror}",
                hint="Name another log_file in the node's configuration, or make room on the disk.",
            ) from error
        handler.setFormatter(_JiraFormatter(clock))
        handler.handleError = _give_up_quietly  # type: ignore[method-assign]  # a full disk must not end a node
        self._root.addHandler(handler)

    def logger(self, name: str) -> logging.Logger:
        """The logger of the class ``name``."""
        logger = logging.Logger(name, logging.INFO)
        logger.parent = self._root
        return logger

    def close(self) -> None:
        """Close the file."""
        for handler in list(self._root.handlers):
            self._root.removeHandler(handler)
            with suppress(OSError):  # what is still in its buffer does not fit on the disk
                handler.close()


class _JiraFormatter(logging.Formatter):
    def __init__(self, clock: Clock) -> None:
        super().__init__("%(asctime)s %(thread)s %(levelname)s [%(name)s] %(message)s")
        self._clock = clock

    def format(self, record: logging.LogRecord) -> str:
        wall_ms = self._clock.wall_ms()
        stamp = datetime.fromtimestamp(wall_ms // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
        level = "WARN" if record.levelno == logging.WARNING else record.levelname
        line = f"{stamp},{wall_ms % 1000:03d}+0000 {_task_name()} {level} [{record.name}] {record.getMessage()}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


def _task_name() -> str:
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return "main"
    name = task.get_name() if task else "main"
    # Only aiohttp leaves its tasks without a name of their own.
    return f"http-exec-{name.removeprefix('Task-')}" if name.startswith("Task-") else name.replace(" ", "-")


def _give_up_quietly(record: logging.LogRecord) -> None:
    with suppress(OSError, ValueError):  # nor is there anywhere left to say so
        print(f"cannot write to the log: {record.getMessage()}", file=sys.stderr)  # noqa: T201 - the log is what failed
