"""Clusters, traffic and verdicts for your own tests: a plugin of pytest, there as soon as zdu is installed.

Every run of pytest imports this module, whether or not a test wants a cluster, so it imports next to nothing: the
rest comes with the first fixture. :mod:`docs/pytest.md` is the guide.
"""

import os
import shlex
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from zdu.pytest_plugin.cluster import Cluster, Traffic
    from zdu.pytest_plugin.leases import House, Leases
    from zdu.pytest_plugin.sync import SyncCluster
    from zdu.pytest_plugin.traffic import Measured
    from zdu.pytest_plugin.verdict import Verdict

MARKER = "zdu"
LARGEST_SEED = 2**31 - 1

_artifacts = pytest.StashKey[Path]()
_failed = pytest.StashKey[bool]()
_leases = pytest.StashKey["list[Leases]"]()
_lasting = pytest.StashKey["list[Leases]"]()
_measured = pytest.StashKey["list[Measured]"]()
LASTING = {"zdu_session_cluster", "zdu_clusters"}
"""The fixtures of clusters that outlive a test."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The plugin's options."""
    group = parser.getgroup("zdu", "clusters for rehearsing upgrades (zdu)")
    group.addoption("--zdu-seed", type=int, metavar="N", help="Make users choose as in an earlier run.")
    group.addoption("--zdu-keep", action="store_true", help="Keep the run folders of tests that passed, too.")
    group.addoption("--zdu-no-fork", action="store_true", help="Start each process with an interpreter of its own.")
    group.addoption("--zdu-artifacts", default="runs", metavar="DIR", help="Where run folders go (runs).")


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, and choose the seed once for all processes of the run."""
    config.addinivalue_line("markers", f"{MARKER}(nodes=, database=, lb=, …): the cluster of zdu that the test wants")
    config.stash[_artifacts] = Path(config.getoption("zdu_artifacts")).absolute()
    seed = config.getoption("zdu_seed")
    if seed is None:
        from zdu.clock import Entropy

        config.option.zdu_seed = Entropy().rng.randrange(LARGEST_SEED)
    elif not 0 <= seed <= LARGEST_SEED:
        raise pytest.UsageError(f"--zdu-seed is a number from 0 to {LARGEST_SEED}, not {seed}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tell a marker's mistake before anything is started."""
    marked = [(item, marker) for item in items if (marker := item.get_closest_marker(MARKER))]
    if not marked:
        return
    from zdu.errors import UsageError
    from zdu.pytest_plugin.wishes import read_wishes

    for item, marker in marked:
        try:
            read_wishes(marker.args, marker.kwargs)
        except UsageError as error:
            raise pytest.UsageError(f"{item.nodeid}: @pytest.mark.{MARKER}: {error}") from error


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to a failed test's report what became of its clusters, and how to run it again."""
    report = yield
    if report.failed:
        item.stash[_failed] = True
        if call.when != "teardown" and (told := _told_of(item)):
            report.sections.append(("zdu", "\n".join(told)))
    return report


def _told_of(item: pytest.Item) -> list[str]:
    told: list[str] = []
    looking = item.config.getoption("usepdb", False)  # what is up is to be looked at while it lives
    for lease in item.stash.get(_leases, []):
        told += [f"It is up  {c.dashboard_url}" for c in lease.clusters] if looking else lease.end_in_order()
    for measured in [] if looking else item.stash.get(_measured, []):
        told += measured.told()
    if LASTING & set(getattr(item, "fixturenames", ())):
        folders = [c.run_folder for lease in item.config.stash.get(_lasting, []) for c in lease.clusters]
        told += [f"Report   {folder / 'report.html'}   once its last test is over" for folder in folders]
    return [*told, f"Again    {_command_to_run_again(item)}"] if told or _leases in item.stash else []


def _command_to_run_again(item: pytest.Item) -> str:
    """As it has to be typed where pytest was started, which need not be the root of all node ids."""
    config = item.config
    inside = item.nodeid.partition("::")[2]
    file = os.path.relpath(item.path, config.invocation_params.dir)
    return shlex.join(["pytest", f"{file}::{inside}", "--zdu-seed", str(config.getoption("zdu_seed"))])


def _house(request: pytest.FixtureRequest, scratch: Path) -> "House":
    from zdu.pytest_plugin.leases import House

    config = request.config
    server: dict[str, str] = request.getfixturevalue("_zdu_fork_server")
    return House(config.stash[_artifacts], scratch, config.getoption("zdu_seed"), server)


@contextmanager
def _failing_plainly() -> Iterator[None]:
    """An error of ours that is somebody's mistake, or the machine's, fails the test with one message."""
    from zdu.errors import ZduError

    try:
        yield
    except ZduError as error:
        raise pytest.fail.Exception(f"zdu: {error}", pytrace=False) from None


def _started(leases: "Leases", positional: tuple[Any, ...], named: dict[str, Any]) -> "Cluster":
    """Start a cluster, or fail the test with one message."""
    from zdu.pytest_plugin.wishes import read_wishes

    with _failing_plainly():
        return leases.start(read_wishes(positional, named).on_the_server_of(os.environ))
    raise AssertionError("either it has started, or the test has failed")


