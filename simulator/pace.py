"""How fast a story is told: at once, with a pause before each step, or when somebody says so.

Only the story waits. Users, probes and the cluster's own clocks go on as ever, so what is measured stays what it is.
"""

import asyncio
from contextlib import suppress

from simulator.scenario.steps import Step
from zdu.errors import UsageError

LONGEST_PAUSE_S = 600.0


def left_s(pause_s: float | None, waited_s: float) -> float | None:
    """How much longer a step that has waited so long has to; 0 for not at all, None until somebody says so. Pure."""
    return None if pause_s is None else max(0.0, pause_s - waited_s)


class Pace:
    """The pause before each step of a story; ``pause_s`` may change at any time, also during one."""

    def __init__(self, pause_s: float | None = 0.0) -> None:
        """``pause_s`` in seconds; None waits for :meth:`go_on`."""
        self.pause_s = pause_s
        self.waits_for = ""
        self._said = asyncio.Event()
        self._go = False

    async def before(self, step: Step) -> None:
        """Wait until ``step`` may begin."""
        loop = asyncio.get_running_loop()
        since_s = loop.time()
        self._go = False
        self.waits_for = step.title or step.action_name.replace("_", " ")
        try:
            while not self._go and (left := left_s(self.pause_s, loop.time() - since_s)) != 0:
                self._said.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(left):
                        await self._said.wait()
        finally:
            self.waits_for = ""

    def go_on(self) -> bool:
        """Let the step begin that waits; whether one did. It is not kept for a later one."""
        waited = bool(self.waits_for)
        self._go = True
        self._said.set()
        return waited

    def set(self, pause: object) -> str:
        """Take ``"click"`` or a number of seconds, and say what that means. Raises UsageError for anything else."""
        if pause == "click":
            self.pause_s = None
        elif isinstance(pause, int | float) and not isinstance(pause, bool) and 0 <= pause <= LONGEST_PAUSE_S:
            self.pause_s = float(pause)
        else:
            raise UsageError(
                f"a pause is 0 to {LONGEST_PAUSE_S:g} seconds, or click, not {pause!r}",
                hint='For instance {"pause": 5}, or {"pause": "click"}.',
            )
        self._said.set()
        if self.pause_s is None:
            return "each step of a story waits for a click"
        return f"each step of a story waits {self.pause_s:g} s" if self.pause_s else "a story is told without a pause"

    @property
    def words(self) -> dict[str, object]:
        """As the page is told it."""
        return {"pause": "click" if self.pause_s is None else self.pause_s, "waiting": self.waits_for}
