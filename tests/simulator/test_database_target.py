"""Which database a run uses, and what of its URL may be shown."""

from pathlib import Path

import pytest
from sqlalchemy import make_url

from simulator.database_target import choose_database, in_a_command, told_of_the_password, without_password
from simulator.record.run_folder import RunFolder


@pytest.mark.parametrize("name", ["plain", "run#1", "50%25 of it", "what?"])
def test_the_sqlite_file_is_in_the_run_folder_whatever_that_is_called(tmp_path: Path, name: str) -> None:
    folder = RunFolder(tmp_path / name)
    assert make_url(choose_database(None, folder).url).database == str(folder.database_file)


def test_a_run_has_a_schema_of_its_own_on_postgresql() -> None:
    url = "postgresql+asyncpg://zdu@127.0.0.1/zdu"
    first, second = (
        choose_database(url, RunFolder(Path(f"/runs/x/{stamp}"))) for stamp in ("20261123T1.1", "20261123T1.2")
    )
    assert (first.url, first.namespace) == (url, "zdu_20261123t11")
    assert first.namespace != second.namespace


def test_a_password_is_not_shown() -> None:
    assert without_password("postgresql://zdu:secret@127.0.0.1:5432/zdu") == "postgresql://zdu:***@127.0.0.1:5432/zdu"
    assert without_password("sqlite:////tmp/zdu.db") == "sqlite:////tmp/zdu.db"
    assert without_password("postgresql://zdu:p@ss@[::1]/zdu") == "postgresql://zdu:***@[::1]/zdu"


def test_a_command_to_type_again_leaves_a_place_for_the_password_that_a_shell_understands() -> None:
    before, words = in_a_command("postgresql+asyncpg://zdu:secret@127.0.0.1:5432/zdu")
    assert before == "PGPASSWORD='***' "
    assert words == ["--db", "postgresql+asyncpg://zdu@127.0.0.1:5432/zdu"]
    assert "recorded nowhere" in told_of_the_password(f"{before}zdu up")


@pytest.mark.parametrize("url", ["postgresql+asyncpg://zdu@127.0.0.1/zdu", "sqlite+aiosqlite:////tmp/zdu.db"])
def test_a_command_without_a_password_is_as_it_was_typed(url: str) -> None:
    assert in_a_command(url) == ("", ["--db", url])
    assert in_a_command(None) == ("", [])
    assert told_of_the_password("zdu up") == ""
