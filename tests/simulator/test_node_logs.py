"""A node's log is read for what the database refused and for the node's states, as the node itself writes them."""

from pathlib import Path

from node.logs import LAUNCHER, NodeLog
from simulator.node_logs import audit_node_logs
from zdu.clock import AheadClock, ManualClock

LINE = (
    "2026-11-24 11:39:1{second},152+0000 http-exec-4 ERROR [c.a.jira.web.ExceptionInterceptor] GET /browse/ZDU-1 "
    "failed: Jira 7.3.0 cannot run a statement: no such column: jiraissue.updated; the statement was: SELECT … FROM x"
)
BEGAN_MS = 1_795_520_350_000


def since_start_s(wall_ms: int) -> float:
    return (wall_ms - BEGAN_MS) / 1000


def test_each_statement_is_told_once_with_its_count_and_its_first_time(tmp_path: Path) -> None:
    other = LINE.format(second=1).replace("7.3.0", "7.3.2").replace("FROM x", "FROM y")
    lines = [LINE.format(second=3), "a line of a traceback", other, LINE.format(second=6)]
    (tmp_path / "node1.log").write_text("\n".join(lines) + "\n")

    found = audit_node_logs(
        {"node1": tmp_path / "node1.log", "node2": tmp_path / "not-started.log"}, since_start_s
    ).statements

    first = {"node": "node1", "reason": "no such column: jiraissue.updated"}
    assert found == [
        {**first, "version": "7.3.2", "statement": "SELECT … FROM y", "count": 1, "first_s": 1.152},
        {**first, "version": "7.3.0", "statement": "SELECT … FROM x", "count": 2, "first_s": 3.152},
    ]


async def test_the_states_of_a_node_are_read_as_it_logs_them(tmp_path: Path) -> None:
    clock = ManualClock()
    log = NodeLog(clock, tmp_path / "node1.log")
    for state in ("RUNNING -> DRAINING", "DRAINING -> STOPPING"):
        log.logger(LAUNCHER).info("Application state %s -> %s", *state.split(" -> "))
        clock.advance(1.25)
    log.logger(LAUNCHER).info("Stopping Jira: SIGTERM")
    log.close()

    audit = audit_node_logs({"node1": log.path}, lambda wall_ms: (wall_ms - clock.epoch_ms) / 1000)

    assert audit.states == [
        {"node": "node1", "t_s": 0.0, "state": "DRAINING"},
        {"node": "node1", "t_s": 1.25, "state": "STOPPING"},
    ]


async def test_a_node_whose_clock_is_ahead_is_read_on_the_machines_clock_and_a_later_start_is_not(
    tmp_path: Path,
) -> None:
    clock = ManualClock()
    for launch, seen in (
        ("Event loop: uvloop; wall clock 30.5 s ahead", AheadClock(clock, 30.5)),
        ("Event loop: uvloop", clock),
    ):
        log = NodeLog(seen, tmp_path / "node1.log")
        log.logger(LAUNCHER).info(launch)
        log.logger(LAUNCHER).info("Application state STARTING -> RUNNING")
        log.close()
        clock.advance(2.0)

    audit = audit_node_logs({"node1": log.path}, lambda wall_ms: (wall_ms - clock.epoch_ms) / 1000)

    assert [state["t_s"] for state in audit.states] == [0.0, 2.0]
