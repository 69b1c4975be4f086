"""Every kind of mistake in a scenario file, with its exact place; and that all of them are told at once."""

from pathlib import Path

import pytest

from simulator.scenario import (
    Override,
    ScenarioError,
    find_scenario,
    load,
    load_scenario,
    named_overrides,
    shipped_scenarios,
)
from simulator.scenario.document import parse_document
from simulator.scenario.load import read_scenario
from simulator.scenario.model import Scenario
from simulator.scenario.overrides import apply_overrides
from zdu.errors import ExitCode, UsageError

HEAD = """\
name: tiny
title: Tiny
cluster:
  nodes: 2
  version: "7.3.0"
"""
TIMELINE = """\
timeline:
  - observe: {for: 3s}
  - start_upgrade: {on: first}
  - roll: {to: "7.3.2", nodes: all}
  - finalise: {on: first}
"""
GOOD = HEAD + TIMELINE
REFUSED = (
    HEAD
    + """\
timeline:
  - observe: {for: 3s}
  - start_upgrade: {on: first}
  - roll: {to: "8.0.3", nodes: [node1], expect: refused}
  - cancel: {on: node2}
  - roll: {to: "7.3.0", nodes: [node1]}
"""
)


def read(text: str, *overrides: str | Override) -> Scenario:
    return read_scenario(apply_overrides(parse_document(text, "f"), overrides))


def mistakes_of(text: str, *overrides: str | Override) -> list[str]:
    try:
        read(text, *overrides)
    except ScenarioError as error:
        return [str(mistake) for mistake in error.mistakes]
    return []


def test_a_good_file_is_a_scenario_with_durations_in_seconds() -> None:
    scenario = read(GOOD + "balancer: {inter: 250ms}\n")
    assert scenario.balancer.inter == 0.25
    assert scenario.timeline[0].observe is not None
    assert scenario.timeline[0].observe.for_s == 3.0
    assert [step.action_name for step in scenario.timeline] == ["observe", "start_upgrade", "roll", "finalise"]
    assert (scenario.version_from, scenario.version_to) == ("7.3.0", "7.3.2")