def _finish(leases: "Leases", *, keep: bool) -> None:
    """End what is up; with its verdict and report if somebody may want to read them."""
    try:
        if keep:
            leases.end_in_order()
    finally:
        leases.kill()
    if not keep:
        leases.forget()


@pytest.fixture(scope="session")
def _zdu_fork_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """What the environment of our processes says of the fork server, which is there as long as the session."""
    from zdu.fork_server import AVAILABLE, VARIABLE, fork_server

    if not AVAILABLE or request.config.getoption("zdu_no_fork"):
        yield {VARIABLE: ""}
    elif VARIABLE in os.environ:
        yield {}
    else:
        with fork_server(tmp_path_factory.mktemp("zdu")) as path:
            yield {VARIABLE: path}


@pytest.fixture(scope="session")
def zdu_clusters(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, _zdu_fork_server: dict[str, str]
) -> "Callable[..., AbstractContextManager[Cluster]]":
    """A function for fixtures of your own, of any scope: a cluster as long as its ``with`` block lasts."""
    from zdu.pytest_plugin.leases import Leases, owner_of

    config, session = request.config, request.session

    @contextmanager
    def lasting(*positional: Any, **named: Any) -> "Iterator[Cluster]":
        worker: str = getattr(config, "workerinput", {}).get("workerid", "")  # of pytest-xdist
        owner = owner_of(["shared", worker])
        leases = Leases(_house(request, tmp_path_factory.mktemp("zdu")), owner)
        all_of_them = config.stash.setdefault(_lasting, [])
        all_of_them.append(leases)
        failed_before = session.testsfailed
        try:
            yield _started(leases, positional, named)
        finally:
            all_of_them.remove(leases)
            _finish(leases, keep=bool(config.getoption("zdu_keep")) or session.testsfailed > failed_before)

    return lasting


@pytest.fixture(scope="session")
def zdu_session_options() -> dict[str, Any]:
    """What ``zdu_session_cluster`` is like: define this fixture anew to return the marker's arguments as a dict."""
    return {}


@pytest.fixture(scope="session")
def zdu_session_cluster(
    zdu_session_options: dict[str, Any], zdu_clusters: "Callable[..., AbstractContextManager[Cluster]]"
) -> "Iterator[Cluster]":
    """One cluster for all tests of the session; each finds it as the one before has left it."""
    with zdu_clusters(**zdu_session_options) as cluster:
        yield cluster


@pytest.fixture
def zdu_cluster_factory(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> "Iterator[Callable[..., Cluster]]":
    """A function that starts clusters for this test; it takes the marker's arguments."""
    from zdu.pytest_plugin.leases import Leases, owner_of

    item: pytest.Item = request.node
    leases = Leases(_house(request, tmp_path_factory.mktemp("zdu")), owner_of([item.name]))
    item.stash.setdefault(_leases, []).append(leases)

    def start(*positional: Any, **named: Any) -> "Cluster":
        return _started(leases, positional, named)

    try:
        yield start
    finally:
        _finish(leases, keep=_is_kept(item))


def _is_kept(item: pytest.Item) -> bool:
    return bool(item.config.getoption("zdu_keep")) or item.stash.get(_failed, False)


@pytest.fixture
def zdu_cluster(zdu_cluster_factory: "Callable[..., Cluster]", request: pytest.FixtureRequest) -> "Cluster":
    """A cluster of this test's own, as its marker wants it: for asynchronous tests."""
    marker = request.node.get_closest_marker(MARKER)
    return zdu_cluster_factory(*marker.args, **marker.kwargs) if marker else zdu_cluster_factory()


@pytest.fixture
def zdu_cluster_sync(zdu_cluster: "Cluster") -> "SyncCluster":
    """The cluster of this test, without ``await``."""
    return zdu_cluster.sync


@pytest.fixture
def zdu_traffic(zdu_cluster: "Cluster") -> "Traffic":
    """The people at work on the cluster of this test."""
    from zdu.pytest_plugin.cluster import Traffic

    return Traffic(zdu_cluster)


@pytest.fixture
def zdu_verdict(zdu_cluster: "Cluster") -> "Verdict":
    """The verdict on the cluster of this test; asking it anything ends the load."""
    return zdu_cluster.verdict


@pytest.fixture
def zdu_traffic_at(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> "Iterator[Callable[..., AbstractContextManager[Measured]]]":
    """A function that sends traffic to any address as long as its block lasts: for your own load balancer."""
    from zdu.pytest_plugin.leases import owner_of
    from zdu.pytest_plugin.traffic import measure

    item: pytest.Item = request.node
    all_of_them = item.stash.setdefault(_measured, [])

    @contextmanager
    def send(url: str, **words: Any) -> "Iterator[Measured]":
        scratch = tmp_path_factory.mktemp("zdu")
        with _failing_plainly():
            all_of_them.append(measure(_house(request, scratch), owner_of([item.name]), scratch, url, **words))
        measured = all_of_them[-1]
        try:
            yield measured
        except Exception:
            with suppress(Exception):  # the test's own error is what counts
                measured.end()
            raise
        else:
            with _failing_plainly():
                measured.end()
        finally:
            measured.kill()

    yield send
    if not _is_kept(item):
        for measured in all_of_them:
            measured.forget()
