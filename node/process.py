"""One node as a process: binds its port, says that it is there, lives, and ends with one clear sentence."""

import asyncio
from collections.abc import Callable
from typing import Any

from node.config import NodeConfig
from node.http_server import HttpServer, WebActivity
from node.logs import LAUNCHER, WEB, NodeLog
from node.parts import NodeParts, log_path
from node.releases import find_release
from node.runtime import NodeRuntime
from node.startup import CANNOT_START
from node.waiting import cancel
from node.web.context import WebContext
from shared_db import Database
from zdu.clock import AheadClock, Clock, Entropy
from zdu.errors import ZduError
from zdu.process import PARENT_GONE, Shutdown


async def run_node(
    config: NodeConfig,
    shutdown: Shutdown,
    *,
    clock: Clock,
    announce: Callable[..., None],
    complain: Callable[[ZduError], None] = lambda _: None,
    event_loop: str = "",
) -> int:
    """Run one node until ``shutdown``; its exit code. Raises ZduError, naming the log, if it cannot start.

    ``announce`` is called with the node's address as soon as its port is open, long before it is RUNNING.
    ``complain`` hears what keeps the node from serving while its process goes on: the cluster refuses it, a step
    of its schema fails, or nobody has set the database up. Jira's process stays, and ``/status`` tells.
    """
    release = find_release(config.version, config.flaw)
    entropy = Entropy(config.seed)
    clock = AheadClock(clock, config.clock_ahead) if config.clock_ahead else clock
    log = NodeLog(clock, log_path(config))
    parts = NodeParts(config, release, clock, entropy, log, boot_id=entropy.token(8))
    logger = log.logger(LAUNCHER)
    if task := asyncio.current_task():
        task.set_name("main")
    if event_loop:
        ahead = f"; wall clock {config.clock_ahead:g} s ahead" if config.clock_ahead else ""
        logger.info("Event loop: %s%s", event_loop, ahead)
    asyncio.get_running_loop().set_exception_handler(_into_log(log))
    try:
        await _run(parts, shutdown, announce, complain)
    except ZduError as error:
        logger.exception("Unable to start JIRA.")
        raise _named(error, log) from error
    except Exception as error:
        logger.exception("Unable to go on.")
        raise ZduError(
            f"node {config.node_id} failed: {error!r}", hint=f"Its log has the details: {log.path}"
        ) from error
    finally:
        log.close()
    return 0


async def _run(
    parts: NodeParts, shutdown: Shutdown, announce: Callable[..., None], complain: Callable[[ZduError], None]
) -> None:
    runtime = NodeRuntime(parts)
    context = WebContext(
        config=parts.config,
        service=runtime,
        clock=parts.clock,
        entropy=parts.entropy,
        log=parts.log.logger(WEB),
        local=runtime.local,
    )
    runtime.activity = WebActivity(context)
    server = HttpServer(parts, context)
    url = await server.open()

    def use(database: Database) -> None:
        context.database = database

    def tell(error: ZduError) -> None:
        complain(_named(error, parts.log))

    try:
        announce(url=url, node_id=parts.node_id, version=parts.release.version, build=parts.release.build)
        parts.log.logger(LAUNCHER).info("Listening on %s", url)
        relay = asyncio.create_task(_relay(shutdown, runtime), name="shutdown")
        try:
            await runtime.run(on_database=use, on_stopping=server.fall_silent, on_first_run=tell)
        except CANNOT_START as reason:
            tell(reason)
            await runtime.stay_useless()
        finally:
            await cancel(relay)
    finally:
        await server.close()


async def _relay(shutdown: Shutdown, runtime: NodeRuntime) -> None:
    await shutdown.requested.wait()
    runtime.stop_wish.make(shutdown.reason, hurry=shutdown.reason == PARENT_GONE)


def _named(error: ZduError, log: NodeLog) -> ZduError:
    """The same error for the person who started the node, who has to be told where the log is."""
    hint = f"{error.hint}\n" if error.hint else ""
    named = ZduError(error.message, hint=f"{hint}The node's log has the details: {log.path}")
    named.exit_code = error.exit_code
    return named


def _into_log(log: NodeLog) -> Callable[[asyncio.AbstractEventLoop, dict[str, Any]], None]:
    logger = log.logger("asyncio")

    def handle(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        logger.error("%s", context.get("message"), exc_info=context.get("exception"))

    return handle
