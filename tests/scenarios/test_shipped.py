"""Every scenario that ships is played as it is, on both databases. Only the figures may be worse: they tell of the
machine, on which other tests run at the same time."""

from pathlib import Path

import pytest

from simulator.scenario import shipped_scenarios
from tests.support.zdu_runs import run_zdu, still_alive

BUSY = ("--set", "expect.min_probe_rate_kept=0.5")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.mark.parametrize("name", sorted(shipped_scenarios()))
def test_a_shipped_scenario_passes_on_sqlite(name: str, tmp_path: Path) -> None:
    run = run_zdu(tmp_path, *BUSY, scenario=name)
    assert run.exit_code == 0, run.stdout + run.stderr
    assert still_alive(run.pids) == []


@pytest.mark.parametrize("name", sorted(shipped_scenarios()))
def test_a_shipped_scenario_passes_on_postgresql(name: str, tmp_path: Path, postgres_url: str) -> None:
    run = run_zdu(tmp_path, *BUSY, "--db", postgres_url, scenario=name)
    assert run.exit_code == 0, run.stdout + run.stderr
    assert still_alive(run.pids) == []
