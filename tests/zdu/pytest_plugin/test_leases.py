"""When a cluster counts as ready for a test."""

import pytest

from zdu.pytest_plugin.leases import everybody_works
from zdu.pytest_plugin.state import State


@pytest.mark.parametrize(
    ("users", "answered", "ready"),
    [(6, {}, False), (6, {"7.3.0": 17}, False), (6, {"7.3.0": 12, "7.3.2": 6}, True), (0, {}, True)],
)
def test_it_is_ready_once_its_users_were_answered_whatever_the_probes_have_sent(
    users: int, answered: dict[str, int], *, ready: bool
) -> None:
    state = State("STABLE", users, requests=1000, answered=answered, nodes={}, words={})
    assert everybody_works(state) is ready