def test_what_is_left_out_has_jiras_own_intervals_and_atlassians_rule() -> None:
    scenario = read(GOOD)
    assert scenario.cluster.intervals.heartbeat == 60
    assert scenario.cluster.mixed_when == "rejoined"
    assert scenario.cluster.node_upgrade_mode is False


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (GOOD + "balancr: {}\n", "f:11:1: unknown key 'balancr'; did you mean 'balancer'?"),
        (GOOD + "balancer: {drian: true}\n", "f:11:12: unknown key 'drian'; did you mean 'drain'?"),
        (
            GOOD + "drain: true\n",
            "f:11:1: unknown key 'drain' here; it belongs into 'node' or 'balancer' or 'timeline.roll'",
        ),
        (GOOD + "load: {mix: {veiw_issue: 1}}\n", "f:11:14: unknown key 'veiw_issue'; did you mean 'view_issue'?"),
        (
            GOOD + "load: {think_time: {zzz: 1}}\n",
            "f:11:21: unknown key 'zzz'; known here: min, max",
        ),
        (GOOD.replace("title: Tiny\n", ""), "f:1:1: 'title' is missing"),
        (GOOD.replace("title", "titel"), "f:2:1: unknown key 'titel'; did you mean 'title'?"),
        (GOOD.replace('  version: "7.3.0"\n', ""), "f:3:1: 'version' is missing in 'cluster'"),
        (GOOD.replace('{to: "7.3.2", nodes: all}', "{nodes: all}"), "f:9:5: 'to' is missing in 'roll'"),
        (
            GOOD.replace('version: "7.3.0"', "version: 7.3"),
            'f:5:12: expected a version in quotes, such as "7.3.0", not the number 7.3, '
            "which is what YAML takes it for without quotes",
        ),
        (
            GOOD.replace('version: "7.3.0"', "version: seven"),
            "f:5:12: expected a version in quotes, such as \"7.3.0\", not 'seven'",
        ),
        (
            GOOD.replace("for: 3s", "for: 3"),
            "f:7:20: expected a duration with its unit, such as 500ms, 1.5s, 5min, 2h or 2d, not 3",
        ),
        (
            GOOD.replace("for: 3s", "for: false"),
            "f:7:20: expected a duration with its unit, such as 500ms, 1.5s, 5min, 2h or 2d, not False",
        ),
        (GOOD.replace("for: 3s", "for: 0s"), "f:7:20: expected more than 0, not '0s'"),
        (GOOD.replace("nodes: 2", "nodes: 2.5"), "f:4:10: expected a whole number, not 2.5"),
        (GOOD.replace("nodes: 2", "nodes: '2'"), "f:4:10: expected a whole number, not '2'"),
        (GOOD.replace("nodes: 2", "nodes: true"), "f:4:10: expected a whole number, not true"),
        (GOOD.replace("nodes: 2", "nodes: 0"), "f:4:10: expected at least 1, not 0"),
        (GOOD.replace("nodes: 2", "nodes: 101"), "f:4:10: expected at most 100, not 101"),
        (GOOD.replace("nodes: 2", "nodes:"), "f:4:3: 'nodes' has no value"),
        (GOOD.replace("name: tiny", "name: 5"), "f:1:7: expected text, not 5"),
        (
            GOOD.replace("name: tiny", "name: Tiny Test"),
            "f:1:7: expected small letters, digits and single hyphens, such as three-nodes, not 'Tiny Test'",
        ),
        (GOOD + "balancer: {drain: no}\n", "f:11:19: expected true or false, not 'no'"),
        (GOOD + "load: {probe_rate: .inf}\n", "f:11:20: expected a finite number, not .inf"),
        (GOOD + "load: {probe_rate: x}\n", "f:11:20: expected a number, not 'x'"),
        (
            GOOD + "sessions: replicated\n",
            "f:11:11: expected remember-me, in-memory or shared, not 'replicated'",
        ),
        (GOOD + "load: [1]\n", "f:11:7: expected keys with values below it, not a list"),
        (GOOD + "load: {think_time: {min: 2s, max: 1s}}\n", "f:11:8: min is longer than max"),
        (
            GOOD + "load: {mix: {view_dashboard: 0, list_issues: 0, view_issue: 0, create_issue: 0, edit_issue: 0, "
            "comment_issue: 0, sign_in_again: 0, search_issues: 0, view_board: 0, transition_issue: 0}}\n",
            "f:11:8: at least one weight must be more than 0",
        ),
        (GOOD + "expect: {min_probe_rate_kept: 2}\n", "f:11:31: expected at most 1, not 2"),
        (
            GOOD.replace("  nodes: 2\n", "  nodes: 2\n  mixed_when: remove\n"),
            "f:5:15: expected rejoined or removed, not 'remove'; did you mean 'removed'?",
        ),
        (
            GOOD.replace("  nodes: 2\n", "  nodes: 2\n  intervals: {heartbeat: 60}\n"),
            "f:5:26: expected a duration with its unit, such as 500ms, 1.5s, 5min, 2h or 2d, not 60",
        ),
        (
            GOOD.replace("  nodes: 2\n", "  nodes: 2\n  intervals: {dead_after: 60s}\n"),
            "f:5:3: dead_after must be longer than heartbeat: every node would count as dead between two beats",
        ),
        (
            GOOD + "balancer: {listen: '8080'}\n",
            "f:11:20: expected host:port, such as 127.0.0.1:8080 (port 0 takes any free one), not '8080'",
        ),
        (
            GOOD + "balancer: {admin_listen: '0.0.0.0:80'}\n",
            "f:11:26: expected an address on this machine, such as 127.0.0.1:0, not '0.0.0.0:80': nothing guards it",
        ),
        (HEAD + "timeline: []\n", "f:6:11: expected at least one entry, not an empty list"),
        (HEAD + "timeline: {}\n", "f:6:1: expected a list, not keys with values"),
        (
            GOOD.replace("  - finalise: {on: first}\n", "  - title: x\n"),
            "f:10:5: a step has exactly one of observe, start_upgrade, roll, roll_back, cancel, finalise, load, "
            "repeat, parallel, fault; "
            "this one has none",
        ),
        (
            GOOD.replace("  - finalise: {on: first}\n", "  - finalise: {}\n    observe: {for: 1s}\n"),
            "f:10:5: a step has exactly one of observe, start_upgrade, roll, roll_back, cancel, finalise, load, "
            "repeat, parallel, fault; "
            "this one has 2: observe and finalise",
        ),
        (
            GOOD.replace("nodes: all", "nodes: every"),
            "f:9:32: expected all, or a list of nodes such as [node1, node2], not 'every'",
        ),
        (GOOD.replace("nodes: all", "nodes: []"), "f:9:32: expected at least one entry, not an empty list"),
        (GOOD.replace("nodes: all", "nodes: [node1, 2]"), "f:9:40: expected text, not 2"),
        ("just words\n", "f:1:1: expected keys with values below it, not 'just words'"),
    ],
)
def test_one_mistake_is_told_once_and_at_its_place(text: str, expected: str) -> None:
    assert mistakes_of(text) == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (GOOD.replace("7.3.2", "7.3.9"), "f:9:16: unknown version '7.3.9'; did you mean '7.3.8'?"),
        (
            GOOD.replace('"7.3.2"', '"7.3.0"'),
            "f:9:16: 7.3.0 is not newer than the cluster's 7.3.0; newer and known: ",
        ),
        (GOOD.replace("finalise: {on: first}", "finalise: {on: node3}"), "f:10:20: there is no node 'node3'; it is "),
        (
            GOOD.replace("upgrade: {on: first}", "upgrade: {on: frist}"),
            "f:8:25: there is no node 'frist'; did you mean 'first'?",
        ),
        (
            GOOD.replace("nodes: all", "nodes: [node1, nod2]"),
            "f:9:40: there is no node 'nod2'; did you mean 'node2'?",
        ),
        (GOOD.replace("nodes: all", "nodes: [node1, node1, node2]"), "f:9:40: 'node1' is named twice"),
        (
            GOOD.replace("nodes: all", "nodes: [node1]"),
            "f:10:5: finalise needs every node upgraded: node2 would still",
        ),
        (GOOD.replace("  - observe: {for: 3s}\n", ""), "f:6:1: at least one step must be observe"),
        (GOOD.replace("  - start_upgrade: {on: first}\n", ""), "f:8:5: a roll needs a start_upgrade before it"),
        (GOOD.replace('  - roll: {to: "7.3.2", nodes: all}\n', ""), "f:9:5: finalise needs a roll before it"),
        (GOOD + "  - start_upgrade: {}\n  - start_upgrade: {}\n", "f:12:5: the cluster is in upgrade mode already"),
        (
            GOOD.replace("nodes: all}", 'nodes: [node1]}\n  - roll: {to: "7.3.1", nodes: [node2]}'),
            "f:10:16: this upgrade goes to 7.3.2 already",
        ),
        (
            GOOD.replace("nodes: all}", 'nodes: all}\n  - roll: {to: "7.3.2", nodes: [node2]}'),
            "f:10:25: an earlier step has upgraded node2 already",
        ),
        (GOOD + "  - cancel: {}\n", "f:11:5: there is nothing to cancel"),
        (
            GOOD.replace("finalise: {on: first}", "cancel: {on: node2}"),
            "f:10:5: cancel needs every node at 7.3.0: node1, node2 would be upgraded already",
        ),
        (
            GOOD + "  - roll_back: {}\n",
            "f:11:5: there is no way back to 7.3.0: the upgrade to 7.3.2 is finalised and the data is changed; ",
        ),
        (
            GOOD.replace('  - roll: {to: "7.3.2", nodes: all}\n', "").replace(
                "finalise: {on: first}", "roll_back: {}"
            ),
            "f:9:5: there is nothing to roll back: no node has been upgraded yet",
        ),
        (
            GOOD.replace("finalise: {on: first}", "roll_back: {on: node7}"),
            "f:10:21: there is no node 'node7'; it is ",
        ),
        (
            GOOD.replace("finalise: {on: first}", "roll_back: {}\n  - finalise: {}"),
            "f:11:5: finalise needs a roll before it",
        ),
        (
            GOOD.replace("7.3.2", "7.3.2+bad-renam"),
            "f:9:16: unknown version '7.3.2+bad-renam'; did you mean '7.3.2+bad-rename'?",
        ),
        (REFUSED.replace("{on: node2}", "{on: node7}"), "f:10:18: there is no node 'node7'; it is "),
        (
            REFUSED.replace("nodes: [node1], e", "nodes: [node1, node2], e"),
            "f:9:25: a roll that has to be refused ends",
        ),
        (REFUSED.replace("nodes: [node1], e", "e"), "f:9:5: a roll that has to be refused ends with its first node"),
    ],
)
def test_what_does_not_fit_together_is_told_at_the_value_that_is_wrong(text: str, expected: str) -> None:
    (message,) = mistakes_of(text)
    assert message.startswith(expected)


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    text = """\
name: tiny
title: Tiny
cluster:
  nodes: two
  version: 7.3
  colour: red
balancer:
  rise: 2
  rise: 3
  timeout: 1
timeline:
  - observe: {for: 3}
  - start_upgrade: {on: node9}
  - roll: {to: "7.9.9", nodes: all}
"""
    assert [message.split(":")[1:3] for message in mistakes_of(text, "load.user=1")] == [
        ["4", "10"],
        ["5", "12"],
        ["6", "3"],
        ["9", "3"],
        ["10", "12"],
        ["12", "20"],
        ["14", "16"],
        # the override has no line
        [" unknown key 'user'; did you mean 'users'?"],
    ]


