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
    StatementRefused,
)
from shared_db.statements import in_short
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
    told = translate(DBAPIError("SELECT 1", {}, asyncpg.DivisionByZeroError("division by zero")), TARGET)
    assert type(told) is DatabaseError
    assert "DivisionByZeroError: division by zero" in told.message


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.UndefinedColumnError("column x does not exist"),
        asyncpg.NotNullViolationError('null value in column "x"\nDETAIL:  Failing row contains (secret)'),
        asyncpg.InvalidCachedStatementError("cached statement plan is invalid"),
    ],
)
def test_a_statement_that_does_not_fit_the_schema_is_named_without_its_values(error: Exception) -> None:
    told = translate(DBAPIError("SELECT a, x FROM t WHERE y = 1", {}, error), TARGET)

    assert isinstance(told, StatementRefused)
    assert told.statement == "SELECT … FROM t WHERE y = 1"
    assert told.reason in str(error)
    assert "secret" not in told.reason + told.message


@pytest.mark.parametrize(
    ("sql", "short"),
    [
        ("SELECT a, b\nFROM t JOIN u", "SELECT … FROM t JOIN u"),
        ("INSERT INTO t (a, b) VALUES (?, ?) RETURNING a", "INSERT INTO t (a, b)"),
        ("UPDATE t SET a=? WHERE b = ? RETURNING a", "UPDATE t SET a=? WHERE b = ?"),
        ("SELECT 1", "SELECT 1"),
        ("DELETE FROM " + "t" * 200, "DELETE FROM " + "t" * 147 + "…"),
    ],
)
def test_a_statement_in_short_says_what_it_does_to_which_tables(sql: str, short: str) -> None:
    assert in_short(sql) == short
