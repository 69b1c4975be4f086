"""Fixtures for all folders of tests."""

from tests.support.databases import database, database_target

__all__ = ["database", "database_target"]
