"""The end of a living cluster that somebody is in a hurry with."""

import os
from pathlib import Path

import pytest

from simulator.cluster import DatabaseTarget
from simulator.record.recorder import Recorder
from simulator.record.run_folder import RunFolder
from simulator.scenario import load
from simulator.stage import RunPlan
from simulator.up.session import Session
from simulator.view.silent import SilentView
from zdu import living as files
from zdu.clock import SystemClock


class Gone(BaseException):
    """The process has ended, if it were not a test's."""


def end(_code: int) -> None:
    raise Gone


async def test_a_second_ctrl_c_ends_it_at_once_and_leaves_no_file_of_a_cluster_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(os, "_exit", end)
    plan = RunPlan(load("valiantys"), 1, RunFolder(tmp_path), DatabaseTarget("sqlite+aiosqlite:///x"), "zdu up")
    mine = files.claim(files.DEFAULT_NAME, tmp_path)
    recorder = Recorder(tmp_path, SystemClock())
    session = Session(plan, recorder, SilentView(), mine=mine, token="", on_ready=lambda *_: None)

    session.signalled("SIGINT")
    assert files.read_all() == [mine]
    with pytest.raises(Gone):
        session.signalled("SIGINT")

    recorder.close()
    assert files.read_all() == []
