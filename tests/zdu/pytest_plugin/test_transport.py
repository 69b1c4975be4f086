import pytest

from tests.support.waiting import turns
from zdu.pytest_plugin.transport import CommandFailed, drive, understood


def test_a_coroutine_that_waits_for_nothing_is_driven_to_its_result() -> None:
    async def answer() -> int:
        return 42

    assert drive(answer()) == 42


def test_an_error_of_a_driven_coroutine_is_raised_as_it_is() -> None:
    async def fail() -> None:
        raise CommandFailed("no")

    with pytest.raises(CommandFailed, match="no"):
        drive(fail())


def test_a_coroutine_that_needs_an_event_loop_is_refused() -> None:
    async def wait() -> None:
        await turns()

    with pytest.raises(TypeError, match="synchronous interface"):
        drive(wait())


def test_a_problem_of_the_control_port_is_an_error_with_its_hint() -> None:
    with pytest.raises(CommandFailed, match="node9") as caught:
        understood(b'{"error": "there is no node9", "hint": "There are two."}')

    assert caught.value.hint == "There are two."
    assert understood(b'{"held": null}') == {"held": None}
