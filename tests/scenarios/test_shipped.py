"""Every scenario that ships is played as it is, and ends as its story says.

Only the figures may be worse: they tell of the machine, on which other tests run at the same time.
"""

from pathlib import Path

import pytest

from simulator.scenario import shipped_scenarios
from tests.support.zdu_runs import Finished, run_zdu, still_alive

BUSY = ("--set", "expect.min_probe_rate_kept=0.5", "--set", "expect.longest_outage=3s")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

MEANT_TO_FAIL = {"bad-rename"}
PLAYED_ONCE = {"bad-rename", "failing-task"}
"""What their releases do wrong is tried on both databases in one process, in ``tests/node/test_bad_releases.py``."""


def play(name: str, folder: Path, *arguments: str) -> Finished:
    run = run_zdu(folder, *BUSY, *arguments, scenario=name)
    assert run.exit_code == (1 if name in MEANT_TO_FAIL else 0), run.stdout + run.stderr
    assert still_alive(run.pids) == []
    return run


@pytest.mark.parametrize("name", sorted(shipped_scenarios().keys() - MEANT_TO_FAIL))
def test_a_shipped_scenario_passes_on_sqlite(name: str, tmp_path: Path) -> None:
    play(name, tmp_path)


@pytest.mark.parametrize("name", sorted(shipped_scenarios().keys() - PLAYED_ONCE))
def test_a_shipped_scenario_passes_on_postgresql(name: str, tmp_path: Path, postgres_url: str) -> None:
    play(name, tmp_path, "--db", postgres_url)


def test_an_upgrade_that_renames_a_column_fails_and_the_verdict_names_statement_and_versions(tmp_path: Path) -> None:
    result = play("bad-rename", tmp_path).result

    assert result["verdict"] == "fail"
    for sentence in (result["sentence"], *result["reasons"]):
        if "could not run" in sentence:
            assert "7.3.0 on node2 could not run" in sentence
            assert "jiraissue" in sentence
            assert "updated" in sentence
            assert "after node1 started with 7.3.2+bad-rename" in sentence
    broken = {check["name"] for check in result["checks"] if not check["ok"]}
    assert broken == {"no request failed", "every version could work on the shared schema"}
    assert "could not run" in result["sentence"]
