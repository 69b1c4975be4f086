"""``zdu scenario`` as a person at the keyboard sees it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from simulator.scenario import load
from simulator.scenario_cli import scenario
from zdu.errors import UsageError


def run(*arguments: str) -> Result:
    return CliRunner().invoke(scenario, arguments)


def test_list_names_each_scenario_and_its_twin() -> None:
    result = run("list")
    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.output.splitlines()]
    assert "valiantys The Valiantys test" in lines
    assert "--twin: The operator forgets to drain, and users notice (fail, as it is meant to)" in lines


def test_list_speaks_json() -> None:
    names = [entry["name"] for entry in json.loads(run("list", "--json").output)]
    assert "valiantys" in names


def test_what_show_prints_is_itself_a_scenario(tmp_path: Path) -> None:
    copy = tmp_path / "copy.yaml"
    copy.write_text(run("show", "valiantys").output, encoding="utf-8")
    assert run("check", str(copy)).output == f"{copy}: ok\n"


def test_show_of_an_unknown_name_is_a_usage_error() -> None:
    assert isinstance(run("show", "valiantis").exception, UsageError)


def test_check_tells_the_mistakes_of_all_files_and_exits_64(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("name: x\ntitel: y\n")
    result = run("check", "valiantys", str(bad), str(tmp_path / "none.yaml"))
    assert result.exit_code == 64
    lines = result.output.splitlines()
    assert lines[0] == "valiantys: ok"
    assert f"{bad}:2:1: unknown key 'titel'; did you mean 'title'?" in lines
    assert any(line.endswith("there is no file " + str(tmp_path / "none.yaml")) for line in lines)


def test_check_speaks_json(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("")
    result = run("check", "--json", str(bad))
    assert result.exit_code == 64
    (verdict,) = json.loads(result.output)
    assert verdict["ok"] is False
    assert verdict["mistakes"] == [{"place": f"{bad}:1:1", "message": "the file is empty"}]


def test_check_takes_overrides() -> None:
    assert run("check", "valiantys", "--set", "load.users=5").exit_code == 0
    assert run("check", "valiantys", "--set", "load.user=5").exit_code == 64


@pytest.mark.parametrize("action", ["observe", "start_upgrade", "roll", "finalise"])
def test_schema_is_json_that_knows_every_action(action: str) -> None:
    schema = json.loads(run("schema").output)
    assert {"required": [action]} in schema["$defs"]["Step"]["oneOf"]
    assert action in schema["$defs"]["Step"]["properties"]


def test_a_new_scenario_is_one_that_can_be_played_and_never_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = CliRunner().invoke(scenario, ["new", "mine"])
    assert made.output == "mine.yaml is written. Play it: zdu run mine.yaml\n"
    assert load("mine.yaml").name == "mine"

    again = CliRunner().invoke(scenario, ["new", "mine.yaml"])

    assert isinstance(again.exception, UsageError)
    assert "is there already" in str(again.exception)


def test_a_new_scenario_needs_a_name_that_a_scenario_can_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert isinstance(CliRunner().invoke(scenario, ["new", "../My scenario"]).exception, UsageError)
    assert list(tmp_path.iterdir()) == []
