"""Which database a run uses, and what of its URL may be shown."""

from pathlib import Path

import pytest
from sqlalchemy import make_url

from simulator.database_target import choose_database, without_password
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
