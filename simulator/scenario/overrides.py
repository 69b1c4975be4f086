"""``--set balancer.drain=false`` and its kin: values from the command line, put into the tree of a scenario file.

What they get wrong is told like a mistake in the file, with the option in the place of line and column.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import BaseModel

from simulator.scenario.document import Document, Mapping, Scalar, Sequence, Tree, parse_document
from simulator.scenario.explain import annotation_of, section_at
from simulator.scenario.mistakes import Mistake, ScenarioError
from simulator.scenario.model import Scenario


@dataclass(frozen=True)
class Override:
    """A value for the key at ``path`` (keys joined by dots); ``shown`` is the option as it was typed."""

    path: str
    value: str
    shown: str


def named_overrides(
    *, nodes: int | None = None, users: int | None = None, rate: float | None = None
) -> list[Override]:
    """The overrides behind ``--nodes``, ``--users`` and ``--rate``; None is an option that was not given."""
    options = (
        ("cluster.nodes", "--nodes", nodes),
        ("load.users", "--users", users),
        ("load.probe_rate", "--rate", None if rate is None else f"{rate:g}"),
    )
    return [Override(path, str(value), f"{name} {value}") for path, name, value in options if value is not None]


def apply_overrides(document: Document, overrides: Iterable[str | Override]) -> Document:
    """Put the values into the document's tree, in place; a later one wins. What cannot be put is a mistake there."""
    for override in overrides:
        try:
            _apply(document, override if isinstance(override, Override) else _split(override))
        except ScenarioError as error:
            document.mistakes += error.mistakes
    return document


def _split(text: str) -> Override:
    path, equals, value = text.partition("=")
    shown = f"--set {text}"
    if not equals or not path.strip():
        raise _mistake(shown, "expected key=value, such as balancer.drain=false")
    return Override(path.strip(), value, shown)


def _mistake(shown: str, message: str) -> ScenarioError:
    return ScenarioError(shown, [Mistake(shown, message)])


def _apply(document: Document, override: Override) -> None:
    keys = override.path.split(".")
    if not all(keys):
        raise _mistake(override.shown, f"{override.path!r} has an empty word between its dots")
    here: Tree = document.root
    for key in keys[:-1]:
        here = _enter(_entry_of(here, key, override.shown), key, override.shown)
    key = keys[-1]
    here = _entry_of(here, key, override.shown)
    section = section_at(Scenario, tuple(word for word in keys[:-1] if not word.isdecimal()))
    value = _read_value(override, section, key)
    match here:
        case Mapping():
            here.entries[key] = value
            here.key_places[key] = override.shown
        case Sequence():
            here.items[_index(here, key, override.shown)] = value
        case Scalar():
            raise _mistake(override.shown, f"there are no keys below {here.text!r}, so no {key!r}")


def _enter(here: Tree, key: str, shown: str) -> Tree:
    if isinstance(here, Mapping):
        if key not in here.entries or _is_null(here.entries[key]):
            here.entries[key] = Mapping(shown)
            here.key_places[key] = shown
        return here.entries[key]
    if isinstance(here, Sequence):
        return here.items[_index(here, key, shown)]
    raise _mistake(shown, f"there are no keys below {here.text!r}, so no {key!r}")


def _entry_of(here: Tree, key: str, shown: str) -> Tree:
    """``timeline.roll`` means the only step that is a roll: a word may go past the number of its entry."""
    return here.items[_only_entry(here, key, shown)] if isinstance(here, Sequence) and not _is_number(key) else here


def _is_null(tree: Tree) -> bool:
    return isinstance(tree, Scalar) and tree.value is None


def _is_number(key: str) -> bool:
    return key.isascii() and key.isdecimal()


def _index(items: Sequence, key: str, shown: str) -> int:
    """Where in the list the entry with that number is; people count from 1."""
    if 1 <= int(key) <= len(items.items):
        return int(key) - 1
    raise _mistake(shown, f"there is no entry {key}: the list has {len(items.items)}, counted from 1")


def _only_entry(items: Sequence, key: str, shown: str) -> int:
    """Where in the list the one entry with that key is."""
    having = [index for index, item in enumerate(items.items) if isinstance(item, Mapping) and key in item.entries]
    if len(having) == 1:
        return having[0]
    numbers = ", ".join(str(index + 1) for index in having)
    if having:
        raise _mistake(shown, f"{key!r} is in entries {numbers}; say which by its number")
    raise _mistake(shown, f"no entry has {key!r}; name one by its number, 1 to {len(items.items)}")


def _read_value(override: Override, section: type[BaseModel] | None, key: str) -> Tree:
    """The value as YAML; for a key that takes text, what was typed is the text and needs no quotes."""
    if section is not None and annotation_of(section, key) is str and not override.value.startswith(('"', "'")):
        return Scalar(override.value, override.value, override.shown)
    if not override.value.strip():
        return Scalar(None, "", override.shown)
    try:
        root = parse_document(override.value, override.shown)
    except ScenarioError as error:
        raise _mistake(override.shown, error.mistakes[0].message) from error
    if root.mistakes:
        raise _mistake(override.shown, root.mistakes[0].message)
    return _placed(root.root, override.shown)


def _placed(tree: Tree, place: str) -> Tree:
    """The tree with one place for all of it: a column within an option helps nobody."""
    match tree:
        case Mapping():
            entries = {key: _placed(value, place) for key, value in tree.entries.items()}
            return Mapping(place, entries, dict.fromkeys(entries, place))
        case Sequence():
            return Sequence(place, [_placed(item, place) for item in tree.items])
        case Scalar():
            return Scalar(tree.value, tree.text, place)