def test_a_mistyped_key_hides_no_contradiction_elsewhere_in_the_same_part() -> None:
    messages = mistakes_of(
        GOOD.replace("nodes: 2", "nodes: 2\n  colour: red").replace("on: first}\n  - roll", "on: node7}\n  - roll")
    )
    assert [message.split(": ")[0] for message in messages] == ["f:5:3", "f:9:25"]


def test_an_unreadable_step_makes_no_false_alarms_about_the_steps_after_it() -> None:
    assert mistakes_of(GOOD.replace("start_upgrade: {on: first}", "start_upgrad: {on: first}"))[0].startswith(
        "f:8:5: unknown key"
    )
    messages = mistakes_of(GOOD.replace("start_upgrade: {on: first}", "start_upgrad: {on: first}"))
    assert not any("needs a start_upgrade" in message for message in messages)


def test_the_error_is_a_usage_error_that_says_nothing_was_started() -> None:
    with pytest.raises(ScenarioError) as caught:
        read("name: x\n")
    assert caught.value.exit_code == ExitCode.USAGE
    assert "nothing was started" in str(caught.value)
    assert len(caught.value.mistakes) == 3


def test_a_scenario_built_in_python_is_held_to_the_same_rules() -> None:
    with pytest.raises(ValueError, match=r"unknown version '7\.3\.9'"):
        Scenario.model_validate(
            {
                "name": "x",
                "title": "x",
                "cluster": {"version": "7.3.9"},
                "timeline": [{"observe": {"for": "1s"}}],
            }
        )


