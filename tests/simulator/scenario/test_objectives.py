"""The sentences of ``expect``: what they mean, and what is said of those that cannot be read."""

import re
from pathlib import Path

import pytest

from simulator.record.requests import REQUEST_KINDS
from simulator.scenario.document import parse_document
from simulator.scenario.expectations import Expectations, replacing
from simulator.scenario.load import expecting, read_scenario
from simulator.scenario.mistakes import ScenarioError
from simulator.scenario.objectives import Part, Scope, parse_objective
from simulator.scenario.quantities import QUANTITIES, Unit
from simulator.scenario.sometimes import HAPPENINGS, parse_sometimes
from simulator.scenario.words import Misread

ROOT = Path(__file__).parents[3]
STORY = """\
name: tiny
title: Tiny
cluster: {version: "7.3.0"}
timeline:
  - observe: {for: 1s}
expect:
"""


def mistakes(expect: str) -> list[str]:
    with pytest.raises(ScenarioError) as raised:
        read_scenario(parse_document(STORY + expect, "mine.yaml"))
    return [str(mistake) for mistake in raised.value.mistakes]


@pytest.mark.parametrize(
    ("text", "name", "comparison", "limit", "unit"),
    [
        ("no requests lost", "requests lost", "<=", 0.0, Unit.COUNT),
        ("no request failed", "requests lost", "<=", 0.0, Unit.COUNT),
        ("no session lost", "sessions lost", "<=", 0.0, Unit.COUNT),
        ("no outage while MIXED", "longest outage", "<=", 0.0, Unit.DURATION),
        ("requests lost <= 5", "requests lost", "<=", 5.0, Unit.COUNT),
        ("requests lost < 0.5 %", "requests lost", "<", 0.005, Unit.SHARE),
        ("requests lost = 0", "requests lost", "<=", 0.0, Unit.COUNT),
        ("sessions kept >= 99.5%", "sessions kept", ">=", 0.995, Unit.SHARE),
        ("longest outage < 1 s", "longest outage", "<", 1.0, Unit.DURATION),
        ("lb lag<500ms", "lb lag", "<", 0.5, Unit.DURATION),
        ("  rate  of errors < 0.1%", "rate of errors", "<", 0.001, Unit.SHARE),
    ],
)
def test_a_sentence_is_a_quantity_and_a_limit(
    text: str, name: str, comparison: str, limit: float, unit: Unit
) -> None:
    objective = parse_objective(text)
    assert (objective.quantity.name, objective.comparison, objective.unit) == (name, comparison, unit)
    assert objective.limit == pytest.approx(limit)


@pytest.mark.parametrize(
    ("text", "share"), [("p50 < 1s", 0.5), ("median < 1s", 0.5), ("p99.9 < 1s", 0.999), ("max < 1s", 1.0)]
)
def test_a_percentile_is_a_share(text: str, share: float) -> None:
    assert parse_objective(text).share == share


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("p95 < 1s", Scope()),
        ("p95 < 1s during upgrade", Scope(Part.DURING, "upgrade")),
        ("p95 < 1s during the upgrade", Scope(Part.DURING, "upgrade")),
        ("p95 < 1s before upgrade", Scope(Part.BEFORE, "upgrade")),
        ("p95 < 1s after the upgrade", Scope(Part.AFTER, "upgrade")),
        ("p95 < 1s while MIXED", Scope(Part.DURING, "MIXED")),
        ("p95 < 1s while cluster is MIXED", Scope(Part.DURING, "MIXED")),
        ("p95 < 1s during node1 out", Scope(Part.DURING, "out", "node1")),
        ("p95 < 1s while node12 is out", Scope(Part.DURING, "out", "node12")),
        ("p95 < 1s while a node is out", Scope(Part.DURING, "out")),
    ],
)
def test_a_part_of_the_run_may_be_named(text: str, scope: Scope) -> None:
    assert parse_objective(text).scope == scope


def test_a_time_limit_for_a_state_begins_with_the_upgrade_or_with_another_state() -> None:
    whole = parse_objective("cluster is STABLE within 60s")
    assert (whole.state, whole.limit, whole.since) == ("STABLE", 60.0, "")
    assert parse_objective("cluster is STABLE within 5s of RUNNING_UPGRADE_TASKS").since == "RUNNING_UPGRADE_TASKS"


@pytest.mark.parametrize(
    ("text", "offset", "told"),
    [
        ("no request lsot", 3, "did you mean 'request lost'?"),
        ("p99 of view_isue < 1s", 7, "did you mean 'view_issue'?"),
        ("p99 < 800", 6, "expected a duration with its unit"),
        ("p99 of view_issue", 17, "expected a comparison such as <, but the sentence ends"),
        ("p0 < 1s", 0, "p0 is no percentile"),
        ("sessions kept < 99%", 14, "expected > or >=, not <: more is better here"),
        ("requests lost > 5", 14, "expected < or <=, not >: less is better here"),
        ("requests lost < 1.5", 16, "expected a whole number, or a percentage"),
        ("rate of errors < 5", 17, "expected a percentage such as 0.1%"),
        ("sessions kept >= 101%", 17, "more than 100% cannot be"),
        ("longest outgae < 1s", 0, "did you mean 'longest outage'?"),
        ("cluster is STABEL within 5s", 11, "did you mean 'STABLE'?"),
        ("p95 < 1s during upgarde", 16, "did you mean 'upgrade'?"),
        ("p95 < 1s during upgrade or so", 24, "the sentence should end here, before 'or'"),
        ("p95 < 1s at night", 9, "here may follow: during …, while …"),
        ("", 0, "the sentence is empty"),
        ("everything is fine", 0, "known here: no requests lost, p99"),
    ],
)
def test_a_sentence_that_cannot_be_read_is_told_with_the_place_and_the_word_that_was_meant(
    text: str, offset: int, told: str
) -> None:
    with pytest.raises(Misread) as raised:
        parse_objective(text)
    assert raised.value.offset == offset
    assert told in raised.value.message


