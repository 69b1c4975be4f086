"""Printing to somebody who may have gone."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def a_reader_may_go() -> Iterator[None]:
    """Print within it: whoever read our output may have gone (``zdu run | head``), and what was found still stands.

    rich and click would end with an exit code of theirs; what Python flushes at its end goes nowhere.
    """
    try:
        yield
        sys.stdout.flush()
    except (BrokenPipeError, SystemExit):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
