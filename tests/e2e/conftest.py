"""A browser for all tests here."""

from tests.support.browser import chromium

__all__ = ["chromium"]
