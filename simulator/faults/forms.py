"""Every fault as a form: what can be filled in, for a page on which one is put on."""

from functools import cache
from typing import Any

from simulator.faults.catalogue import FAULTS
from simulator.faults.fault import Fault
from simulator.faults.reference import summary
from simulator.scenario.reference import keys_in_words

_ASKED_APART = {"name", "node", "for"}


@cache
def fault_forms() -> tuple[dict[str, Any], ...]:
    """All faults in the order of the documentation: name, what it is, whether of a node, its own attributes.

    Made once: a page is told its status many times a second.
    """
    return tuple(_form(name, kind) for name, kind in FAULTS.items())


def _form(name: str, kind: type[Fault]) -> dict[str, Any]:
    rows = keys_in_words(kind)
    return {
        "name": name,
        "summary": _plain(summary(kind)),
        "of_a_node": any(row.key == "node" for row in rows),
        "node_required": any(row.key == "node" and row.required for row in rows),
        "attributes": [
            {
                "key": row.key,
                "kind": _plain(row.kind),
                "default": "" if row.required else _plain(row.default),
                "required": row.required,
                "meaning": _plain(row.meaning),
            }
            for row in rows
            if row.key not in _ASKED_APART
        ],
    }


def _plain(markdown: str) -> str:
    return markdown.replace("`", "").replace("–", "").strip()
