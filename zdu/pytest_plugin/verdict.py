"""What a test learns in the end: the verdict of zdu, as assertions."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Noticed(AssertionError):
    """An objective was missed or a promise broken."""


class Inconclusive(AssertionError):
    """The run proved nothing, so it is no success either."""


class Verdict:
    """The verdict on what happened since the start.

    Whoever asks first ends the load: everything is audited, stopped and judged, and the calling thread waits for it.
    """

    def __init__(self, folder: Callable[[], Path], end: Callable[[], None]) -> None:
        self._folder = folder
        self._end = end
        self._result: dict[str, Any] = {}

    @property
    def result(self) -> dict[str, Any]:
        """The whole of ``result.json`` (docs/verdict.md)."""
        if not self._result:
            self._end()
            self._result = json.loads((self._folder() / "result.json").read_text(encoding="utf-8"))
        return self._result

    @property
    def word(self) -> str:
        """``pass``, ``fail`` or ``inconclusive``."""
        return str(self.result["verdict"])

    @property
    def sentence(self) -> str:
        """The verdict in one sentence."""
        return str(self.result["sentence"])

    @property
    def reasons(self) -> list[str]:
        """What is broken or missing, each with its evidence."""
        return list(self.result["reasons"])

    @property
    def report(self) -> Path:
        """The page to read."""
        return self._folder() / "report.html"

    def outcome_of(self, check: str) -> str:
        """``pass``, ``fail`` or ``inconclusive`` of the check of that name. Raises KeyError that names all."""
        outcomes = {str(known["name"]): str(known["outcome"]) for known in self.result["checks"]}
        if check not in outcomes:
            raise KeyError(f"there is no check {check!r}; there are: {', '.join(outcomes)}")
        return outcomes[check]

    def assert_no_downtime(self) -> None:
        """Raise Noticed if anyone noticed, Inconclusive if nothing follows; both are AssertionErrors."""
        __tracebackhide__ = True
        if self.word == "pass":
            return
        told = "\n".join(
            [f"{self.word.upper()}  {self.sentence}", *map(_item, self.reasons), f"Report: {self.report}"]
        )
        raise Noticed(told) if self.word == "fail" else Inconclusive(told)

    def assert_holds(self, *checks: str) -> None:
        """Raise Noticed or Inconclusive unless each of these checks passed, whatever else did not."""
        __tracebackhide__ = True
        for check in checks:
            outcome = self.outcome_of(check)
            if outcome != "pass":
                detail = next(str(known["detail"]) for known in self.result["checks"] if known["name"] == check)
                told = f"{check}: {outcome}: {detail}\nReport: {self.report}"
                raise Noticed(told) if outcome == "fail" else Inconclusive(told)


def _item(reason: str) -> str:
    return f"  - {reason}"
