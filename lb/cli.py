"""``zdu lb``: run the load balancer, alone and in front of any servers, or as a part of a rehearsed cluster."""

import asyncio
import gc
import logging
import sys
from logging.handlers import WatchedFileHandler
from pathlib import Path

import click

from lb.compiled import COMPILED
from lb.config import BalancerConfig
from lb.operator_cli import COMMANDS
from lb.server import Addresses, LoadBalancer
from zdu.clock import SystemClock
from zdu.config_file import load_config
from zdu.errors import UsageError, ZduError
from zdu.process import EVENT_LOOP, Shutdown, announce_ready, on_hangup, run_process

EXAMPLE = """\
port: 8080
admin_port: 8081
nodes:
  - {name: node1, port: 9001}
  - {name: node2, port: 9002}
health:
  path: /status
  inter: 2s
  expect_state: RUNNING
drain:
  deadline: 10s
"""
"""The smallest configuration worth having; the help shows it and a test holds it to the code."""

_HELP = f"""Run the load balancer: a reverse proxy with sticky sessions, health checks and drain.

It prints one JSON line with both its addresses once it serves. SIGTERM and Ctrl-C stop it in good order; a second
one ends it on the spot. The configuration is a YAML file; this one balances two servers on this machine:

\b
{"".join("  " + line for line in EXAMPLE.splitlines(keepends=True))}
The admin port shows a status page in a browser, and the commands below talk to it:

\b
  zdu lb status --watch
  zdu lb state node1 drain --deadline 20s --wait
  zdu lb state node1 ready

SIGHUP, or zdu lb reload, reads the file again: nothing is dropped, and a wrong file changes nothing. With handover:
PATH in it, another process takes the place of the one that runs, and no client notices:

\b
  zdu lb --config FILE --take-over
"""

_log = logging.getLogger("lb")
_FILE_HINT = "zdu lb --help shows an example of such a file."


@click.group(invoke_without_command=True, help=_HELP)
@click.option("--config", "config_path", type=click.Path(path_type=Path), help="The configuration, a YAML file.")
@click.option("--take-over", is_flag=True, help="Take the place of the one that runs, by its handover socket.")
@click.option("--exit-with-parent", is_flag=True, help="Stop when standard input closes: leave no orphan behind.")
@click.pass_context
def lb(context: click.Context, config_path: Path | None, take_over: bool, exit_with_parent: bool) -> int | None:
    """Run the load balancer; :data:`_HELP` is what people read."""
    if context.invoked_subcommand is not None:
        return None
    if config_path is None:
        raise UsageError("zdu lb: --config FILE is missing", hint="zdu lb --help shows an example of such a file.")
    config = load_config(config_path, BalancerConfig, hint=_FILE_HINT)
    if take_over and not config.handover:
        raise UsageError(
            "zdu lb: --take-over needs a handover in the configuration", hint="handover: /run/zdu/lb.sock"
        )
    _log_to(config.log_file)
    try:
        return run_process(
            lambda shutdown: serve(config, shutdown, file=config_path, take_over=take_over),
            exit_with_parent=exit_with_parent,
        )
    except ZduError:
        raise
    except BaseExceptionGroup as group:
        raise _for_people(group, config.log_file) from None


for _command in COMMANDS:
    lb.add_command(_command)


async def serve(
    config: BalancerConfig, shutdown: Shutdown, *, file: Path | None = None, take_over: bool = False
) -> int:
    """Run until ``shutdown`` is requested; 0 if every request in flight could be finished, 1 if not.

    SIGHUP reads ``file`` again. With ``take_over`` the load balancer that runs is replaced.
    """
    async with asyncio.TaskGroup() as tasks:
        balancer = LoadBalancer(config, SystemClock(), tasks)

        async def reload() -> list[str]:
            if file is None:
                raise ZduError("this load balancer was not started from a configuration file")
            changed = await balancer.reload(load_config(file, BalancerConfig, hint=_FILE_HINT))
            _log.info("read %s again: %s", file, "; ".join(changed) or "nothing has changed")
            return changed

        async def hung_up() -> None:
            try:
                await reload()
            except ZduError as error:
                _log.error("%s was read again and nothing was changed: %s", file, error)

        def taken_over(pid: int) -> None:
            if not shutdown.requested.is_set():  # asked twice, it would end this process at once
                shutdown.request(f"process {pid} has taken over")

        balancer.on_reload(reload)
        balancer.on_taken_over(taken_over)
        with on_hangup(lambda: tasks.create_task(hung_up(), name="lb-reload")):
            begun = await _begun(balancer, shutdown, take_over=take_over)
            if begun is None:
                return 0
            addresses, facts = begun
            _log.info(
                "serving on %s, admin on %s, %s, %s",
                addresses.url,
                addresses.admin_url,
                EVENT_LOOP,
                "compiled" if COMPILED else "not compiled",
            )
            _spare_the_collector()
            announce_ready(url=addresses.url, admin_url=addresses.admin_url, compiled=COMPILED, **facts)
            await shutdown.requested.wait()
            _log.info("stopping: %s", shutdown.reason)
            finished = await balancer.stop()
            _log.info("stopped%s", "" if finished else "; requests in flight were broken off at the deadline")
    return 0 if finished else 1


def _spare_the_collector() -> None:
    """Almost nothing here is garbage in a circle: look for it seldom, and never among what was there at the start."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


async def _begun(
    balancer: LoadBalancer, shutdown: Shutdown, *, take_over: bool
) -> tuple[Addresses, dict[str, int]] | None:
    """Where it serves, and what else to announce; None if it is to stop before it has taken over."""
    if not take_over:
        return await balancer.start(), {}
    taking = asyncio.ensure_future(balancer.take_over())
    stopping = asyncio.ensure_future(shutdown.requested.wait())
    try:
        await asyncio.wait({taking, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not taking.done():
            _log.info("stopping before it has taken over: %s", shutdown.reason)
            return None
        addresses, pid = taking.result()
    finally:
        stopping.cancel()
        taking.cancel()
        await asyncio.gather(stopping, taking, return_exceptions=True)
    _log.info("took over from process %d", pid)
    return addresses, {"took_over_from": pid}


def _log_to(path: str) -> None:
    try:
        # The file may be renamed at any time (log rotation): it goes on in a new one of the same name.
        handler = WatchedFileHandler(path, encoding="utf-8") if path else logging.StreamHandler(sys.stderr)
    except OSError as error:
        raise ZduError(f"cannot write the log file {path}: {error.strerror}", hint="Check log_file.") from None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def _for_people(group: BaseExceptionGroup[BaseException], log_file: str) -> ZduError:
    """The first error meant for people, or one that names the log with the traceback."""
    known = group.split(ZduError)[0]
    while isinstance(known, BaseExceptionGroup):
        known = known.exceptions[0]  # type: ignore[assignment]  # the leaves are ZduErrors, which split() cannot say
    if isinstance(known, ZduError):
        return known
    _log.error("the load balancer failed", exc_info=group)
    return ZduError(
        f"the load balancer failed: {group.exceptions[0]}", hint=f"The log tells more: {log_file or 'above'}"
    )
