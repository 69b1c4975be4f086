"""The plugin with real clusters, as somebody's own tests use it; the documented example is one of them."""

import re
import shutil
from pathlib import Path

import pytest

from simulator.balancers.programs import find_program

pytest_plugins = "pytester"

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
PLUGIN = ("-p", "zdu.pytest_plugin", "-p", "no:cacheprovider", "-p", "no:xdist", "-o", "asyncio_mode=auto")
STRICT = ("-W", "error", "-o", "asyncio_default_fixture_loop_scope=function")
BUSY = """
import asyncio
import pytest

def pytest_configure(config):
    asyncio.set_event_loop(None)  # pytest-asyncio would leave open the one that it finds

@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    # A machine that does other things as well says nothing of the cluster.
    busy = {"expect.min_probe_rate_kept": 0.2, "expect.min_requests_per_version_while_mixed": 1}
    busy |= {"load.request_timeout": "30s", "balancer.timeout": "10s"}
    for item in items:
        for marker in item.iter_markers("zdu"):
            marker.kwargs["settings"] = {**busy, **marker.kwargs.get("settings", {})}
"""
FAILING = """
import pytest

@pytest.mark.zdu(users=3)
async def test_that_fails(zdu_cluster, zdu_traffic, zdu_verdict):
    await zdu_cluster.node("node2").pause()
    state = await zdu_cluster.wait_until(lambda now: now.nodes["node2"].state == "paused")
    await zdu_cluster.node("node2").resume()
    async with zdu_cluster.fault("net.latency", node="node1", latency="10ms"):
        await zdu_traffic.set_users(4)
    assert (await zdu_traffic.figures())["requests"] > 0
    await zdu_cluster.wait_until(lambda now: now.users == 99, within=0.1, what="that there are 99 users")
"""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(500)]


def test_the_example_passes_and_a_failed_test_tells_its_report_and_how_to_run_it_again(
    pytester: pytest.Pytester,
) -> None:
    pytester.makeconftest(BUSY)
    shutil.copy(EXAMPLES / "failover" / "test_failover.py", pytester.path)
    pytester.makepyfile(test_failing=FAILING)

    result = pytester.runpytest_subprocess(
        *PLUGIN, "-W", "error", "-o", "asyncio_default_fixture_loop_scope=function"
    )

    result.assert_outcomes(passed=2, failed=1)
    text = result.stdout.str()
    assert "that there are 99 users did not come true within 0.1 s; the cluster is STABLE" in text
    report = re.search(r"^Report   (.*/report\.html)$", text, re.MULTILINE)
    assert report is not None
    assert Path(report[1]).is_file()
    assert re.search(r"^Again    pytest test_failing\.py::test_that_fails --zdu-seed \d+$", text, re.MULTILINE)
    kept = {path.name for path in (pytester.path / "runs").iterdir()}
    assert kept == {"test-that-fails"}, "the run folders of tests that passed are gone"


@pytest.mark.skipif(find_program("apache2") is None, reason="Apache httpd is not installed")
def test_the_example_of_an_application_of_ones_own_behind_apache_passes(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(BUSY)
    for file in (EXAMPLES / "own_application").glob("*.py"):
        shutil.copy(file, pytester.path)

    result = pytester.runpytest_subprocess(*PLUGIN, *STRICT, "--zdu-keep")

    result.assert_outcomes(passed=1)
    (report,) = pytester.path.glob("runs/*/latest/report.html")
    assert "Apache" in report.read_text(encoding="utf-8")
