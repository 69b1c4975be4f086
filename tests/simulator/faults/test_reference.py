"""The faults are documented as they are, and a scenario with one is read with every mistake at its place."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from simulator.fault_cli import fault
from simulator.faults.catalogue import FAULTS
from simulator.faults.reference import embed, example
from simulator.scenario.document import parse_document
from simulator.scenario.load import read_scenario
from simulator.scenario.mistakes import ScenarioError
from simulator.scenario.model import Scenario

PAGE = Path(__file__).parents[3] / "docs" / "faults.md"
STORY = 'name: tiny\ntitle: t\ncluster: {version: "7.3.0"}\ntimeline:\n  - observe: {for: 1s}\n  '


def read(step: str) -> Scenario:
    return read_scenario(parse_document(STORY + step + "\n", "f.yaml"))


def test_the_reference_in_the_docs_is_the_one_made_from_the_faults() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == embed(page), "run: .venv/bin/python -m simulator.faults.reference docs/faults.md"


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_has_a_file_of_its_own_and_an_example_that_can_be_played(name: str) -> None:
    assert FAULTS[name].__module__ == f"simulator.faults.{name}"
    action = read(example(name)).timeline[1].action
    assert type(action) is FAULTS[name]
    assert read(example(name)).paths == {"path": {"balancer"}, "database path": {"database"}}.get(
        FAULTS[name].acts_on, frozenset()
    )


@pytest.mark.parametrize("name", FAULTS)
def test_show_explains_every_attribute(name: str) -> None:
    shown = CliRunner().invoke(fault, ["show", name], catch_exceptions=False).output
    keys = [field.alias or key for key, field in FAULTS[name].model_fields.items() if key != "name"]
    assert all(f"\n  {key} " in shown for key in keys), shown


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("- fault: {name: net.latnecy, node: node1}", "f.yaml:6:19: there is no fault 'net.latnecy'; did you mean"),
        ("- fault: {node: node1}", "f.yaml:6:5: 'name' is missing in 'fault'"),
        ("- fault: {name: net.latency}", "f.yaml:6:5: 'node' is missing in 'net.latency'"),
        ("- fault: {name: net.latency, node: node7}", "f.yaml:6:38: there is no node 'node7'"),
        (
            "- fault: {name: net.latency, node: node1, latnecy: 1s}",
            "f.yaml:6:45: unknown key 'latnecy'; did you mean",
        ),
        ("- fault: {name: net.latency, node: node1, latency: 1}", "f.yaml:6:54: expected a duration"),
        ("- fault: {name: net.reset, node: node1, probability: 2}", "f.yaml:6:56: expected at most 1, not 2"),
    ],
)
def test_a_mistake_in_a_fault_is_told_with_its_place(step: str, told: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        read(step)
    (mistake,) = caught.value.mistakes
    assert f"{mistake.place}: {mistake.message}".startswith(told)
