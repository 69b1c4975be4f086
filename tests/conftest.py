"""Fixtures for all folders of tests."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.databases import a_postgres_url, database, database_target
from zdu.fork_server import AVAILABLE, VARIABLE, fork_server

__all__ = ["a_postgres_url", "database", "database_target"]

# How long an example takes says nothing on a machine that does something else as well.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def pytest_configure(config: pytest.Config) -> None:
    # pytest-asyncio asks for a current loop to restore later; Python then makes one that nobody closes, and the
    # first asynchronous test after an ordinary one would be blamed for it.
    asyncio.set_event_loop(None)
    # A shell starts what it puts into the background with Ctrl-C ignored, and so would be all processes of the tests.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def no_cluster_of_this_machine_is_seen(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whoever runs the tests may have a cluster up (``zdu up``); no test is to find it, or to touch it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(_state_home(tmp_path_factory)))
    monkeypatch.delenv("ZDU_CLUSTER", raising=False)


@pytest.fixture(scope="session")
def a_fork_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The socket of a fork server that lives as long as the session; empty where there can be none."""
    if not AVAILABLE:
        yield ""
        return
    with fork_server(tmp_path_factory.mktemp("fork-server")) as path:
        yield path


@pytest.fixture(scope="session", autouse=True)
def processes_are_forked(request: pytest.FixtureRequest) -> Iterator[None]:
    """Clusters' processes are forked, not started: the libraries' imports were most of what the tests waited for."""
    if not any(item.get_closest_marker("slow") for item in request.session.items):
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, request.getfixturevalue("a_fork_server"))
        yield


@pytest.fixture(autouse=True)
def unless_they_are_not(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some tests are about the very way in which people's processes start."""
    if VARIABLE in os.environ and request.node.get_closest_marker("interpreters"):
        monkeypatch.delenv(VARIABLE)


def _state_home(factory: pytest.TempPathFactory) -> Path:
    home = factory.getbasetemp() / "state"
    home.mkdir(exist_ok=True)
    return home
