"""From a file and the command line's overrides to a scenario that can be played, or to all mistakes at once."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from simulator.scenario.application import NodePart
from simulator.scenario.document import Document, plain, read_document
from simulator.scenario.expectations import Expectations, replacing, unknown_nodes
from simulator.scenario.explain import explain, place_of
from simulator.scenario.library import find_scenario
from simulator.scenario.mistakes import Mistake, ScenarioError
from simulator.scenario.model import BalancerPart, ClusterPart, LoadPart, Scenario, contradictions
from simulator.scenario.objectives import parse_objective
from simulator.scenario.overrides import Override, apply_overrides
from simulator.scenario.python_file import read_python
from simulator.scenario.steps import Step
from simulator.scenario.twin import as_twin
from simulator.scenario.words import Misread

_Part = TypeVar("_Part", bound=BaseModel)


def load(
    name_or_path: str,
    overrides: Sequence[str | Override] = (),
    objectives: Sequence[str] = (),
    *,
    twin: bool = False,
) -> Scenario:
    """The scenario of that name or in that file, with overrides such as ``balancer.drain=false`` applied.

    ``objectives`` are added to its own, in place of those that are about the same; with ``twin`` it is the scenario's
    twin. Raises ScenarioError with every mistake in it; UsageError if there is no such scenario, or no twin.
    """
    return expecting(load_scenario(find_scenario(name_or_path), overrides, twin=twin), objectives)


def expecting(scenario: Scenario, objectives: Sequence[str]) -> Scenario:
    """The scenario with these objectives as well, in place of those that are about the same. Raises ScenarioError."""
    if not objectives:
        return scenario
    mistakes = [mistake for text in objectives for mistake in _misread(text)]
    if not mistakes:
        said = scenario.expect.model_dump()
        said["objectives"] = replacing(said["objectives"], objectives)
        expect = Expectations.model_validate(said)
        mistakes = [Mistake("--expect", p.message) for p in unknown_nodes(expect, scenario.cluster.nodes)]
    if mistakes:
        raise ScenarioError(scenario.name, mistakes)
    return scenario.model_copy(update={"expect": expect})


def _misread(text: str) -> list[Mistake]:
    try:
        parse_objective(text)
    except Misread as error:
        return [Mistake(f"--expect {text!r}, character {error.offset + 1}", error.message)]
    return []


def load_scenario(path: Path, overrides: Sequence[str | Override] = (), *, twin: bool = False) -> Scenario:
    """The scenario in the file at ``path``, or its twin. Raises ScenarioError with every mistake in it."""
    document = read_python(path, _short(path)) if path.suffix == ".py" else read_document(path, _short(path))
    scenario = read_scenario(apply_overrides(as_twin(document) if twin else document, overrides))
    return scenario if scenario.node is None else _beside(path, scenario, scenario.node)


def _beside(path: Path, scenario: Scenario, node: NodePart) -> Scenario:
    """The scenario with the folder of its application found from the file's own. Raises ScenarioError."""
    folder = (path.resolve().parent / node.folder).resolve()
    if not folder.is_dir():
        raise ScenarioError(_short(path), [Mistake(f"{_short(path)}: node.folder", f"there is no folder {folder}")])
    return scenario.model_copy(update={"node": node.model_copy(update={"folder": str(folder)})})


def _short(path: Path) -> str:
    """The path as people write it: relative where the file is below the current folder."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_absolute() and path.is_relative_to(here) else str(path)


def read_scenario(document: Document) -> Scenario:
    """The scenario that a document holds. Raises ScenarioError with every mistake in it."""
    data = plain(document.root)
    mistakes = list(document.mistakes)
    scenario = None
    try:
        scenario = Scenario.model_validate(data)
    except ValidationError as error:
        mistakes += explain(error, document.root, Scenario)
    mistakes += _contradictions(document, data)
    if scenario is None or mistakes:
        raise ScenarioError(document.source, sorted(mistakes, key=_order))
    return scenario


def _contradictions(document: Document, data: object) -> list[Mistake]:
    """What does not fit together, in as much of the scenario as could be read."""
    whole = data if isinstance(data, dict) else {}
    steps = whole.get("timeline")
    timeline = [_salvage(Step, step) for step in steps] if isinstance(steps, list) and steps else None
    found = contradictions(
        _salvage(ClusterPart, whole.get("cluster")),
        timeline,
        _salvage(Expectations, whole["expect"]) if whole.get("expect") is not None else None,
        node=_salvage(NodePart, whole.get("node")),
        load=_salvage(LoadPart, whole.get("load")),
        balancer=_salvage(BalancerPart, whole.get("balancer")),
        of_jira=whole.get("node") is None,
    )
    return [Mistake(place_of(document.root, problem.loc), problem.message) for problem in found]


def _salvage(part: type[_Part], data: object) -> _Part | None:
    """The part without those of its keys that are wrong; None if too little is left."""
    for _ in range(2):
        try:
            return part.model_validate(data)
        except ValidationError as error:
            wrong = {details["loc"][0] for details in error.errors() if details["loc"]}
            data = {key: value for key, value in data.items() if key not in wrong} if isinstance(data, dict) else None
    return None


def _order(mistake: Mistake) -> tuple[bool, list[int]]:
    """By line and column; options come after the file."""
    if mistake.place.startswith("--"):
        return True, []
    return False, [int(part) for part in mistake.place.split(":")[-2:] if part.isdecimal()]
