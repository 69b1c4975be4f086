"""A scenario that is written in Python (:mod:`zdu.scenario`), as the tree that a YAML file would have given."""

import runpy
import traceback
from pathlib import Path

from simulator.scenario.document import Document, Mapping, Scalar, Sequence, Tree
from simulator.scenario.mistakes import Mistake, ScenarioError
from zdu.scenario import Keys

NAME = "SCENARIO"
_HINT = "docs/scenarios.md shows how a scenario is written in Python."


def read_python(path: Path, source: str) -> Document:
    """Run the file and read what it calls ``SCENARIO``. Raises ScenarioError that names the line."""
    try:
        module = runpy.run_path(str(path), run_name="zdu_scenario")
    except SyntaxError as error:
        place = f"{source}:{error.lineno or 1}:{error.offset or 1}"
        raise _unreadable(source, place, f"this is not Python: {error.msg}") from error
    except OSError as error:
        if error.filename != str(path):
            raise _raised(path, source, error) from error
        raise _unreadable(source, source, f"cannot be read: {error.strerror or error}") from error
    except (Exception, SystemExit) as error:
        raise _raised(path, source, error) from error
    found = module.get(NAME)
    if not isinstance(found, Keys):
        what = f"{NAME} is no scenario" if NAME in module else f"nothing is called {NAME}"
        raise _unreadable(source, f"{source}:1:1", f"{what}; write {NAME} = zdu.scenario.scenario(name=…, …)")
    mistakes: list[Mistake] = []
    return Document(source, _tree(found, source, 1, mistakes), mistakes)


def _unreadable(source: str, place: str, message: str) -> ScenarioError:
    return ScenarioError(source, [Mistake(place, message)], hint=_HINT)


def _raised(path: Path, source: str, error: BaseException) -> ScenarioError:
    """The innermost line of the file itself counts: what it called may be anybody's."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    said = f": {error}" if str(error) else ""
    return _unreadable(source, f"{source}:{lines[-1] if lines else 1}:1", f"{type(error).__name__}{said}")


def _tree(value: object, source: str, line: int, mistakes: list[Mistake]) -> Tree:
    """The value as a tree; what no YAML file could hold is a mistake."""
    if isinstance(value, Keys):
        line = value.line
    place = f"{source}:{line}:1"
    match value:
        case dict():
            entries = {str(key): _tree(inner, source, line, mistakes) for key, inner in value.items()}
            return Mapping(place, entries, dict.fromkeys(entries, place))
        case list() | tuple():
            return Sequence(place, [_tree(inner, source, line, mistakes) for inner in value])
        case None:
            return Scalar(None, "", place)
        case bool():
            return Scalar(value, str(value).lower(), place)
        case str() | int() | float():
            return Scalar(value, str(value), place)
    mistakes.append(Mistake(place, f"expected text, a number, a truth value, a list or keys, not {value!r}"))
    return Scalar(None, "", place)
