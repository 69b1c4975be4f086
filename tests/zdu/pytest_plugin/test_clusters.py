"""The plugin with real clusters, as somebody's own tests use it; the documented example is one of them.

One run has all that needs a cluster of ours, on two processes of pytest-xdist.
"""

import re
import shutil
from pathlib import Path

import pytest

from simulator.balancers.programs import find_program

pytest_plugins = "pytester"

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
PLUGIN = ("-p", "zdu.pytest_plugin", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto")
SIDE_BY_SIDE = ("-n", "2", "--dist", "loadfile")
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
SHARED = """
import pytest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Semaphore, Thread

@pytest.fixture(scope="session")
def zdu_session_options():
    return {"nodes": 1, "users": 2}

def test_a_cluster_is_shared(zdu_session_cluster):
    zdu_session_cluster.sync.set_users(3)

@pytest.mark.asyncio(loop_scope="module")
async def test_by_tests_with_loops_of_their_own(zdu_session_cluster):
    assert (await zdu_session_cluster.state()).users == 3

@pytest.fixture
def ours():
    asked = Semaphore(0)

    class Hello(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            asked.release()
            self.send_response(200)
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Hello) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", asked
        server.shutdown()

def test_a_system_of_ones_own_is_measured(ours, zdu_traffic_at):
    url, asked = ours
    with zdu_traffic_at(url, users=1, rate=50, timeout="30s", expect_text="hello") as measured:
        assert all(asked.acquire(timeout=60) for _ in range(150))
    probes = measured.verdict.result["probes"]
    assert [(probes[kind]["failed"], probes[kind]["sent"] > 20) for kind in ("new", "reused")] == [(0, True)] * 2
"""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(500)]


@pytest.mark.interpreters  # our own fork server is not there, so the plugin starts those of its user
def test_the_example_passes_and_a_failed_test_tells_its_report_and_how_to_run_it_again(
    pytester: pytest.Pytester,
) -> None:
    pytester.makeconftest(BUSY)
    shutil.copy(EXAMPLES / "failover" / "test_failover.py", pytester.path)
    pytester.makepyfile(test_failing=FAILING, test_shared=SHARED)

    result = pytester.runpytest_subprocess(*PLUGIN, *STRICT, *SIDE_BY_SIDE)

    result.assert_outcomes(passed=5, failed=1)
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
