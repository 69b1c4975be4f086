"""Which statement of which version no longer works, and whose start came before: an upgrade's fault in a sentence.

Two releases share one schema while the cluster is MIXED. A release that takes away what the other still asks for
breaks nodes that nobody has touched, and their failed requests alone do not say so.
"""

from typing import Any

from simulator.verdict.model import Evidence
from zdu.events import NodeLogsAudited, ProcessStarted


def refused_statements(evidence: Evidence) -> list[dict[str, Any]]:
    """What the nodes' logs tell, the earliest first."""
    return [statement for _, audit in evidence.events(NodeLogsAudited) for statement in audit.statements]


def tell(statement: dict[str, Any], evidence: Evidence) -> str:
    """One refused statement as a sentence, without its full stop."""
    count = statement["count"]
    often = "once" if count == 1 else f"{count:,} times"
    return (
        f"{statement['version']} on {statement['node']} could not run {statement['statement']!r} "
        f"({statement['reason']}), {often} from {statement['first_s']:.2f} s on{_after(statement, evidence)}"
    )


def _after(statement: dict[str, Any], evidence: Evidence) -> str:
    """The last start of another version before it; that version has changed the schema."""
    suspects = [
        (t_s, started)
        for t_s, started in evidence.events(ProcessStarted)
        if started.version not in ("", statement["version"]) and t_s <= statement["first_s"]
    ]
    if not suspects:
        return ""
    t_s, started = suspects[-1]
    return f", {statement['first_s'] - t_s:.2f} s after {started.process} started with {started.version}"
