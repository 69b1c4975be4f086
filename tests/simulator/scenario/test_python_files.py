"""A scenario in Python makes the same model as one in YAML, and its mistakes are told with their lines."""

from pathlib import Path

import pytest

from simulator.scenario import ScenarioError, load, shipped_scenarios

BEGIN = """from zdu.scenario import keys, scenario, step

SCENARIO = scenario(
    name="mine",
    title="Mine",
    cluster=keys(nodes=2, version="7.3.0", node_upgrade_mode=True),
"""
GOOD = (
    BEGIN
    + """    timeline=[
        step("Look", observe=keys(for_="2s")),
        step(start_upgrade=keys()),
        *(step(roll=keys(to="7.3.2", nodes=[f"node{n}"])) for n in (1, 2)),
        step(finalise=keys()),
    ],
    expect=["no request failed"],
    twin=keys(title="Nobody drains", set={"balancer.drain": False}),
)
"""
)


def written(folder: Path, text: str) -> str:
    file = folder / "mine.py"
    file.write_text(text, encoding="utf-8")
    return str(file)


def mistakes(folder: Path, text: str) -> list[str]:
    path = written(folder, text)
    with pytest.raises(ScenarioError) as raised:
        load(path)
    return [str(mistake).removeprefix(f"{folder}/") for mistake in raised.value.mistakes]


def test_it_is_the_model_that_yaml_makes_and_takes_the_same_options(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    one = load(path, ["load.users=5"], ["p95 < 1s"])
    assert [step.action_name for step in one.timeline] == ["observe", "start_upgrade", "roll", "roll", "finalise"]
    assert one.timeline[0].title == "Look"
    assert one.load.users == 5
    assert one.expect.objectives == ("no request failed", "p95 < 1s")
    twin = load(path, twin=True)
    assert (twin.name, twin.balancer.drain) == ("mine-twin", False)


def test_the_one_that_ships_is_found_by_its_name() -> None:
    assert shipped_scenarios()["growing-waves"].suffix == ".py"
    sizes = [len(step.roll.nodes) for step in load("growing-waves").timeline if step.roll]
    assert sizes == [1, 1, 2]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (GOOD.replace("for_", "fro"), "mine.py:8:1: unknown key 'fro'; did you mean 'for'?"),
        (GOOD.replace("7.3.2", "7.3.9"), "mine.py:10:1: unknown version '7.3.9'; did you mean '7.3.8'?"),
        (
            GOOD.replace("no request failed", "no request faild"),
            "mine.py:3:1: 'request faild' is not known after 'no'; did you mean",
        ),
        (GOOD.replace('"2s"', "object"), "mine.py:8:1: expected text, a number, a truth value, a list or keys"),
        ("x = = 1", "mine.py:1:5: this is not Python: invalid syntax"),
        ("import nowhere_to_be_found", "mine.py:1:1: ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
        ("def f():\n    1 / 0\n\nf()", "mine.py:2:1: ZeroDivisionError: division by zero"),
        ("raise SystemExit(0)", "mine.py:1:1: SystemExit: 0"),
        ("story = 1", "mine.py:1:1: nothing is called SCENARIO"),
        ("SCENARIO = 1", "mine.py:1:1: SCENARIO is no scenario"),
        ("", "mine.py:1:1: nothing is called SCENARIO"),
    ],
)
def test_bad_python_is_one_clear_message(text: str, expected: str, tmp_path: Path) -> None:
    told = mistakes(tmp_path, text)
    assert any(one.startswith(expected) for one in told), told


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="there is no file"):
        load(str(tmp_path / "mine.py"))
