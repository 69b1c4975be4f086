import pytest

from shared_db.target import parse_target
from zdu.errors import UsageError


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("sqlite:////tmp/zdu.db", "sqlite+aiosqlite"),
        ("sqlite+aiosqlite:////tmp/zdu.db", "sqlite+aiosqlite"),
        ("postgres://u:p@h/d", "postgresql+asyncpg"),
        ("postgresql://u:p@h/d", "postgresql+asyncpg"),
        ("postgresql+asyncpg://u:p@h/d", "postgresql+asyncpg"),
    ],
)
def test_a_url_is_understood_with_and_without_its_driver(url: str, driver: str) -> None:
    assert parse_target(url).url.drivername == driver


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", "mysql://u:secret@h/d", "sqlite://", "sqlite:///:memory:", "postgresql://u:secret@h:port/d"],
)
def test_a_url_that_cannot_be_meant_is_refused_with_an_example_and_without_its_password(url: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_target(url)
    assert "sqlite:////tmp/zdu.db" in error.value.hint
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("namespace", ['a"b', "Upper", "1st", "a b", "x" * 64])
def test_a_namespace_is_a_plain_name(namespace: str) -> None:
    with pytest.raises(UsageError, match="namespace"):
        parse_target("postgresql://u:p@h/d", namespace)


def test_neither_the_words_nor_the_repr_of_a_target_hold_its_password() -> None:
    target = parse_target("postgresql://bob:secret@db.example:6543/jira?password=secret", "run_7")
    assert "secret" not in str(target) + repr(target)
    assert str(target) == "PostgreSQL database 'jira' at db.example:6543 as user 'bob', namespace 'run_7'"


def test_sqlite_has_no_namespace() -> None:
    assert parse_target("sqlite:////tmp/zdu.db", "run_7").namespace == ""
    assert str(parse_target("sqlite:////tmp/zdu.db")) == "SQLite file /tmp/zdu.db"
