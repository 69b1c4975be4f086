"""The cases run on the event loop that the load balancer itself runs on: uvloop, where there is one."""

import asyncio
from collections.abc import Callable

import pytest

from zdu.process import EVENT_LOOP, new_event_loop


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {EVENT_LOOP: new_event_loop}
