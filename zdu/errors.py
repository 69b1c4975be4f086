"""Errors meant for people, and the exit codes of every command.

A :class:`ZduError` ends a command with one message and no traceback: what went wrong, where, and what to try.
Anything else that escapes is a defect of ours and ends with :attr:`ExitCode.INTERNAL` and a traceback in the log.
"""

import errno
from enum import IntEnum


class ExitCode(IntEnum):
    """What a command's exit code means. 64 and 70 are sysexits.h's EX_USAGE and EX_SOFTWARE."""

    PASS = 0
    FAIL = 1
    INCONCLUSIVE = 2
    USAGE = 64
    INTERNAL = 70
    INTERRUPTED = 130


class ZduError(Exception):
    """Something that the person at the keyboard can understand and mend."""

    exit_code: ExitCode = ExitCode.INTERNAL

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """The message, and on a line of its own what to try."""
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class UsageError(ZduError):
    """A wrong command line, scenario or configuration: nothing was started."""

    exit_code = ExitCode.USAGE


def is_full_disk(error: BaseException) -> bool:
    """Whether a full disk, or a quota that is used up, is what went wrong; also within a group of errors."""
    if isinstance(error, BaseExceptionGroup):
        return any(map(is_full_disk, error.exceptions))
    return isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}


def first_zdu_error(error: BaseException) -> ZduError | None:
    """The first error meant for people: this one, or one in a group of errors, however deep it is nested."""
    if isinstance(error, ZduError):
        return error
    if isinstance(error, BaseExceptionGroup):
        return next(filter(None, map(first_zdu_error, error.exceptions)), None)
    return None
