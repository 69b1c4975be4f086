"""Whether a result is of Jira nodes: only then it tells of writes, of a database and of Jira's intervals."""

from collections.abc import Mapping
from typing import Any

JIRA = "Jira"
"""What ``application`` of a result says of our own nodes."""


def of_jira(result: Mapping[str, Any]) -> bool:
    """Whether the nodes were ours; results of older versions say nothing else."""
    return bool(result.get("application", JIRA) == JIRA)
