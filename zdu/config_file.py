"""Reading a process's YAML configuration: every mistake at once, each with its line and column.

A file that is wrong in three places is mended in one go, not in three runs; and nothing is started before all of it
is right.

``${NAME}`` in a value is the environment variable of that name, so that one file serves a whole set of containers and
no password stands in it; ``$${NAME}`` is those characters themselves.
"""

import difflib
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from zdu.errors import UsageError

Model = TypeVar("Model", bound=BaseModel)


_VARIABLE = re.compile(r"(\$?)\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def load_config(
    path: Path, model: type[Model], *, hint: str = "", environment: Mapping[str, str] | None = None
) -> Model:
    """The configuration in the file at ``path``. Raises UsageError that lists every mistake with its place.

    ``environment`` is where its variables are looked for, the process's own by default.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot read the configuration: {error.strerror}", hint=hint) from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not a text file in UTF-8: {error}", hint=hint) from None
    known = os.environ if environment is None else environment
    return parse_config(text, str(path), model, hint=hint, environment=known)


def parse_config(
    text: str, name: str, model: type[Model], *, hint: str = "", environment: Mapping[str, str] | None = None
) -> Model:
    """The configuration that ``text`` holds; ``name`` is what messages call it. By default there are no variables."""
    try:
        tree = YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        problem = (error.problem or str(error)).strip().splitlines()[0]
        raise UsageError(f"{place}: not valid YAML: {problem}", hint=hint) from None
    except YAMLError as error:
        raise UsageError(f"{name}: not valid YAML: {error}", hint=hint) from None
    if not isinstance(tree, CommentedMap):
        raise UsageError(f"{name}:1:1: expected settings, one 'name: value' a line", hint=hint)
    if missing := _fill_in(tree, name, environment or {}):
        raise UsageError("\n".join(missing), hint=hint)
    try:
        return model.model_validate(tree)
    except ValidationError as invalid:
        errors = invalid.errors(include_url=False)
        mistakes = [_describe(error, name, tree, model) for error in errors if not _is_echo(error, errors)]
        lines = [message for _, message in sorted(mistakes)]
        raise UsageError("\n".join(lines), hint=hint) from None


def _fill_in(tree: CommentedMap | CommentedSeq, name: str, environment: Mapping[str, str]) -> list[str]:
    """Put the variables' values in their places, in ``tree`` itself; a message for each one that there is not."""
    missing: list[str] = []
    for key in list(tree if isinstance(tree, CommentedMap) else range(len(tree))):
        value = tree[key]
        if isinstance(value, CommentedMap | CommentedSeq):
            missing += _fill_in(value, name, environment)
        elif isinstance(value, str):
            line, column = tree.lc.value(key) if isinstance(tree, CommentedMap) else tree.lc.item(key)
            place = f"{name}:{line + 1}:{column + 1}"
            wanted = (found for escaped, found in _VARIABLE.findall(value) if not escaped)
            missing += [f"{place}: there is no environment variable {it}" for it in wanted if it not in environment]
            tree[key] = _VARIABLE.sub(
                lambda found: found[0][1:] if found[1] else environment.get(found[2], ""), value
            )
    return missing


def _describe(
    error: ErrorDetails, name: str, tree: CommentedMap, model: type[BaseModel]
) -> tuple[tuple[int, int], str]:
    where = error["loc"]
    line, column = _place(tree, where)
    path = ".".join(str(part) for part in where)
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        message = "there is no such setting" + _suggestion(str(where[-1]), _settings(model, where[:-1]))
    elif error["type"] == "missing":
        message = "this setting is required"
    return (line, column), f"{name}:{line + 1}:{column + 1}: {path + ': ' if path else ''}{message}"


def _is_echo(error: ErrorDetails, errors: Sequence[ErrorDetails]) -> bool:
    """True for "too few items" about a list whose items were given but are wrong themselves."""
    where = error["loc"]
    return error["type"] == "too_short" and any(
        len(other["loc"]) > len(where) and other["loc"][: len(where)] == where for other in errors
    )


def _suggestion(word: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; known here: {', '.join(sorted(known))}"


def _settings(model: type[BaseModel], where: Sequence[str | int]) -> list[str]:
    """The names that the (sub-)model at ``where`` knows."""
    current = model
    for part in where:
        field = current.model_fields.get(part) if isinstance(part, str) else None
        if field is not None:
            current = _model_in(field.annotation) or current
    return list(current.model_fields)


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        found = _model_in(inner)
        if found:
            return found
    return None


def _place(tree: CommentedMap, where: Sequence[str | int]) -> tuple[int, int]:
    """Line and column, both from 0, of the deepest part of ``where`` that the file holds."""
    place: tuple[int, int] = (tree.lc.line, tree.lc.col)
    current: object = tree
    for part in where:
        if isinstance(current, CommentedMap) and part in current:
            place = current.lc.key(part)
            current = current[part]
        elif isinstance(current, CommentedSeq) and isinstance(part, int) and part < len(current):
            place = current.lc.item(part)
            current = current[part]
        else:
            break
    return place
