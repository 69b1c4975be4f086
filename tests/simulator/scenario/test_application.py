"""``node`` of a scenario: another application, and what it may not be together with."""

from pathlib import Path

import pytest

from simulator.scenario.application import filled
from simulator.scenario.document import parse_document
from simulator.scenario.load import load_scenario, read_scenario
from simulator.scenario.mistakes import ScenarioError
from simulator.scenario.model import Scenario

SHOP = """\
name: shop
title: a shop
cluster: {nodes: 2, version: v1}
node:
  command: [./shop, "{port}"]
"""
STORY = """\
timeline:
  - observe: {for: 1s}
  - roll: {to: v2}
"""


def read(text: str) -> Scenario:
    return read_scenario(parse_document(text, "f"))


def mistakes_of(text: str) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        read(text)
    return [f"{mistake.place}: {mistake.message}" for mistake in caught.value.mistakes]


def test_versions_of_another_application_are_its_own_and_need_no_start_of_an_upgrade() -> None:
    scenario = read(SHOP + STORY + "  - roll: {to: 2024-11, nodes: [node2]}\n")
    assert not scenario.of_jira
    assert scenario.versions_in_the_end == {"node1": "v2", "node2": "2024-11"}


def test_a_scenario_with_another_application_is_read_again_from_its_own_record() -> None:
    scenario = read(SHOP + STORY)
    assert Scenario.model_validate(scenario.as_played()) == scenario


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cluster: {nodes: 2, version: v1, time_scale: 5}", "f:3:46: cluster.time_scale is Jira's"),
        ("load: {arrivals: {rate: 5}}", "f:6:8: load.arrivals is Jira's"),
        ("balancer: {expect_state: OK}", "f:6:26: balancer.expect_state is Jira's"),
        ("balancer: {stickiness: none}", "f:6:24: stickiness: none leaves no cookie that tells who answered"),
        ("expect: [search delay < 2s]", "f:6:10: 'search delay < 2s' is Jira's"),
        ("expect: [cluster is STABLE within 9s]", "f:6:10: 'cluster is STABLE within 9s' is Jira's"),
        ("expect: [p99 < 1s while MIXED]", "f:6:10: 'p99 < 1s while MIXED' is Jira's"),
        ("expect: {sometimes: [cluster is MIXED]}", "f:6:22: 'cluster is MIXED' is Jira's"),
    ],
)
def test_what_only_jira_has_is_refused_with_its_place(text: str, said: str) -> None:
    head = SHOP.replace("cluster: {nodes: 2, version: v1}", text) if text.startswith("cluster") else f"{SHOP}{text}\n"
    [mistake] = mistakes_of(head + STORY)
    assert mistake.startswith(said)


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("start_upgrade: {}", "start_upgrade is Jira's; this scenario has another application (node): a roll of"),
        ("finalise: {}", "finalise is Jira's"),
        ("cancel: {}", "cancel is Jira's"),
        ("roll_back: {}", "roll_back is Jira's; this scenario has another application (node): say roll once more"),
        ("roll: {to: v1, finalise: auto}", "finalise: auto is Jira's"),
        ("roll: {to: v1, nodes: [node1], expect: refused}", "expect: refused is Jira's"),
        ("fault: {name: db.locked, for: 1s}", "the fault db.locked is Jira's"),
        (
            "fault: {name: upgrade.bad_version}",
            "f:9:19: the fault upgrade.bad_version is Jira's; this scenario has another application (node): write a "
            "version that misbehaves into node.versions, and roll to it",
        ),
        ("fault: {name: upgrade.task_fails}", "the fault upgrade.task_fails is Jira's"),
        ("fault: {name: upgrade.dies_mid_migration, node: node1}", "the fault upgrade.dies_mid_migration is Jira's"),
        ("fault: {name: upgrade.third_version, node: node1}", "the fault upgrade.third_version is Jira's"),
        ("fault: {name: upgrade.major_jump, node: node1}", "the fault upgrade.major_jump is Jira's"),
        ("repeat: {times: 2, steps: [{fault: {name: operator.finalises_early}}]}", "there is nothing to finalise"),
        ("{when: cluster is MIXED, observe: {for: 1s}}", "'cluster is MIXED' is Jira's"),
        ("repeat: {times: 2, steps: [finalise: {}]}", "finalise is Jira's"),
        ("roll: {to: v2}", "node1, node2 would run v2 already: nothing would happen"),
    ],
)
def test_a_step_that_only_jira_knows_is_refused(step: str, said: str) -> None:
    [mistake] = mistakes_of(f"{SHOP}{STORY}  - {step}\n")
    assert said in mistake


