import pytest
from click.testing import CliRunner

from zdu.cli import COMMANDS
from zdu.completion import SHELLS, completion
from zdu.errors import UsageError
from zdu.manual import pages


def test_the_manual_of_all_names_every_command_and_what_it_is_for() -> None:
    text = "\n".join(pages([]))

    assert all(name in text and says in " ".join(text.split()) for name, (_, says) in COMMANDS.items())


def test_the_manual_of_a_group_has_all_of_its_commands_in_full() -> None:
    text = "\n".join(pages(["lb"]))

    assert "ZDU LB STATE" in text
    assert "zdu lb state [OPTIONS]" in text


def test_a_command_that_there_is_not_is_told_with_those_that_there_are() -> None:
    with pytest.raises(UsageError) as raised:
        list(pages(["lb", "sate"]))

    assert raised.value.message == "zdu lb has no command 'sate'"
    assert "state" in raised.value.hint


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_gets_lines_that_ask_zdu(shell: str) -> None:
    done = CliRunner().invoke(completion, [shell])

    assert done.exit_code == 0
    assert f"_ZDU_COMPLETE={shell}_complete" in done.output
