"""What ``result.json`` holds is what its published schema says."""

import importlib
import json
import os
from typing import Any

import pytest
from click.testing import CliRunner

from simulator.result import build_result
from simulator.result_schema import ResultFile, result_schema
from simulator.scenario.expectations import Expectations
from simulator.verdict import Evidence, reach_verdict
from tests.support.evidence import evidence, good_events, good_requests, request
from zdu.cli import zdu
from zdu.events import NodeObserved, RunEnded, UpgradeHistory, WritesAudited

GONE = (UpgradeHistory, WritesAudited, RunEnded)


def a_run_of_many_words() -> Evidence:
    """Failures, an outage, ambiguous writes, a node that says it leaves, objectives of every outcome."""
    open_write = {"request": 1, "session": "s1", "kind": "edit_issue", "issue": "ZDU-1", "write": "w1"}
    audit = WritesAudited(
        1, [], [], {}, ambiguous=[{**open_write, "outcome": "timeout", "fate": "carried out once", "right": True}]
    )
    events = [(at_s, audit if isinstance(event, WritesAudited) else event) for at_s, event in good_events()]
    probes = [
        request(900 + n, 8 + n / 100, "", kind="probe_new", session="probe_new", outcome="reset") for n in range(3)
    ]
    sentences = ("no requests lost", "p95 < 1s", "p99 of edit_issue < 1s", "sessions kept >= 99.5%")
    return evidence(
        [*events, (3.7, NodeObserved("node1", "DRAINING"))],
        [*good_requests(), *probes],
        Expectations(objectives=sentences, sometimes=("a session moves", "a search is behind")),
    )


def a_run_that_broke_off() -> Evidence:
    return evidence([pair for pair in good_events() if not isinstance(pair[1], GONE)], [])


def result_of(run: Evidence) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json.dumps(build_result(run, reach_verdict(run))))
    return made


@pytest.mark.parametrize("run", [evidence, a_run_of_many_words, a_run_that_broke_off])
def test_every_key_of_a_result_is_in_the_models_with_its_type(run: Any) -> None:
    ResultFile.model_validate(result_of(run()), strict=False)


@pytest.mark.parametrize("run", [evidence, a_run_of_many_words, a_run_that_broke_off])
def test_results_are_valid_by_the_published_schema(run: Any) -> None:
    if not os.environ.get("CI"):
        pytest.importorskip("jsonschema")
    jsonschema = importlib.import_module("jsonschema")
    schema = result_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    result = result_of(run())
    jsonschema.validate(result, schema)
    jsonschema.validate({**result, "a_later_key": 1}, schema)
    for key in ("verdict", "checks", "sessions"):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({name: value for name, value in result.items() if name != key}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**result, "verdict": "perhaps"}, schema)


def test_the_schema_is_printed() -> None:
    printed = CliRunner().invoke(zdu, ["result", "schema"])
    assert printed.exit_code == 0
    assert json.loads(printed.output) == result_schema()


def test_every_key_of_the_schema_is_described_or_speaks_for_itself() -> None:
    for name, part in result_schema()["$defs"].items():
        assert part.get("description"), name