# --- overrides


@pytest.mark.parametrize(
    ("override", "attribute", "value"),
    [
        ("balancer.drain=false", "balancer.drain", False),
        ("balancer.drain_deadline=2s", "balancer.drain_deadline", 2.0),
        ("cluster.version=7.3.1", "cluster.version", "7.3.1"),
        ('cluster.version="7.3.1"', "cluster.version", "7.3.1"),
        ("title=7.3", "title", "7.3"),
        ("load.users=3", "load.users", 3),
        ("load.think_time={min: 1s, max: 2s}", "load.think_time.max", 2.0),
        ("cluster.mixed_when=removed", "cluster.mixed_when", "removed"),
        ("balancer.listen=127.0.0.1:8080", "balancer.listen_address", ("127.0.0.1", 8080)),
    ],
)
def test_an_override_takes_the_place_of_the_files_value(override: str, attribute: str, value: object) -> None:
    found: object = read(GOOD, override)
    for name in attribute.split("."):
        found = getattr(found, name)
    assert found == value


def test_a_step_is_named_by_its_action_or_by_its_number_from_1() -> None:
    scenario = read(GOOD, "timeline.roll.to=7.3.1", "timeline.1.observe.for=9s")
    assert scenario.version_to == "7.3.1"
    assert scenario.timeline[0].observe is not None
    assert scenario.timeline[0].observe.for_s == 9.0


def test_the_last_of_several_overrides_wins() -> None:
    assert read(GOOD, "load.users=3", "load.users=4").load.users == 4


