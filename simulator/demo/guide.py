"""The voice of the tour in the terminal: tells what comes next, and waits for Enter."""

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from textwrap import fill

from simulator.scenario.steps import Step

WIDTH = 100
STDIN = 0


class Guide:
    """Waits for Enter on ``descriptor``, or ``auto_s`` seconds where that is not None; says everything to ``say``."""

    def __init__(self, say: Callable[[str], None], *, auto_s: float | None, descriptor: int = STDIN) -> None:
        self._say = say
        self._auto_s = auto_s
        self._descriptor = descriptor
        self._nobody_types = False

    async def before(self, step: Step) -> None:
        """Tell of the step and return when it may begin."""
        self._say("")
        self._say(fill(step.title or step.action_name.replace("_", " "), WIDTH, initial_indent=">> "))
        for text in (step.text, step.notes):
            if text:
                self._say(fill(text, WIDTH, initial_indent="   ", subsequent_indent="   "))
        await self.go_on("Enter here, or the space bar in the page: this step begins")

    async def go_on(self, what: str) -> None:
        """Return when whoever watches wants to go on."""
        if self._auto_s is not None:
            self._say(f"   [{what}, by itself in {self._auto_s:g} s]")
            await asyncio.sleep(self._auto_s)
            return
        self._say(f"   [{what}]")
        sys.stdout.flush()
        await self._enter()

    async def _enter(self) -> None:
        """Return after a line was typed. Without anybody who could type it, only the page can let the story go on."""
        loop = asyncio.get_running_loop()
        while not self._nobody_types:
            readable = asyncio.Event()
            loop.add_reader(self._descriptor, readable.set)
            try:
                await readable.wait()
            finally:
                loop.remove_reader(self._descriptor)
            typed = b""
            with suppress(OSError):
                typed = os.read(self._descriptor, 4096)
            if b"\n" in typed:
                return
            self._nobody_types = not typed
        await asyncio.Event().wait()
