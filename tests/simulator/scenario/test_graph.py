from click.testing import CliRunner

from simulator.scenario import load
from simulator.scenario.graph import as_dot, as_mermaid, as_tree
from simulator.scenario.model import Scenario
from simulator.scenario_cli import scenario

STORY = Scenario.model_validate(
    {
        "name": "x",
        "title": "Side by side",
        "cluster": {"version": "7.3.0"},
        "timeline": [
            {"title": 'Say "go"', "observe": {"for": "1s"}},
            {"start_upgrade": {}},
            {
                "parallel": {
                    "branches": [
                        [{"roll": {"to": "7.3.2", "nodes": ["node1", "node2"]}}],
                        [
                            {"when": "node1 is out", "observe": {"for": "2s"}},
                            {"after": "1s", "observe": {"for": "3s"}},
                        ],
                    ]
                }
            },
            {"repeat": {"times": 2, "steps": [{"observe": {"for": "4s"}}]}},
        ],
    }
)


def test_a_story_is_a_tree_with_a_line_for_each_step() -> None:
    assert as_tree(STORY).splitlines() == [
        "x: Side by side",
        '├─ observe for=1s - Say "go"',
        "├─ start_upgrade",
        "├─ parallel",
        "│  branch 1",
        "│  └─ roll to=7.3.2 nodes=node1,node2",
        "│  branch 2",
        "│  ├─ when node1 is out, observe for=2s",
        "│  └─ after 1s, observe for=3s",
        "└─ repeat times=2",
        "   └─ observe for=4s",
    ]


def test_in_a_drawing_branches_begin_at_one_step_and_end_before_the_next() -> None:
    lines = as_mermaid(STORY).splitlines()

    assert lines[0] == "flowchart TD"
    assert '    s0["observe for=1s - Say #quot;go#quot;"]' in lines
    assert [line.strip() for line in lines if "-->" in line] == [
        "s0 --> s1",
        "s1 --> s2",
        "s2 --> s3",
        "s2 --> s4",
        "s4 --> s5",
        "s3 --> s6",
        "s5 --> s6",
        "s6 --> s7",
    ]
    assert 's0 [label="observe for=1s - Say \\"go\\""];' in as_dot(STORY)


def test_every_form_is_printed() -> None:
    for form, begin in (("tree", "valiantys: "), ("mermaid", "flowchart"), ("dot", "digraph")):
        done = CliRunner().invoke(scenario, ["graph", "valiantys", "--format", form])
        assert (done.exit_code, done.output.startswith(begin)) == (0, True), done.output


def test_what_has_parts_is_written_as_in_a_file() -> None:
    assert "load mix={create_issue: 4, edit_issue: 4, comment_issue: 4, transition_issue: 4}" in as_tree(
        load("three-nodes")
    )
    assert "canary_expect=[rate of errors < 2%]" in as_tree(load("canary-turns-back"))
