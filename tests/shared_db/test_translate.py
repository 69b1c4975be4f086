import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from shared_db import (
    AlreadyExists,
    DatabaseBusy,
    DatabaseError,
    DatabaseFull,
    DatabaseNotSetUp,
    DatabaseTimeout,
    DatabaseUnavailable,
)
from shared_db.target import parse_target
from shared_db.translate import translate

TARGET = parse_target("postgresql://bob:secret@db.example/jira")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (asyncpg.InvalidCatalogNameError("x"), DatabaseUnavailable),
        (asyncpg.InvalidPasswordError("x"), DatabaseUnavailable),
        (asyncpg.InvalidAuthorizationSpecificationError("x"), DatabaseUnavailable),
        (asyncpg.CannotConnectNowError("x"), DatabaseUnavailable),
        (asyncpg.AdminShutdownError("x"), DatabaseUnavailable),
        (asyncpg.TooManyConnectionsError("x"), DatabaseUnavailable),
        (asyncpg.ConnectionDoesNotExistError("x"), DatabaseUnavailable),
        (asyncpg.InterfaceError("connection is closed"), DatabaseUnavailable),
        (asyncpg.QueryCanceledError("x"), DatabaseTimeout),
        (asyncpg.LockNotAvailableError("x"), DatabaseBusy),
        (asyncpg.DeadlockDetectedError("x"), DatabaseBusy),
        (asyncpg.DiskFullError("x"), DatabaseFull),
        (asyncpg.UndefinedTableError("x"), DatabaseNotSetUp),
        (asyncpg.UniqueViolationError("x"), AlreadyExists),
        (ConnectionResetError(104, "Connection reset by peer"), DatabaseUnavailable),
        (TimeoutError(), DatabaseTimeout),
    ],
)
def test_each_failure_has_its_kind_wrapped_or_not(error: Exception, kind: type[DatabaseError]) -> None:
    for wrapped in (error, DBAPIError("SELECT 1", {}, error)):
        told = translate(wrapped, TARGET)
        assert type(told) is kind
        assert "db.example:5432" in told.message
        assert "secret" not in str(told)


def test_an_unknown_failure_is_named_by_its_innermost_cause() -> None:
    told = translate(DBAPIError("SELECT 1", {}, asyncpg.UndefinedColumnError("no column x")), TARGET)
    assert type(told) is DatabaseError
    assert "UndefinedColumnError: no column x" in told.message
