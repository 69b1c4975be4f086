"""The instruments of a run find what is planted, and nothing else: the quick part of ``zdu calibrate``."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


def test_every_planted_fault_is_found_and_named_and_clean_runs_show_none(tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-m", "zdu", "calibrate", "--fast", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200, cwd=tmp_path)
    told = json.loads(done.stdout)
    assert [row["planted"] for row in told["rows"] if row["found"] != row["runs"]] == [], done.stdout
    assert (done.returncode, told["ok"], len(told["rows"])) == (0, True, 8)


def test_a_page_without_the_marks_is_told_before_anything_is_started(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("no marks")
    command = [sys.executable, "-P", "-m", "zdu", "calibrate", "--write", str(page)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, "does not have <!-- calibration: begin -->" in done.stderr) == (64, True)