def test_a_scenario_ends_with_the_version_that_its_rolls_and_roll_backs_leave() -> None:
    back = GOOD.replace("finalise: {on: first}", "roll_back: {}")
    rolled_back, again = (
        read(back),
        read(back + '  - start_upgrade: {}\n  - roll: {to: "7.3.3"}\n'),
    )
    flawed = read(GOOD, "timeline.roll.to=7.3.2+failing-task")

    assert (rolled_back.version_to, rolled_back.rolled_back_from) == ("7.3.0", "7.3.2")
    assert (again.version_to, again.rolled_back_from) == ("7.3.3", "")
    assert (flawed.version_to, flawed.rolled_back_from) == ("7.3.2+failing-task", "")


def test_what_is_finalised_is_where_a_later_roll_back_leads() -> None:
    later = '  - start_upgrade: {}\n  - roll: {to: "7.3.3"}\n  - roll_back: {}\n'
    scenario = read(GOOD + later)

    assert (scenario.version_to, scenario.rolled_back_from) == ("7.3.2", "7.3.3")


def test_more_nodes_are_all_rolled_when_the_file_says_all() -> None:
    scenario = read(GOOD, *named_overrides(nodes=4))
    assert scenario.timeline[2].roll is not None
    assert scenario.nodes_of(scenario.timeline[2].roll) == ("node1", "node2", "node3", "node4")


def test_named_options_show_themselves_as_they_were_typed() -> None:
    assert mistakes_of(GOOD, *named_overrides(nodes=0, users=-1, rate=2000.5)) == [
        "--nodes 0: expected at least 1, not 0",
        "--users -1: expected at least 0, not -1",
        "--rate 2000.5: expected at most 1000, not 2000.5",
    ]
    assert named_overrides() == []


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("balancer.dran=false", "unknown key 'dran'; did you mean 'drain'?"),
        ("balancr.drain=false", "unknown key 'balancr'; did you mean 'balancer'?"),
        ("balancer.drain=no", "expected true or false, not 'no'"),
        ("balancer.inter=1", "expected a duration with its unit, such as 500ms, 1.5s, 5min, 2h or 2d, not 1"),
        ("balancer.inter=", "'inter' has no value"),
        ("balancer.inter", "expected key=value, such as balancer.drain=false"),
        ("=1", "expected key=value, such as balancer.drain=false"),
        ("balancer..inter=1s", "'balancer..inter' has an empty word between its dots"),
        ("cluster.nodes.x=1", "there are no keys below '2', so no 'x'"),
        ("timeline.9.title=x", "there is no entry 9: the list has 4, counted from 1"),
        ("timeline.0.title=x", "there is no entry 0: the list has 4, counted from 1"),
        ("timeline.title=x", "no entry has 'title'; name one by its number, 1 to 4"),
        ("load.mix=[1", "this is not YAML: "),
        ("load.mix={view_issue: 1, view_issue: 2}", "the key 'view_issue' is here twice; first on line 1"),
    ],
)
def test_a_wrong_override_is_told_with_the_option_as_its_place(override: str, message: str) -> None:
    (found,) = mistakes_of(GOOD, override)
    place, _, said = found.partition(f"--set {override}: ")
    assert place == ""
    assert said.startswith(message)


def test_an_action_that_is_there_twice_must_be_named_by_number() -> None:
    (message,) = mistakes_of(GOOD + "  - observe: {for: 1s}\n", "timeline.observe.for=2s")
    assert message.endswith("'observe' is in entries 1, 5; say which by its number")


# --- files and names


def test_every_shipped_scenario_loads_and_is_called_like_its_file() -> None:
    assert "valiantys" in shipped_scenarios()
    for name in shipped_scenarios():
        assert load(name).name == name


def test_a_refused_node_leads_to_no_other_version_and_is_put_back() -> None:
    scenario = read(REFUSED)

    assert scenario.refusals == (("node1", "8.0.3"),)
    assert (scenario.version_from, scenario.version_to) == ("7.3.0", "7.3.0")


def test_an_upgrade_goes_on_only_once_the_refused_node_is_put_back() -> None:
    again = REFUSED.replace("cancel: {on: node2}", 'roll: {to: "7.3.2", nodes: [node2]}')

    (message,) = mistakes_of(again)

    assert message.startswith("f:10:5: node1 was refused and serves nobody: first give it 7.3.0 again")


