"""Fixtures for all folders of tests."""

import asyncio
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.databases import a_postgres_url, database, database_target

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


def _state_home(factory: pytest.TempPathFactory) -> Path:
    home = factory.getbasetemp() / "state"
    home.mkdir(exist_ok=True)
    return home
