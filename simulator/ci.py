"""What continuous integration shows of a run: a summary in Markdown, and GitHub's annotations. Pure.

GitHub names the file for the summary in ``GITHUB_STEP_SUMMARY`` and shows all that is appended to it on the page of
the run; annotations are lines of output that it recognises (its "workflow commands").
"""

from collections.abc import Mapping, Sequence
from typing import Any

from simulator.of_jira import of_jira

SIGNS = {"pass": "✅", "fail": "❌", "inconclusive": "❔"}
FAILURES_SHOWN = 10


def step_summary(result: Mapping[str, Any]) -> str:
    """A page in Markdown: the verdict, what is wrong, the figures, all checks folded away, how to run it again."""
    word = str(result["verdict"])
    lines = [
        f"## {SIGNS[word]} {_plain(result['scenario'])}: {word}",
        "",
        _plain(result["sentence"]),
        "",
        *_wrong(result["checks"]),
        *_figures(result),
        *_failures(result["failures"]),
        "<details><summary>All checks</summary>",
        "",
        *_table(("", "check", "evidence"), [_check_row(check) for check in result["checks"]]),
        "",
        "</details>",
        "",
        f"Run it again: `{result['command']}`",
        "",
    ]
    return "\n".join(lines) + "\n"


def annotations(result: Mapping[str, Any]) -> list[str]:
    """One line for what is broken or missing, as GitHub's runner understands it; none for a pass."""
    level = {"pass": "", "fail": "error", "inconclusive": "warning"}[str(result["verdict"])]
    if not level:
        return []
    wrong = [check for check in result["checks"] if check["outcome"] == result["verdict"]]
    title = f"zdu {result['scenario']}"
    told = [f"{check['name']}: {check['detail']}" for check in wrong]
    return [f"::{level} title={_property(title)}::{_data(text)}" for text in told]


def _wrong(checks: Sequence[Mapping[str, Any]]) -> list[str]:
    wrong = [check for check in checks if check["outcome"] != "pass"]
    return [*_table(("", "what is wrong", "evidence"), [_check_row(check) for check in wrong]), ""] if wrong else []


def _figures(result: Mapping[str, Any]) -> list[str]:
    requests, sessions, writes = result["requests"], result["sessions"], result["writes"]
    outages = [probe["longest_outage_ms"] for probe in result["probes"].values()]
    latency = requests["latency_ms"]
    cost = ", ".join(f"{count} {loss}" for loss, count in sessions["moves_cost"].items() if count)
    told = f"{writes['acknowledged']:,} acknowledged, {_count(writes['lost'])} lost"
    rows = [
        ("requests", f"{requests['total']:,}, {requests['failed']:,} failed"),
        ("latency", ", ".join(f"{name} {_ms(latency[name])}" for name in ("p50", "p99", "max"))),
        ("longest outage", _ms(max(outages, default=None))),
        ("sessions", f"{sessions['total']:,}, {sessions['moved']:,} moved, {sessions['lost']:,} lost"),
        ("moves", f"{sessions['moves']:,}" + (f", which cost: {cost}" if cost else "")),
        *([("writes", told)] if of_jira(result) else []),
        ("took", f"{result['duration_s']:.0f} s, seed {result['seed']}"),
    ]
    return [*_table(("figure", ""), [(name, _plain(value)) for name, value in rows]), ""]


def _failures(failures: Sequence[str]) -> list[str]:
    if not failures:
        return []
    more = len(failures) - FAILURES_SHOWN
    told = [f"- {_plain(sentence)}" for sentence in failures[:FAILURES_SHOWN]]
    return [*told, *([f"- and {more} more, in `result.json`"] if more > 0 else []), ""]


def _check_row(check: Mapping[str, Any]) -> tuple[str, ...]:
    return SIGNS[str(check["outcome"])], _plain(check["name"]), _plain(check["detail"])


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(head)} |", "|" + "---|" * len(head), *(f"| {' | '.join(row)} |" for row in rows)]


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f} ms"


def _count(value: int | None) -> str:
    return "nobody knows how many" if value is None else f"{value:,}"


def _plain(text: object) -> str:
    """Text that Markdown takes for nothing but text, in one line: parts of it come from a server's answer."""
    line = " ".join(str(text).split())
    for sign in "\\`*_[]|~#":
        line = line.replace(sign, f"\\{sign}")
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "&#64;")


def _data(text: str) -> str:
    """As GitHub's runner wants the message of a command to be escaped."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