def test_the_major_upgrade_ends_where_it_began() -> None:
    scenario = load("major-upgrade")
    assert scenario.refusals == (("node1", "8.0.3"),)
    assert (scenario.version_from, scenario.version_to) == ("7.3.8", "7.3.8")


def test_the_valiantys_scenario_follows_the_blog() -> None:
    scenario = load("valiantys")
    assert scenario.cluster.mixed_when == "removed"
    assert scenario.cluster.node_upgrade_mode
    assert (scenario.cluster.nodes, scenario.version_from, scenario.version_to) == (2, "7.3.0", "7.3.2")
    assert [step.action_name for step in scenario.timeline] == [
        "observe",
        "start_upgrade",
        "roll",
        "finalise",
        "observe",
    ]
    assert "Atlassian" in scenario.story


def test_an_unknown_name_gets_the_nearest_one() -> None:
    with pytest.raises(UsageError, match="Did you mean 'valiantys'") as caught:
        find_scenario("valiantis")
    assert "Shipped scenarios" in caught.value.hint


def test_a_missing_file_gets_the_nearest_one_beside_it(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(GOOD)
    with pytest.raises(UsageError) as caught:
        find_scenario(str(tmp_path / "mien.yaml"))
    assert str(tmp_path / "mine.yaml") in caught.value.hint


def test_a_file_below_the_current_folder_is_shown_as_people_write_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.yaml").write_text("name: x\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ScenarioError) as caught:
        load_scenario(tmp_path / "mine.yaml")
    assert str(caught.value.mistakes[0]).startswith("mine.yaml:1:1: ")


# --- steps inside of steps, and when they begin

SIDE_BY_SIDE = (
    HEAD
    + """\
timeline:
  - start_upgrade: {on: first}
  - parallel:
      branches:
        - - {name: rolled, roll: {to: "7.3.2"}}
        - - {when: node1 is out, observe: {for: 1s}}
          - {after: rolled, observe: {for: 1s}}
  - repeat: {times: 2, steps: [{after: 1s, observe: {for: 1s}}]}
  - {at: 20s, finalise: {}}
"""
)


def test_a_roll_inside_of_another_step_counts_like_any_other() -> None:
    scenario = read(SIDE_BY_SIDE)

    assert (scenario.version_to, len(scenario.steps)) == ("7.3.2", 8)


@pytest.mark.parametrize(
    ("was", "now", "expected"),
    [
        ("node1 is out", "node9 is out", "f:11:20: there is no node 'node9'; it is node1 or node2"),
        ("node1 is out", "node1 is gone", "f:11:20: node1 is 'gone': there is no such state; known here: STARTING"),
        (
            "after: rolled",
            "after: roled",
            "f:12:21: expected a duration such as 2s, or the name of a step, not 'roled'",
        ),
        ("{after: rolled,", "{name: rolled,", "f:12:20: an earlier step is called 'rolled' already"),
        ('"7.3.2"}}', '"7.3.9"}}', "f:10:39: unknown version '7.3.9'; did you mean '7.3.8'?"),
        (
            "{after: rolled, observe: {for: 1s}}",
            "{start_upgrade: {}}",
            "f:11:11: branches 1 and 2 both lead the upgrade",
        ),
    ],
)
def test_what_is_wrong_inside_of_a_step_is_told_at_its_place(was: str, now: str, expected: str) -> None:
    message = mistakes_of(SIDE_BY_SIDE.replace(was, now))[0]

    assert message.startswith(expected)


