"""A YAML file as a tree in which every key and every value knows its place.

The file is read by ruamel.yaml's parser (YAML 1.2) up to its node graph. Turning the nodes into plain values here,
rather than by the library, is what lets all mistakes be told at once: its constructors stop at the first duplicate
key. It also keeps each scalar's text, so that a message can show what was written.
"""

from dataclasses import dataclass, field
from math import inf, nan
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from simulator.scenario.mistakes import Mistake, ScenarioError

MAX_BYTES = 1_000_000
"""A scenario is written by people; anything larger is the wrong file."""

MAX_VALUES = 20_000
"""Aliases can make a small file denote an enormous tree."""

_TAG = "tag:yaml.org,2002:"


@dataclass
class Scalar:
    """A single value: as Python sees it, and as it was written."""

    value: object
    text: str
    place: str
    indent: int | None = None
    """How many columns after ``place`` the text begins; None where that says nothing, as in a folded text."""


@dataclass
class Mapping:
    """Keys and values. ``key_places`` says where each key stands."""

    place: str
    entries: dict[str, "Tree"] = field(default_factory=dict)
    key_places: dict[str, str] = field(default_factory=dict)


@dataclass
class Sequence:
    """A list."""

    place: str
    items: list["Tree"] = field(default_factory=list)


Tree = Scalar | Mapping | Sequence


@dataclass
class Document:
    """A file's tree, and the mistakes that were found while it was read."""

    source: str
    root: Tree
    mistakes: list[Mistake]


def plain(tree: Tree) -> object:
    """The tree as dicts, lists and single values."""
    match tree:
        case Mapping():
            return {key: plain(value) for key, value in tree.entries.items()}
        case Sequence():
            return [plain(item) for item in tree.items]
        case Scalar():
            return tree.value


def read_document(path: Path, shown: str = "") -> Document:
    """Read a file; ``shown`` is the name it has in messages. Raises ScenarioError if there is no tree to be had."""
    source = shown or str(path)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ScenarioError(source, [Mistake(source, f"cannot be read: {error.strerror or error}")]) from error
    if len(data) > MAX_BYTES:
        raise ScenarioError(source, [Mistake(source, f"is larger than {MAX_BYTES:,} bytes: not a scenario")])
    return parse_document(_decode(data, source), source)


def _decode(data: bytes, source: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before.rpartition(b"\n")[2].decode("utf-8", "replace")) + 1
        message = f"is not UTF-8 from here on (byte 0x{data[error.start]:02x}); save the file as UTF-8"
        raise ScenarioError(source, [Mistake(f"{source}:{line}:{column}", message)]) from error


def parse_document(text: str, source: str) -> Document:
    """Parse YAML. Raises ScenarioError for broken syntax (only the first break can be told) and for an empty file."""
    node = compose(text, source)
    if node is None or (isinstance(node, ScalarNode) and node.tag == _TAG + "null" and not node.value):
        raise ScenarioError(source, [Mistake(f"{source}:1:1", "the file is empty")], hint=_EMPTY_HINT)
    reader = _Reader(source)
    return Document(source, reader.read(node), reader.mistakes)


_EMPTY_HINT = "`zdu scenario show valiantys` prints one to start from."


def compose(text: str, source: str) -> Node | None:
    """The node graph of one YAML document."""
    try:
        node: Node | None = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        raise ScenarioError(source, [_syntax_mistake(error, text, source)]) from error
    except RecursionError as error:
        raise ScenarioError(source, [Mistake(f"{source}:1:1", "is nested too deeply")]) from error
    except YAMLError as error:
        raise ScenarioError(source, [_unmarked_mistake(error, text, source)]) from error
    return node


def _syntax_mistake(error: MarkedYAMLError, text: str, source: str) -> Mistake:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    lines = text.splitlines()
    if line < len(lines) and "\t" in lines[line][: column + 1]:
        message = "a tab; YAML indents with spaces only"
    else:
        context = f" {error.context}" if error.context else ""
        message = f"this is not YAML: {error.problem or 'unreadable'}{context}"
    return Mistake(f"{source}:{line + 1}:{column + 1}", message)


def _unmarked_mistake(error: YAMLError, text: str, source: str) -> Mistake:
    position = getattr(error, "position", 0)
    before = text[:position] if isinstance(position, int) else ""
    place = f"{source}:{before.count(chr(10)) + 1}:{len(before.rpartition(chr(10))[2]) + 1}"
    reason = getattr(error, "reason", "") or str(error).splitlines()[0]
    return Mistake(place, f"this is not YAML: {reason}")


class _Reader:
    """Turns nodes into a tree and notes what is wrong with them on the way."""

    def __init__(self, source: str) -> None:
        self.mistakes: list[Mistake] = []
        self._source = source
        self._open: list[Node] = []
        self._values = 0

    def read(self, node: Node) -> Tree:
        place = self._place(node)
        self._values += 1
        if self._values > MAX_VALUES:
            message = f"the file means more than {MAX_VALUES:,} values: too many aliases"
            raise ScenarioError(self._source, [Mistake(place, message)])
        if isinstance(node, ScalarNode):
            return self._scalar(node, place)
        if any(node is ancestor for ancestor in self._open):
            self.mistakes.append(Mistake(place, "this value contains itself, by an alias"))
            return Scalar(None, "*", place)
        self._open.append(node)
        try:
            return self._mapping(node, place) if isinstance(node, MappingNode) else self._sequence(node, place)
        finally:
            self._open.pop()

    def _place(self, node: Node) -> str:
        return f"{self._source}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"

    def _mapping(self, node: MappingNode, place: str) -> Mapping:
        mapping = Mapping(place)
        for key_node, value_node in node.value:
            key_place = self._place(key_node)
            if not isinstance(key_node, ScalarNode):
                self.mistakes.append(Mistake(key_place, "a key must be a single word"))
                continue
            key = str(key_node.value)
            if key in mapping.entries:
                first = mapping.key_places[key].removeprefix(f"{self._source}:").partition(":")[0]
                self.mistakes.append(Mistake(key_place, f"the key {key!r} is here twice; first on line {first}"))
                continue
            mapping.key_places[key] = key_place
            mapping.entries[key] = self.read(value_node)
        return mapping

    def _sequence(self, node: Node, place: str) -> Sequence:
        items = node.value if isinstance(node, SequenceNode) else []
        return Sequence(place, [self.read(item) for item in items])

    def _scalar(self, node: ScalarNode, place: str) -> Scalar:
        text = str(node.value)
        kind = str(node.tag).removeprefix(_TAG)
        try:
            value = _value_of(kind, text)
        except ValueError:
            self.mistakes.append(Mistake(place, f"{text!r} cannot be read as {kind}"))
            value = None
        indent = {None: 0, "": 0, '"': 1, "'": 1}.get(node.style)
        return Scalar(value, text, place, indent if node.start_mark.line == node.end_mark.line else None)


def _value_of(kind: str, text: str) -> object:
    """What YAML 1.2 takes a scalar of that kind for; a date is left as the text it is written with."""
    match kind:
        case "null":
            return None
        case "bool":
            return text.casefold() == "true"
        case "int":
            return int(text.replace("_", ""), 0) if text.lstrip("+-").startswith(("0x", "0o")) else int(text)
        case "float":
            return _float_of(text.casefold())
        case _:
            return text


def _float_of(text: str) -> float:
    if text.endswith((".inf", ".nan")):
        number = inf if text.endswith("inf") else nan
        return -number if text.startswith("-") else number
    return float(text)
