"""The files of living clusters: who is up, who is gone, and who may take a name."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from zdu import living
from zdu.errors import UsageError
from zdu.living import NoCluster, ProcessId


@pytest.fixture(autouse=True)
def state_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv(living.CHOOSES, raising=False)
    return tmp_path / "zdu"


@pytest.fixture
def somebody() -> Iterator[subprocess.Popen[bytes]]:
    """A process that runs until it is killed."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_a_process_is_not_mistaken_for_a_later_one_with_its_number(somebody: subprocess.Popen[bytes]) -> None:
    process = ProcessId.of(somebody.pid)
    assert process.alive
    assert not replace(process, began="another time").alive
    somebody.kill()
    os.waitid(os.P_PID, somebody.pid, os.WEXITED | os.WNOWAIT)
    assert not process.alive, "what is left of an ended process counts as ended"


def test_a_claimed_name_is_found_and_its_file_is_for_its_owner_only(state_home: Path) -> None:
    mine = living.claim("up", Path("/runs/up/1"))
    living.write(replace(mine, control_url="http://127.0.0.1:1", token="secret"))
    assert living.find().control_url == "http://127.0.0.1:1"
    assert stat.S_IMODE((state_home / "up.json").stat().st_mode) == 0o600
    assert "secret" not in repr(living.find())
    with pytest.raises(UsageError, match="is up already"):
        living.claim("up", Path("/runs/up/2"))


def test_a_file_left_behind_by_a_dead_simulator_is_taken_over(somebody: subprocess.Popen[bytes]) -> None:
    gone = replace(living.claim("up", Path("/runs/up/1")), simulator=ProcessId(os.getpid(), "long ago"))
    living.write(gone)
    with pytest.raises(NoCluster, match="no cluster is up"):
        living.find()
    living.write(living.with_process(gone, "node1", somebody.pid))
    with pytest.raises(UsageError, match="left processes behind: node1"):
        living.claim("up", Path("/runs/up/2"))
    living.write(gone)
    assert living.claim("up", Path("/runs/up/2")).up


def test_the_next_command_removes_what_a_cluster_without_any_process_has_left(
    state_home: Path, somebody: subprocess.Popen[bytes]
) -> None:
    gone = replace(living.claim("lab", Path("/runs/lab/1")), simulator=ProcessId(os.getpid(), "long ago"))
    living.write(living.with_process(gone, "node1", somebody.pid))
    living.claim(living.DEFAULT_NAME, Path("/runs/up/1"))
    assert living.is_to_be_named(living.DEFAULT_NAME), "its stray is still there"
    assert living.find().name == living.DEFAULT_NAME
    assert (state_home / "lab.json").exists()
    living.write(gone)
    assert not living.is_to_be_named(living.DEFAULT_NAME)
    assert living.find().name == living.DEFAULT_NAME
    assert not (state_home / "lab.json").exists()


def test_with_several_up_a_name_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        living.claim(name, Path("/runs"))
    with pytest.raises(UsageError, match="several clusters are up: a, b"):
        living.find()
    assert living.find("b").name == "b"
    monkeypatch.setenv(living.CHOOSES, "a")
    assert living.find().name == "a"
    with pytest.raises(NoCluster, match="no cluster called c is up"):
        living.find("c")


def test_only_ones_own_file_is_forgotten(state_home: Path) -> None:
    mine = living.claim("up", Path("/runs"))
    living.forget(replace(mine, simulator=ProcessId(1, "somebody else")))
    assert living.find() == mine
    living.forget(mine)
    assert list(state_home.glob("*.json")) == []


@pytest.mark.parametrize("name", ["", "Up", "../up", "-a", "a-", "x" * 41, "ü"])
def test_a_name_that_cannot_be_a_files_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name of a cluster"):
        living.claim(name, Path("/runs"))


@pytest.mark.parametrize("text", ["", "[]", "{}", json.dumps({"name": "x", "simulator": 3, "processes": {}})])
def test_a_file_that_is_not_ours_is_no_cluster(state_home: Path, text: str) -> None:
    living.claim("up", Path("/runs"))
    (state_home / "odd.json").write_text(text)
    assert [found.name for found in living.read_all()] == ["up"]


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with pytest.raises(UsageError, match="XDG_STATE_HOME"):
        living.claim("up", Path("/runs"))


def test_commands_name_a_cluster_that_has_a_name_of_its_own_or_is_not_alone(state_home: Path) -> None:
    living.claim(living.DEFAULT_NAME, state_home)
    assert not living.is_to_be_named(living.DEFAULT_NAME)
    living.claim("lab", state_home)
    assert living.is_to_be_named("lab")
    assert living.is_to_be_named(living.DEFAULT_NAME)
