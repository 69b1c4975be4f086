"""Mistakes in a scenario file, all told at once: where, what, and what was probably meant."""

from collections.abc import Sequence
from dataclasses import dataclass

from zdu.errors import UsageError


@dataclass(frozen=True)
class Mistake:
    """``place`` is ``file:line:column`` (both from 1) or the option that brought the value, as it was typed."""

    place: str
    message: str

    def __str__(self) -> str:
        """One line, as compilers write it, so that editors can jump to it."""
        return f"{self.place}: {self.message}"


class ScenarioError(UsageError):
    """A scenario that cannot be played; ``mistakes`` are in the order of the file."""

    def __init__(self, source: str, mistakes: Sequence[Mistake], *, hint: str = "") -> None:
        self.source = source
        self.mistakes = tuple(mistakes)
        count = "a mistake" if len(self.mistakes) == 1 else f"{len(self.mistakes)} mistakes"
        lines = "\n".join(str(mistake) for mistake in self.mistakes)
        super().__init__(f"{count} in the scenario {source}; nothing was started\n{lines}", hint=hint)
