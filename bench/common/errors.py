"""One clear message instead of a traceback, and the exit codes of every command here."""

import sys
from collections.abc import Callable

from zdu.errors import ZduError

EXIT_MET, EXIT_NOT_MET, EXIT_CANNOT_RUN, EXIT_INTERRUPTED = 0, 1, 64, 130


class BenchError(Exception):
    """The command cannot run on this machine, or a process did not do its part; the text is for people."""


def run_command(main: Callable[[], int]) -> None:
    """Run ``main`` and end the process with its exit code, or with the message of what stood in the way."""
    try:
        code = main()
    except (BenchError, ZduError) as error:
        print(f"error: {error}", file=sys.stderr)
        code = EXIT_CANNOT_RUN
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        code = EXIT_INTERRUPTED
    sys.exit(code)


def progress(text: str) -> None:
    """One line for whoever waits; the results alone go to standard output."""
    print(text, file=sys.stderr, flush=True)