@pytest.mark.parametrize("sentence", [*HAPPENINGS, "cluster is MIXED", "node1 is DRAINING", "a node is out"])
def test_what_may_happen_may_have_to_happen_often(sentence: str) -> None:
    assert parse_sometimes(sentence).least == 1
    assert parse_sometimes(f"{sentence} at least 10 times").least == 10


def test_a_fault_is_named() -> None:
    assert parse_sometimes("fault net.latency fires").name == "net.latency"


@pytest.mark.parametrize(
    ("text", "offset", "told"),
    [
        ("a sesion moves", 0, "did you mean 'a session moves'?"),
        ("node1 is DRANING", 9, "did you mean 'DRAINING'?"),
        ("fault latency fires", 6, "expected the name of a fault"),
        ("a session moves at least 0 times", 25, "at least 1"),
        ("a session moves often", 16, "here may follow: at least N times"),
    ],
)
def test_a_happening_that_cannot_be_read_is_told_too(text: str, offset: int, told: str) -> None:
    with pytest.raises(Misread) as raised:
        parse_sometimes(text)
    assert raised.value.offset == offset
    assert told in raised.value.message


def test_a_mistake_in_a_file_has_the_line_and_column_of_the_wrong_word() -> None:
    assert mistakes("  - no requests lost\n  - p99 of view_isue < 1s\n  - 'p99 < 800'\n") == [
        "mine.yaml:8:12: expected a kind of request, not 'view_isue'; did you mean 'view_issue'?",
        "mine.yaml:9:12: expected a duration with its unit, such as 500ms, 1.5s or 2min, not '800'",
    ]
    (told,) = mistakes("  objectives: [no requests lost]\n  sometimes: [a sesion moves]\n")
    assert told.startswith("mine.yaml:8:15: 'a sesion moves' is not known")


def test_a_node_that_is_not_there_and_a_sentence_said_twice_are_mistakes() -> None:
    (told,) = mistakes("  - no requests lost while node9 is out\n")
    assert told.startswith("mine.yaml:7:5: there is no node 'node9'")
    (told,) = mistakes("  - requests lost <= 5\n  - no requests lost\n")
    assert "'no requests lost' is about the same as 'requests lost <= 5': say it once" in told
    (told,) = mistakes("  - 5\n")
    assert told == "mine.yaml:7:5: expected text, not 5"


def test_a_list_is_short_for_the_objectives() -> None:
    assert Expectations.model_validate(["no requests lost"]).objectives == ("no requests lost",)


def test_what_a_record_keeps_of_the_expectations_reads_as_the_same() -> None:
    expect = Expectations(objectives=("p95 < 1s while MIXED",), sometimes=("a session moves at least 3 times",))
    assert Expectations.model_validate(expect.model_dump(mode="json")) == expect


def test_an_objective_of_the_command_line_takes_the_place_of_the_one_about_the_same() -> None:
    scenario = read_scenario(parse_document(STORY + "  - longest outage < 1s\n", "mine.yaml"))
    changed = expecting(scenario, ["longest outage < 3s", "p95 < 1s"])
    assert changed.expect.objectives == ("longest outage < 3s", "p95 < 1s")
    with pytest.raises(ScenarioError, match=r"--expect 'p95 < 5', character 7: expected a duration"):
        expecting(scenario, ["p95 < 5"])
    with pytest.raises(ScenarioError, match="there is no node 'node9'"):
        expecting(scenario, ["p95 < 5s while node9 is out"])


def test_sentences_that_cannot_be_read_stay_to_be_told_as_mistakes() -> None:
    assert replacing(["what", "p95 < 1s"], ["p95 < 2s"]) == ["what", "p95 < 2s"]


def test_every_kind_of_request_that_is_sent_can_be_named() -> None:
    sources = [*(ROOT / "simulator" / "load").glob("*.py")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    sent = set(re.findall(r'(?:_open|_client\.send|client\.send|_send_form)\(\s*"(\w+)"', text))
    sent |= set(re.findall(r'_submit\(\s*page,\s*"(\w+)"', text))
    assert {"open_login", "create_issue", "view_issue", "bulk_edit"} <= sent
    assert sent <= set(REQUEST_KINDS)


def test_every_quantity_can_be_written() -> None:
    for quantity in QUANTITIES:
        for words in quantity.none:
            assert parse_objective(f"no {words}").quantity is quantity


def test_the_sentences_in_the_documentation_can_be_read() -> None:
    page = (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```yaml\n(expect:.*?)```", page, re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        read_scenario(parse_document(STORY.removesuffix("expect:\n") + block, "docs"))
