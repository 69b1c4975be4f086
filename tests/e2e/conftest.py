"""A browser for each test here."""

from tests.support.browser import chromium

__all__ = ["chromium"]
