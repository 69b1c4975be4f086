"""The reference part of ``docs/scenarios.md``, made from the model so that the two cannot differ.

``python -m simulator.scenario.reference docs/scenarios.md`` writes it anew between its two marks.
"""

import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from node.config import JiraIntervals
from simulator.scenario.explain import keys_of, section_at
from simulator.scenario.model import Scenario
from simulator.scenario.reference_sentences import sentence_tables
from simulator.scenario.schema import json_schema
from simulator.scenario.steps import ACTIONS

BEGIN = "<!-- reference: begin -->"
END = "<!-- reference: end -->"

SECTIONS = (
    "",
    "cluster",
    "cluster.intervals",
    "node",
    "node.health",
    "node.health.draining",
    "node.drain",
    "node.stop",
    "node.page",
    "node.versions",
    "balancer",
    "load",
    "load.arrivals",
    "load.think_time",
    "load.mix",
    "timeline",
    *(f"timeline.{action}" for action in ACTIONS if action != "fault"),  # docs/faults.md explains each of them
    "expect",
    "ends",
    "twin",
    "twin.ends",
)
"""All mappings of the language, in the order in which the reference explains them."""

_INTERVALS = {
    "heartbeat": "How often a node writes its heartbeat into the database.",
    "dead_after": "A node whose last heartbeat is older than this is not alive; `time_scale` makes it 5 s at least.",
    "offline_after": "A node that has not been alive for so long is set OFFLINE.",
    "removed_after": "A node that has been OFFLINE for so long loses its row in `clusternode`.",
    "version_check_wait": "How long a joining node waits for the heartbeats of killed nodes to die; 5 s at least.",
    "lock_expiry": "A cluster lock that nobody renews is free again after this; `time_scale` makes it 5 s at least.",
    "upgrade_state_poll": "How often a node looks at the cluster's upgrade state.",
    "index_replay": "How often a node brings the other nodes' changes into its own search index.",
    "cluster_messages": "How often a node reads what the others tell it, such as to empty a cache.",
    "index_snapshot_wait": "How long a node from 9.1 on waits for another's index before it builds its own.",
}


def reference() -> str:
    """The reference as Markdown: one table for every mapping."""
    return "\n\n".join([*map(_table, SECTIONS), *sentence_tables()])


def embed(page: str) -> str:
    """The page with the reference between its marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{reference()}\n\n{END}{after}"


def _table(path: str) -> str:
    section = section_at(Scenario, tuple(path.split(".")) if path else ())
    if section is None:
        raise AssertionError(f"{path} is no section of the scenario language")
    title = f"### `{path}`" if path else "### The file"
    lines = [title, "", _intro(path, section), "", "| key | value | without it | meaning |", "|---|---|---|---|"]
    return "\n".join([*lines, *describe(section)])


@dataclass(frozen=True)
class KeyInWords:
    """One key of a section, in Markdown: the kind of its value, what holds without it, and what it means."""

    key: str
    kind: str
    default: str
    meaning: str

    @property
    def required(self) -> bool:
        """Whether it has to be written."""
        return self.default == _REQUIRED


def keys_in_words(section: type[BaseModel]) -> list[KeyInWords]:
    """Each key of the section, in its order."""
    properties = _properties(section)
    fields = zip(keys_of(section), section.model_fields.values(), strict=True)
    return [KeyInWords(key, _kind(properties[key]), _default(field), _meaning(key, field)) for key, field in fields]


def describe(section: type[BaseModel]) -> list[str]:
    """A row of a table for each key of the section: key, kind of value, default, meaning."""
    return [f"| `{row.key}` | {row.kind} | {row.default} | {row.meaning} |" for row in keys_in_words(section)]


def _intro(path: str, section: type[BaseModel]) -> str:
    if section is JiraIntervals:
        return "Jira's own intervals before they are divided by `cluster.time_scale`."
    if path == "timeline":
        return "A list of steps, played one after the other. Each step has exactly one of the actions."
    return (section.__doc__ or "").strip().splitlines()[0]


@cache
def _whole() -> dict[str, Any]:
    """Made once: it takes tens of milliseconds, and is asked for by every section and every fault."""
    return json_schema()


def _properties(section: type[BaseModel]) -> dict[str, Any]:
    whole = _whole()
    found: dict[str, Any] = (
        whole["properties"] if section is Scenario else whole["$defs"][section.__name__]["properties"]
    )
    words = {f"#/$defs/{name}": part for name, part in whole["$defs"].items() if "enum" in part}
    return {key: words.get(schema.get("$ref", ""), schema) for key, schema in found.items()}


_REQUIRED = "*required*"
_KINDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "`true` or `false`",
    "array": "list",
}


def _kind(schema: dict[str, Any]) -> str:
    """The kind of value in a word or two."""
    if "anyOf" in schema:
        kinds = [_kind(choice) for choice in schema["anyOf"] if choice.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return " or ".join(f"`{word}`" for word in schema["enum"])
    if "ms|s|min" in schema.get("pattern", ""):
        return "duration"
    return _KINDS.get(schema.get("type", ""), "keys") + _limits(schema)


def _limits(schema: dict[str, Any]) -> str:
    low = schema.get("minimum")
    high = schema.get("maximum")
    if low is not None and high is not None:
        return f", {low:g} to {high:,g}"
    if "exclusiveMinimum" in schema:
        return f" above {schema['exclusiveMinimum']:g}"
    return f", at least {low:g}" if low is not None else ""


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return _REQUIRED
    value = field.get_default()
    if value is None or value is PydanticUndefined or value == "" or isinstance(value, BaseModel):
        return "–" if not isinstance(value, BaseModel) else "see below"
    return f"`{_written(value, field)}`"


def _written(value: object, field: FieldInfo) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        written = next((part for part in field.metadata if hasattr(part, "return_type")), None)
        return str(written.func(value)) if written else f"{value:g}"
    return str(value)


def _meaning(key: str, field: FieldInfo) -> str:
    return " ".join((field.description or _INTERVALS.get(key, "")).split())


def main() -> None:
    """Write the reference into the page named on the command line."""
    page = Path(sys.argv[1])
    page.write_text(embed(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