@pytest.mark.parametrize(
    ("node", "said"),
    [
        ('{command: [./shop, "{prot}"]}', "there is no {prot}; known here: {port}"),
        ("{command: [./shop]}", "command has no {port}: each node has a port of its own"),
        ('{command: ["{port}"], versions: {v2: {command: [b]}}}', "the command of version 'v2' has no {port}"),
        ('{command: ["{port}"], health: {path: health}}', "expected the path of a page, such as /health"),
        ('{command: ["{port}"], stop: {request: /stop}}', "expected a method and a path, such as POST /shutdown"),
        ('{command: ["{port}"], page: {login: /login}}', "login and form need each other"),
        ('{command: ["{port}"], page: {paht: /}}', "unknown key 'paht'; did you mean 'path'?"),
    ],
)
def test_a_mistake_in_the_application_is_told(node: str, said: str) -> None:
    text = f"name: shop\ntitle: a shop\ncluster: {{version: v1}}\nnode: {node}\n{STORY}"
    assert any(said in mistake for mistake in mistakes_of(text))


def test_placeholders_are_filled_in_and_doubled_brackets_are_text() -> None:
    assert filled('{{port}} is {port}, {"a": 1}', {"port": "80"}) == '{port} is 80, {"a": 1}'


def test_a_version_has_its_own_command_and_more_environment() -> None:
    more = "  env: {A: a, B: b}\n  versions: {v2: {command: [new, '{port}'], env: {B: c}}}\n"
    node = read(SHOP + more + STORY).node
    assert node is not None
    assert (node.command_of("v1"), node.command_of("v2")) == (("./shop", "{port}"), ("new", "{port}"))
    assert (node.env_of("v1"), node.env_of("v2")) == ({"A": "a", "B": "b"}, {"A": "a", "B": "c"})


def test_the_applications_folder_is_found_from_the_file(tmp_path: Path) -> None:
    (tmp_path / "apps").mkdir()
    file = tmp_path / "shop.yaml"
    file.write_text(SHOP + "  folder: apps\n" + STORY)
    node = load_scenario(file).node
    assert node is not None
    assert node.folder == str((tmp_path / "apps").resolve())
    file.write_text(SHOP + "  folder: none\n" + STORY)
    with pytest.raises(ScenarioError) as caught:
        load_scenario(file)
    assert "there is no folder" in caught.value.mistakes[0].message


ASKS = "  health: {draining: {status: 503, text: leaving}}\n  drain: {request: POST /drain}\n"


def test_a_node_that_can_ask_to_be_drained_has_lb_lag_and_a_state_for_it() -> None:
    more = "expect: {objectives: [lb lag < 1s], sometimes: [node1 is DRAINING]}\n"
    scenario = read(SHOP + ASKS + STORY + more)
    assert scenario.nodes_ask
    assert not read(SHOP + STORY).nodes_ask
    lag, state = mistakes_of(SHOP + STORY + more)
    assert lag.endswith("'lb lag < 1s' needs node.health.draining: without it no node says that it is leaving")
    assert state.endswith("'node1 is DRAINING' is Jira's; this scenario has another application (node)")


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("  drain: {signal: USR1}\n", "drain needs health.draining"),
        ("  health: {draining: {status: 200}}\n", "draining: what has status 200 is well; say its text"),
    ],
)
def test_nobody_can_ask_for_what_is_not_understood(keys: str, said: str) -> None:
    [mistake] = mistakes_of(SHOP + keys + STORY)
    assert said in mistake


def test_after_a_breach_that_has_to_come_every_node_runs_what_all_of_them_ran_last() -> None:
    breached = "  - roll: {to: v3, on_breach: rollback, expect: breached}\n"
    assert read(SHOP + STORY + breached).versions_in_the_end == {"node1": "v2", "node2": "v2"}
    assert read(SHOP + STORY + breached).versions == ("v1", "v2", "v3")
    partly = SHOP + STORY.replace("{to: v2}", "{to: v2, nodes: [node1]}") + breached
    assert read(partly).versions_in_the_end == {"node1": "v1", "node2": "v1"}
    assert read(SHOP + STORY + breached + breached).breaches == ("v3", "v3"), "nothing has run v3 for good"
