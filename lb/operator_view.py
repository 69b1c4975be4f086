"""How the command line shows what the admin port tells: one line a node, a table of all, an explanation."""

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lb.admin.page import age

_STYLES = {"UP": "green", "DOWN": "red", "DRAIN": "blue", "NOLB": "blue", "MAINT": "yellow", "INI": "dim"}


def node_line(facts: dict[str, Any]) -> str:
    """One node in one line. With ``now_s`` among the facts the time to a drain's deadline too."""
    parts = [f"{facts['name']}: {facts['status']} ({facts['admin']}/{facts['operational']})"]
    parts.append(f"weight {facts['weight']}")
    if facts["drained"]:
        parts.append("drained")
    elif facts["drain_deadline_s"] is not None:
        parts.append(f"{facts['sessions_left']} sessions left")
        parts.append(f"{facts['in_flight']} requests in flight")
        if facts["streams"]:
            parts.append(f"{facts['streams']} streams")
        if "now_s" in facts:
            parts.append(f"deadline in {age(facts['drain_deadline_s'] - facts['now_s'])}")
    if facts["drain_panic"]:
        parts.append("drain-panic: no other node takes new sessions")
    return ", ".join(parts)


def status_table(facts: dict[str, Any]) -> RenderableType:
    """Everything at a glance."""
    serving = sum(node["takes_new_sessions"] or node["takes_bound_sessions"] for node in facts["nodes"])
    front = facts["frontend"]
    head = (
        f"{serving} of {len(facts['nodes'])} nodes serve, {front['rate']:g} requests/s, "
        f"{facts['connections']} clients, {facts['held']} held, {facts['sessions_moved']} sessions moved, "
        f"{front['own_5xx']} 5xx made here, {facts['retries']} retries, {facts['redispatches']} redispatches"
    )
    table = Table(box=None, pad_edge=False)
    for name in ("Node", "Status", "For", "Takes"):
        table.add_column(name, no_wrap=True)
    for name in ("Weight", "Flight", "Queue", "Sess", "Left", "Req/s", "Total", "5xx", "Errors", "Last check"):
        table.add_column(name, justify="left" if name == "Last check" else "right")
    for node in facts["nodes"]:
        takes = "new" if node["takes_new_sessions"] else "bound" if node["takes_bound_sessions"] else "none"
        word = Text(f"{node['status']} {node['check_count']}".strip(), style=_STYLES.get(node["status"], ""))
        weight = f"{node['weight']}" + (f"@{node['throttle_percent']}%" if node["throttle_percent"] < 100 else "")
        table.add_row(
            node["name"],
            word,
            age(facts["now_s"] - node["state_since_s"]),
            "drained" if node["drained"] and takes == "none" else takes,
            weight,
            str(node["in_flight"]),
            str(node["queued"]),
            str(node["sessions"]),
            str(node["sessions_left"]) if node["drain_started_s"] is not None else "-",
            f"{node['rate']:g}",
            str(node["requests"]),
            str(node["responses"]["5xx"]),
            str(node["errors"]),
            Text(f"{node['check_status']} {node['check_detail']}"),
        )
    return Group(Text(head), table)


def explained(facts: dict[str, Any]) -> list[str]:
    """An explanation, of a request that was or of one that would be, line by line."""
    if "record" in facts:
        return [f"Request {facts['request_id']}:", *facts["why"]]
    cookie = facts["cookie"]
    lines = [f"It {cookie['says']}" + (f" ({cookie['bound_to']})." if cookie["bound_to"] else ".")]
    if facts["node"]:
        lines.append(f"It would go to {facts['node']}: {facts['why']}.")
    else:
        then = "be held" if facts["would_be_held"] else f"get 503 with Retry-After {facts['retry_after_s']}"
        lines.append(f"It would go nowhere now and {then}: {facts['why']}.")
    for node in facts["candidates"]:
        share = f"{node['share_of_new_sessions']:.0%} of new sessions" if not node["why_not"] else node["why_not"]
        lines.append(f"  {node['name']}: {node['status']}, {share}, {node['in_flight']} in flight")
    return lines
