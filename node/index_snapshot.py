"""The index as a node leaves it on its own disk when it stops, and finds it when it starts again."""

import json
from dataclasses import asdict
from pathlib import Path

from node.search_index import SearchIndex
from shared_db import Issue

MOST_ISSUES = 20_000
"""More are not written: it would hold up the node's stop, and building the index anew takes seconds."""

_FORMAT = 1


def snapshot_path(local_home: Path) -> Path:
    """Where the index is: Jira keeps Lucene's files below ``caches/indexesV1``."""
    return local_home / "caches" / "indexesV1" / "issues.json"


def write_snapshot(path: Path, index: SearchIndex, database: str) -> bool:
    """Write the index, whole or not at all; False if it is too large. Raises OSError."""
    if len(index) > MOST_ISSUES:
        path.unlink(missing_ok=True)
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "format": _FORMAT,
        "database": database,
        "applied": index.applied,
        "consumed": index.consumed,
        "issues": [asdict(issue) for issue in index],
    }
    half = path.with_suffix(".part")
    half.write_text(json.dumps(document), encoding="utf-8")
    half.replace(path)
    return True


def read_snapshot(path: Path, database: str) -> SearchIndex | None:
    """The index as it was left; None if there is none, or none of this database, or none that can be read."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if (document["format"], document["database"]) != (_FORMAT, database):
            return None
        index = SearchIndex()
        index.put_all(Issue(**fields) for fields in document["issues"])
        index.applied = int(document["applied"])
        index.consumed = {str(sender): int(last) for sender, last in document["consumed"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return index
