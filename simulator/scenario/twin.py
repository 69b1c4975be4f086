"""The twin of a scenario: the same file with what its ``twin`` says in the place of what stands there."""

import json

from simulator.scenario.document import Document, Mapping, Scalar, Tree, plain
from simulator.scenario.overrides import Override, apply_overrides
from zdu.errors import UsageError

TWIN = "-twin"
"""What the name of a twin has at its end."""


def as_twin(document: Document) -> Document:
    """Turn the document into its twin, in place. Raises UsageError if it has none.

    A twin that is written wrongly is left where it is, so that it is told like any other mistake.
    """
    root = document.root
    twin = root.entries.get("twin") if isinstance(root, Mapping) else None
    if not isinstance(root, Mapping) or twin is None:
        raise UsageError(f"{document.source} has no twin", hint="`zdu scenario list` marks those that have one.")
    changes = twin.entries.get("set") if isinstance(twin, Mapping) else None
    if not isinstance(twin, Mapping) or not isinstance(changes, Mapping):
        return document
    del root.entries["twin"]
    for key in ("title", "ends"):
        if key in twin.entries:
            root.entries[key], root.key_places[key] = twin.entries[key], twin.key_places[key]
    if "ends" not in twin.entries:
        root.entries["ends"] = Mapping(twin.place, {"verdict": Scalar("fail", "fail", twin.place)})
        root.key_places["ends"] = twin.place
    name = root.entries.get("name")
    if isinstance(name, Scalar):
        root.entries["name"] = Scalar(f"{name.value}{TWIN}", f"{name.text}{TWIN}", name.place)
    return apply_overrides(
        document,
        [Override(path, _written(value), changes.key_places[path]) for path, value in changes.entries.items()],
    )


def _written(value: Tree) -> str:
    return value.text if isinstance(value, Scalar) else json.dumps(plain(value))
