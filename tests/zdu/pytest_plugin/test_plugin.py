"""The plugin without a cluster: what every run of pytest on a machine with zdu goes through."""

import subprocess
import sys

import pytest

pytest_plugins = "pytester"

# In the process of these tests the plugin has been imported before pytest could have a look at its assertions.
WARNINGS = ("-W", "error", "-W", "ignore::pytest.PytestAssertRewriteWarning")
PLUGIN = ("-p", "zdu.pytest_plugin", "-p", "no:asyncio", "-p", "no:cacheprovider", *WARNINGS)
HEAVY = ("aiohttp", "sqlalchemy", "pydantic", "click", "asyncio", "simulator", "node", "lb", "subprocess", "urllib")


def test_importing_it_imports_nothing_heavy() -> None:
    """pytest itself imports some of these names, so only what comes with the plugin counts."""
    program = (
        "import sys, pytest; before = set(sys.modules); import zdu.pytest_plugin;"
        f"print([name for name in {HEAVY} if name in set(sys.modules) - before])"
    )
    done = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_run_of_somebody_elses_tests_imports_nothing_heavy(pytester: pytest.Pytester) -> None:
    heavy = f"[name for name in {HEAVY[:-2]} if name in sys.modules]"
    pytester.makeconftest(f"import sys\ndef pytest_sessionfinish(): print('HEAVY', {heavy})")
    pytester.makepyfile("def test_nothing(): pass")
    # What other plugins import is not ours.
    program = "import os, sys, pytest; os.environ['PYTEST_DISABLE_PLUGIN_AUTOLOAD'] = '1'; sys.exit(pytest.main())"

    done = pytester.run(sys.executable, "-P", "-c", f"sys = __import__('sys'); sys.argv += {PLUGIN[:2]}; {program}")

    assert "HEAVY []" in done.stdout.str()
    done.assert_outcomes(passed=1)


def test_a_run_without_clusters_is_not_touched(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_nothing(): pass")

    result = pytester.runpytest_inprocess(*PLUGIN, "--strict-markers")

    result.assert_outcomes(passed=1)
    assert not (pytester.path / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [("node=3", "*did you mean nodes?*"), ("'sqlite'", "*have names*"), ("nodes='x'", "*whole*")],
)
def test_a_markers_mistake_is_one_message_before_any_test(
    pytester: pytest.Pytester, arguments: str, told: str
) -> None:
    pytester.makepyfile(
        f"import pytest\n@pytest.mark.zdu({arguments})\ndef test_it(zdu_cluster): pass\ndef test_other(): pass"
    )

    result = pytester.runpytest_inprocess(*PLUGIN)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *test_it: @pytest.mark.zdu: *"])
    assert told.strip("*") in result.stderr.str()


def test_a_seed_that_is_none_is_a_usage_error(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess(*PLUGIN, "--zdu-seed=-1")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--zdu-seed is a number from 0*"])


def test_options_and_fixtures_are_listed_with_their_help(pytester: pytest.Pytester) -> None:
    pytester.runpytest_inprocess(*PLUGIN, "--help").stdout.fnmatch_lines(["*--zdu-seed=N*", "*--zdu-artifacts=DIR*"])
    listed = pytester.runpytest_inprocess(*PLUGIN, "--fixtures").stdout.str()
    for name in ("cluster", "cluster_sync", "session_cluster", "cluster_factory", "traffic", "verdict", "traffic_at"):
        assert f"\nzdu_{name} " in listed or f"\nzdu_{name}\n" in listed
