"""Fixtures for all folders of tests."""

import asyncio
import signal

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
