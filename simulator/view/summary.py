"""The end of a run on the terminal: the verdict in one sentence, a table, and where the rest is."""

from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from simulator.conclude import Conclusion
from simulator.database_target import told_of_the_password
from simulator.of_jira import of_jira
from simulator.verdict import Check

WORD_STYLES = {"pass": "bold green", "fail": "bold red", "inconclusive": "bold yellow"}
FAILURES_SHOWN = 5
PERCENTILES = ("p50", "p90", "p99", "p99.9", "max")
PLAIN_WIDTH = 118
"""Columns of a table that no terminal limits."""


def print_summary(conclusion: Conclusion, console: Console) -> None:
    """Print it."""
    result, verdict = conclusion.result, conclusion.verdict
    console.print()
    console.print(Text.assemble((verdict.word.upper(), WORD_STYLES[verdict.word]), "  ", verdict.sentence))
    console.print()
    console.print(_checks_table(verdict.checks))
    for sentence in result["failures"][:FAILURES_SHOWN]:
        console.print(f"  {sentence}", style="red", markup=False, highlight=False)
    more = len(result["failures"]) - FAILURES_SHOWN
    if more > 0:
        console.print(f"  and {more} more, all in the report", style="red")
    console.print()
    console.print(_phases_table(result["phases"]))
    console.print(_figures_table(conclusion))
    console.print(f"Run folder   {conclusion.folder.path}", soft_wrap=True, highlight=False)
    console.print(f"Report       {conclusion.folder.path / 'report.html'}", soft_wrap=True, highlight=False)
    console.print(f"Run it again {result['command']}", soft_wrap=True, highlight=False, markup=False)
    if told := told_of_the_password(result["command"]):
        console.print(f"             {told}", highlight=False, markup=False)


def _checks_table(checks: tuple[Check, ...]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    table.add_column("what was checked", ratio=2)
    table.add_column("evidence", ratio=3)
    for check in checks:
        bad = "FAILED" if check.word == "fail" else "missing"
        style = "" if check.ok else "red" if check.word == "fail" else "yellow"
        table.add_row(Text("ok" if check.ok else bad, style="green" if check.ok else style), check.name, check.detail)
    return table


def _phases_table(phases: list[dict[str, Any]]) -> Table:
    """What users waited, phase by phase; greyed out and in brackets what too few samples carry."""
    table = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        caption="latency of users' requests in ms; (in brackets): too few requests for such a percentile",
        caption_justify="left",
    )
    table.add_column("phase of the upgrade")
    for name in ("took", "requests", *PERCENTILES):
        table.add_column(name, justify="right")
    for phase in phases:
        latency = phase["latency_ms"]
        percentiles = [
            Text(_percentile(latency, name), style="dim" if name in latency["too_few_for"] else "")
            for name in PERCENTILES
        ]
        table.add_row(phase["name"], f"{phase['duration_s']:.1f} s", f"{latency['samples']:,}", *percentiles)
    return table


def _percentile(latency: dict[str, Any], name: str) -> str:
    if latency[name] is None:
        return "-"
    return f"({latency[name]:.0f})" if name in latency["too_few_for"] else f"{latency[name]:.0f}"


def _figures_table(conclusion: Conclusion) -> Table:
    result = conclusion.result
    latency = result["requests"]["latency_ms"]
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column()
    sessions, writes = result["sessions"], result["writes"]
    written = f"{writes['acknowledged']} acknowledged, {writes['lost']} lost, {writes['duplicated']} twice"
    took = [f"{result['duration_s']:.1f} s"]
    took += [f"seed {result['seed']}"] if result["seed"] else []  # a certified system has none
    took += [f"time scale {result['time_scale']:g}"] if of_jira(result) else []

    def jiras(row: tuple[str, str]) -> list[tuple[str, str]]:
        return [row] if of_jira(result) else []

    rows = [
        *(("arrivals", _arrivals_line(arrivals)) for arrivals in [result["load"]["arrivals"]] if arrivals),
        ("requests", f"{result['requests']['total']:,}, {result['requests']['failed']:,} failed"),
        ("latency", ", ".join(f"{name} {_percentile(latency, name)}" for name in PERCENTILES) + " ms"),
        *((f"probes, {name}", _probe_line(probe)) for name, probe in result["probes"].items()),
        *jiras(("LB lag", _lag_line(result["lb_lag"]))),
        ("the machine", _machine_line(result["control_probe"])),
        (
            "sessions",
            f"{sessions['total']}, {sessions['moved']} moved, "
            + (f"{sessions['silent_relogins']} silent sign-ins, " if of_jira(result) else "")
            + f"{sessions['lost']} lost",
        ),
        ("moves", _moves_line(sessions)),
        *jiras(("writes", written)),
        *(
            (node["id"], f"{node['version_from']} → {node['version_to']}, out for {node['down_s']:.1f} s")
            for node in result["nodes"]
        ),
        *jiras(("database", result["database"])),
        ("took", ", ".join(took)),
    ]
    for row in rows:
        table.add_row(*row)
    return table


def _arrivals_line(arrivals: dict[str, int]) -> str:
    return (
        f"{arrivals['sent']:,} of {arrivals['intended']:,} sent, {arrivals['on_time']:,} on time, "
        f"{arrivals['dropped']:,} dropped"
    )


def _lag_line(lag: dict[str, Any]) -> str:
    """For how long requests still went to nodes that had said that they were leaving."""
    if not lag["each"]:
        return "no node said that it was leaving"

    def told(key: str) -> str:
        return "none" if lag[key] is None else f"{lag[key]:.0f} ms"

    return (
        f"last request after a node said that it was leaving: new connections {told('new_ms')}, "
        f"kept-alive {told('reused_ms')}; after STOPPING {told('after_stopping_ms')}"
    )


def _machine_line(control: dict[str, Any]) -> str:
    troubled_s = sum(trouble["to_s"] - trouble["from_s"] for trouble in control["troubles"])
    trouble = f"in trouble for {troubled_s:.2f} s" if control["troubles"] else "never in trouble"
    return f"{trouble}, by {control['sent']} control probes" if control["sent"] else "not watched: no control probe"


def _moves_line(sessions: dict[str, Any]) -> str:
    """How many moves, and what they cost their users."""
    cost = ", ".join(f"{count} {loss}" for loss, count in sessions["moves_cost"].items() if count)
    return f"{sessions['moves']}" + (f", which cost: {cost}" if cost else "")


def _probe_line(probe: dict[str, object]) -> str:
    return f"{probe['sent']} sent, {probe['failed']} failed, longest outage {probe['longest_outage_ms']} ms"
