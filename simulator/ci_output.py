"""Hands a run's summary and annotations to whoever runs us in continuous integration."""

import os
from pathlib import Path

import click

from simulator.ci import annotations, step_summary
from simulator.conclude import Conclusion
from zdu.errors import UsageError

summary_option = click.option(
    "--summary",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Append a summary in Markdown to this file; on GitHub it goes to the step summary by itself.",
)


def check_summary(path: Path | None) -> None:
    """Make sure, before anything is started, that the summary can be written. Raises UsageError."""
    if path is not None:
        try:
            _append(path, "")
        except OSError as error:
            raise UsageError(
                f"the summary cannot be written to {path}: {error.strerror}", hint="Name another file with --summary."
            ) from error


def write_summaries(conclusion: Conclusion, summary: Path | None) -> None:
    """Append the summary where it is wanted.

    One that cannot be written is told and changes nothing about the verdict and its exit code.
    """
    named = os.environ.get("GITHUB_STEP_SUMMARY")
    for path in (summary, Path(named) if named else None):
        try:
            if path is not None:
                _append(path, step_summary(conclusion.result))
        except OSError as error:
            click.echo(f"zdu: the summary cannot be written to {path}: {error.strerror}", err=True)


def print_annotations(conclusion: Conclusion, *, quiet: bool) -> None:
    """On GitHub, and unless ``quiet``: annotations of what is broken or missing."""
    if os.environ.get("GITHUB_ACTIONS") == "true" and not quiet:
        for line in annotations(conclusion.result):
            click.echo(line)


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)