def with_roll(policy: str) -> str:
    return GOOD.replace("nodes: all}", f"nodes: all, {policy}}}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (with_roll("batch: 0"), "f:9:44: expected at least 1, not 0"),
        (
            with_roll("order: reversed"),
            "f:9:44: expected listed, reverse or random, not 'reversed'; did you mean 'reverse'?",
        ),
        (with_roll("drain: deadline"), "f:9:5: drain: deadline and drain_deadline need each other"),
        (with_roll("canary_watch: 5s"), "f:9:5: canary_watch needs a canary: say how many nodes go first"),
        (
            with_roll("expect: refused, on_breach: pause"),
            "f:9:5: expect: refused wants a node that cannot start, on_breach: pause forbids it",
        ),
        (
            with_roll("canary: 2"),
            "f:9:45: the canary would be all of the 2 nodes of this roll: nobody is left to follow it",
        ),
        (with_roll("batch: 2"), "f:9:44: a batch of all 2 nodes would leave nobody to serve: say 1 at most"),
        (
            GOOD.replace("finalise: {on: first}", "finalise: {on: node5}").replace("nodes: 2", "nodes: 3"),
            "f:10:20: there is no node 'node5'; this cluster has node1 to node3, and first is node1",
        ),
        (
            with_roll("pause_deadline: 5s"),
            "f:9:5: pause_deadline is for on_breach: pause, not for on_breach: abort",
        ),
        (with_roll("finalise: never"), "f:10:5: the roll before says finalise: never"),
        (with_roll("finalise: auto"), "f:10:5: finalise needs a roll before it: no node has been upgraded yet"),
        (
            GOOD.replace("nodes: all}", "nodes: [node1], finalise: auto}").replace("  - finalise: {on: first}\n", ""),
            "f:9:51: finalise needs every node upgraded: node2 would still run 7.3.0",
        ),
    ],
)
def test_a_policy_that_contradicts_itself_or_the_story_is_a_mistake(text: str, expected: str) -> None:
    assert mistakes_of(text) == [expected]


def test_a_roll_may_finalise_by_itself_and_the_next_upgrade_starts_from_there() -> None:
    again = '  - start_upgrade: {}\n  - roll: {to: "7.3.3"}\n  - roll_back: {}\n'
    scenario = read(with_roll("finalise: auto").replace("  - finalise: {on: first}\n", again))
    assert (scenario.version_to, scenario.rolled_back_from) == ("7.3.2", "7.3.3")


def after(*steps: str) -> list[str]:
    """The mistakes of a timeline of such steps, without what each of them does."""
    written = "".join(f"  - {step.replace('()', 'observe: {for: 1s}')}\n" for step in steps)
    return mistakes_of(f"{HEAD}timeline:\n{written}")


@pytest.mark.parametrize(
    ("steps", "place", "waits_for"),
    [
        (["{name: a, after: b, ()}", "{name: b, ()}"], "7:22", "b"),
        (["{name: all, parallel: {branches: [[{()}], [{after: all, ()}]]}}"], "7:72", "all"),
        (["parallel: {branches: [[{name: a, after: b, ()}], [{name: b, after: a, ()}]]}"], "7:88", "a"),
        (["repeat: {times: 2, steps: [{after: later, ()}]}", "{name: later, ()}"], "7:40", "later"),
        (["parallel: {branches: [[{after: b, ()}, {name: a, ()}], [{after: a, ()}, {name: b, ()}]]}"], "7:101", "a"),
    ],
)
def test_a_step_that_would_wait_for_ever_is_a_mistake(steps: list[str], place: str, waits_for: str) -> None:
    wrong = f"f:{place}: this would wait for ever: {waits_for!r} cannot be over before this step has begun"
    assert after(*steps) == [wrong]


def test_a_step_may_wait_for_any_that_can_be_over_before() -> None:
    assert after("{name: a, ()}", "{after: a, ()}") == []
    assert after("parallel: {branches: [[{name: a, ()}, {after: c, ()}], [{after: a, ()}, {name: c, ()}]]}") == []
    assert (
        after("{name: all, repeat: {times: 2, steps: [{name: in, ()}, {after: in, ()}]}}", "{after: all, ()}") == []
    )


def test_what_goes_well_once_may_be_wrong_when_it_is_repeated() -> None:
    upgrade = '[{start_upgrade: {}}, {roll: {to: "7.3.2"}}, {finalise: {}}]'
    assert after("()", f"repeat: {{times: 1, steps: {upgrade}}}") == []
    (mistake,) = after("()", f"repeat: {{times: 3, steps: {upgrade}}}")
    assert mistake.startswith("f:8:65: when it is repeated, 7.3.2 is not newer than the cluster's 7.3.2; newer and")


def test_there_and_back_again_may_be_repeated() -> None:
    there_and_back = '[{start_upgrade: {}}, {roll: {to: "7.3.2"}}, {roll_back: {}}]'
    assert after("()", f"repeat: {{times: 3, steps: {there_and_back}}}") == []
