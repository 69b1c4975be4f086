"""The tour and the lessons as a person starts them."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.lessons.catalogue import find_lesson
from simulator.lessons.exercise import exercise_text
from tests.support.zdu_runs import read_events, still_alive

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
PATIENCE_S = 180


def start(folder: Path, *words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "zdu", *words],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


def test_ctrl_c_ends_the_tour_in_the_middle_of_a_step_and_leaves_nothing_behind(tmp_path: Path) -> None:
    tour = start(tmp_path, "demo", "--auto", "3000", "--no-browser")
    assert tour.stdout is not None
    told = []
    for line in tour.stdout:
        told.append(line)
        if "by itself in 3000 s" in line:
            break

    tour.send_signal(signal.SIGINT)
    rest, errors = tour.communicate(timeout=PATIENCE_S)

    assert tour.returncode == 130, rest + errors
    assert "Look at the dots" in " ".join("".join(told).split())
    assert "nothing of it runs any more" in rest
    assert "Traceback" not in errors
    pids = [
        event["pid"]
        for event in read_events(tmp_path / "runs/valiantys/latest")
        if event["kind"] == "process_started"
    ]
    assert pids
    assert still_alive(pids) == []


def test_an_answer_is_played_and_solved_only_if_its_run_is_a_pass(tmp_path: Path) -> None:
    text = exercise_text(find_lesson(5))
    (tmp_path / "lesson-5.yaml").write_text(text.replace("sessions: in-memory", "sessions: shared"))

    told, errors = (check := start(tmp_path, "lesson", "5", "--check", "--plain")).communicate(timeout=PATIENCE_S)

    word = json.loads((tmp_path / "runs/lesson-5/latest/result.json").read_text())["verdict"]
    assert word in {"pass", "inconclusive"}, told + errors  # the machine may be too busy for a proof
    assert check.returncode == (0 if word == "pass" else 1)
    assert ("NOT SOLVED" not in told) == (word == "pass")
    assert "SOLVED" in told
