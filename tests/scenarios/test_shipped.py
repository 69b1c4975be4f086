"""Every scenario that ships is played, and its twin as well, and each ends as its file says.

There are fewer users than at night (``tests/support/fast_profile.py``), and the figures may be worse: they tell of
the machine, on which other tests run at the same time.
"""

from pathlib import Path

import pytest

from simulator.scenario import load, shipped_scenarios
from tests.support.fast_profile import fast
from tests.support.zdu_runs import Finished, run_zdu, still_alive

BREAKS_OLD_NODES = "bad-release-breaks-old-nodes"
NO_DRAIN = "no-drain"
TOLD_MORE_OF = {BREAKS_OLD_NODES, NO_DRAIN}
"""Those have a test of their own, which looks at the words as well."""
EXIT_CODES = {"pass": 0, "fail": 1, "inconclusive": 2}
ON_POSTGRESQL = ("cancel-and-roll-back",)
"""A way back; a plain upgrade is in ``tests/integration/test_run.py``, and what releases do wrong is tried on both
databases in one process, in ``tests/node/test_bad_releases.py``."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


def play(name: str, folder: Path, *arguments: str, twin: bool = False) -> Finished:
    scenario = load(name, twin=twin)
    chosen = ("--twin",) if twin else ()
    run = run_zdu(folder, *fast(scenario), *chosen, *arguments, scenario=name, called=scenario.name)
    assert run.exit_code == EXIT_CODES[scenario.ends.verdict], run.stdout + run.stderr
    assert still_alive(run.pids) == []
    wrong = {check["name"] for check in run.result["checks"] if not check["ok"]}
    assert set(scenario.ends.because) <= wrong, run.stdout
    return run


@pytest.mark.parametrize("name", sorted(shipped_scenarios().keys() - TOLD_MORE_OF))
def test_a_shipped_scenario_ends_as_it_says(name: str, tmp_path: Path) -> None:
    play(name, tmp_path)


def failing_twins() -> list[str]:
    """Those that pass are an ordinary roll: `make scenarios` plays them, at night."""
    twins = {name: one.twin for name in sorted(shipped_scenarios()) if (one := load(name)).twin}
    return [name for name, twin in twins.items() if twin and twin.ends.verdict != "pass"]


@pytest.mark.parametrize("name", failing_twins())
def test_a_twin_differs_in_one_thing_and_fails_for_the_reason_it_gives(name: str, tmp_path: Path) -> None:
    play(name, tmp_path, twin=True)


@pytest.mark.parametrize("name", ON_POSTGRESQL)
def test_a_shipped_scenario_ends_as_it_says_on_postgresql(name: str, tmp_path: Path, postgres_url: str) -> None:
    play(name, tmp_path, "--db", postgres_url)


def test_the_verdict_of_a_release_that_renames_a_column_names_statement_and_versions(tmp_path: Path) -> None:
    result = play(BREAKS_OLD_NODES, tmp_path).result

    for sentence in (result["sentence"], *result["reasons"]):
        if "could not run" in sentence:
            assert "7.3.0 on node2 could not run" in sentence
            assert "jiraissue" in sentence
            assert "updated" in sentence
            assert "after node1 started with 7.3.2+bad-rename" in sentence
    broken = {check["name"] for check in result["checks"] if not check["ok"]}
    assert broken == {"no request failed", "every version could work on the shared schema"}
    assert "could not run" in result["sentence"]


def test_without_drain_requests_are_lost_and_told_with_time_and_cause(tmp_path: Path) -> None:
    run = play(NO_DRAIN, tmp_path)

    assert run.result["requests"]["failed"] > 0
    assert "after node1 was told to stop" in " ".join(run.result["failures"])
    assert "Users noticed" in run.stdout
