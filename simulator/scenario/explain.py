"""From pydantic's errors to sentences about the file: where it is, what was expected, which word was meant."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from simulator.faults.catalogue import FAULTS
from simulator.scenario import document
from simulator.scenario.document import Scalar, Tree
from simulator.scenario.mistakes import Mistake
from simulator.scenario.model import INCOHERENT
from simulator.scenario.sentences import MISREAD
from simulator.scenario.spelling import nearest, suggestion
from simulator.scenario.steps import Loc

_EXPECTED = {
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "text",
    "model_type": "keys with values below it",
    "tuple_type": "a list",
    "too_short": "at least one entry",
}

_LIMITS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}


def explain(error: ValidationError, tree: Tree, model: type[BaseModel]) -> list[Mistake]:
    """Every error as a mistake with its place in ``tree``; contradictions between parts are coherence's."""
    errors = error.errors(include_url=False)
    misspelt = {
        (*details["loc"][:-1], nearest(str(details["loc"][-1]), _known_keys(model, details["loc"][:-1])))
        for details in errors
        if details["type"] == "extra_forbidden"
    }
    return [
        Mistake(_place(details, tree), _sentence(details, tree, model))
        for details in errors
        if not _is_consequence(details, tree) and not (details["type"] == "missing" and details["loc"] in misspelt)
    ]


def place_of(tree: Tree, loc: Loc) -> str:
    """Where the value at ``loc`` stands, or its key where the value is a mapping or a list.

    Where it is missing, the nearest thing around it that is there counts.
    """
    found = _walk(tree, loc)[-1]
    return found.place if isinstance(found, Scalar) else _key_place(tree, loc)


def _is_consequence(details: ErrorDetails, tree: Tree) -> bool:
    """Whether the error only repeats others.

    Such are: all contradictions in one, a list that lacks what its wrong entries would have been, and the other
    branch of a choice between a word and a list.
    """
    if details["type"] == "too_short":
        found = _walk(tree, details["loc"])[-1]
        return isinstance(found, document.Sequence) and bool(found.items)
    branch = any(isinstance(part, str) and part.startswith("literal[") for part in details["loc"])
    return branch or details["type"] == INCOHERENT


def _walk(tree: Tree, loc: Loc) -> list[Tree]:
    """The trees along ``loc``, the root first. Parts of pydantic's own, such as a union's branch, are skipped."""
    path = [tree]
    for part in loc:
        match path[-1]:
            case document.Mapping(entries=entries) if part in entries:
                path.append(entries[str(part)])
            case document.Sequence(items=items) if isinstance(part, int) and part < len(items):
                path.append(items[part])
    return path


def _place(details: ErrorDetails, tree: Tree) -> str:
    loc = details["loc"]
    if details["type"] == "union_tag_invalid":
        return place_of(tree, (*loc, "name"))
    parents = _walk(tree, loc[:-1])
    parent = parents[-1]
    if details["type"] == "extra_forbidden" and isinstance(parent, document.Mapping):
        return parent.key_places[str(loc[-1])]
    if details["type"] == "missing":
        return _key_place(tree, loc[:-1])
    found = _walk(tree, loc)[-1]
    if details["type"] == MISREAD and isinstance(found, Scalar) and found.indent is not None:
        source, line, column = found.place.rsplit(":", 2)
        return f"{source}:{line}:{int(column) + found.indent + details['ctx']['offset']}"
    if isinstance(found, document.Mapping) or (isinstance(found, Scalar) and found.value is None):
        return _key_place(tree, loc)
    return found.place


def _key_place(tree: Tree, loc: Loc) -> str:
    """Where the key of the value at ``loc`` stands: better than the value itself, which starts a line below."""
    parent, here = None, tree
    for step in _walk(tree, loc)[1:]:
        parent, here = here, step
    if isinstance(parent, document.Mapping):
        return next(parent.key_places[key] for key, value in parent.entries.items() if value is here)
    return here.place


def _sentence(details: ErrorDetails, tree: Tree, model: type[BaseModel]) -> str:
    kind, loc = details["type"], details["loc"]
    if kind == "extra_forbidden":
        return _unknown_key(str(loc[-1]), _known_keys(model, loc[:-1]), model)
    if kind == "missing":
        return f"{loc[-1]!r} is missing" + (f" in {_name(loc[:-1])}" if loc[:-1] else "")
    if kind == "union_tag_invalid":
        return f"there is no fault {details['ctx']['tag']!r}; {suggestion(details['ctx']['tag'], list(FAULTS))}"
    if kind == "union_tag_not_found":
        return "'name' is missing in 'fault'; zdu fault list has the names"
    found = _walk(tree, loc)[-1]
    if isinstance(found, Scalar) and found.value is None:
        return f"{_name(loc)} has no value"
    expected = _expectation(kind, details.get("ctx", {}))
    if not expected:
        return details["msg"].removeprefix("Value error, ")
    hint = _hint(found.text, _words(details)) if isinstance(found, Scalar) else ""
    return f"expected {expected}, not {_written(found)}{hint}"


def _expectation(kind: str, context: Mapping[str, Any]) -> str:
    if kind in _LIMITS:
        key, comparison = _LIMITS[kind]
        return f"{comparison} {context[key]:g}"
    if kind == "literal_error":
        return str(context["expected"]).replace("'", "")
    return _EXPECTED.get(kind, "")


def _words(details: ErrorDetails) -> list[str]:
    """The words that a choice offers."""
    return re.findall(r"'([^']*)'", str(details.get("ctx", {}).get("expected", "")))


def _written(tree: Tree) -> str:
    match tree:
        case Scalar(value=str()):
            return repr(tree.text)
        case Scalar():
            return tree.text
        case document.Sequence():
            return "a list" if tree.items else "an empty list"
        case _:
            return "keys with values"


def _name(loc: Loc) -> str:
    words = [part for part in loc if isinstance(part, str) and "[" not in part]
    return f"{words[-1]!r}" if words else "this entry"


def _hint(word: str, known: list[str]) -> str:
    close = nearest(word, known)
    return f"; did you mean {close!r}?" if close else ""


def _unknown_key(key: str, known: list[str], model: type[BaseModel]) -> str:
    homes = [home for home, names in _sections(model) if key in names]
    if not nearest(key, known) and homes:
        return f"unknown key {key!r} here; it belongs into {' or '.join(map(repr, homes))}"
    return f"unknown key {key!r}; {suggestion(key, known)}"


def keys_of(model: type[BaseModel]) -> list[str]:
    """The keys of a section as they are written in the file."""
    return [field.alias or name for name, field in model.model_fields.items()]


def section_at(model: type[BaseModel], loc: Loc) -> type[BaseModel] | None:
    """The section of the scenario language that ``loc`` leads to; None where there is none."""
    here: type[BaseModel] | None = model
    for part in loc:
        if here is None:
            return None
        if isinstance(part, str):
            here = FAULTS.get(part) or _section_in(annotation_of(here, part))
    return here


def annotation_of(model: type[BaseModel], key: str) -> object:
    """The type of a section's key, named as in the file; None if there is no such key."""
    for name, field in model.model_fields.items():
        if key == (field.alias or name):
            return field.annotation
    return None


def _section_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _section_in(inner))), None)


def _known_keys(model: type[BaseModel], loc: Loc) -> list[str]:
    section = section_at(model, loc)
    return keys_of(section) if section else []


def _sections(
    model: type[BaseModel], path: str = "", above: tuple[type[BaseModel], ...] = ()
) -> Iterator[tuple[str, list[str]]]:
    """All sections below ``model`` with their keys, the outer ones first; steps inside of steps only once."""
    inner = []
    for key in keys_of(model):
        section = _section_in(annotation_of(model, key))
        if section is not None and section not in above:
            inner.append((section, f"{path}.{key}" if path else key))
    for section, name in inner:
        yield name, keys_of(section)
    for section, name in inner:
        yield from _sections(section, name, (*above, model))
