"""Visitors and probes for a system that zdu did not start: somebody's own, behind a load balancer of their own."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from zdu.errors import ZduError
from zdu.pytest_plugin.held import DidNotStart, Held
from zdu.pytest_plugin.leases import House, forget_run
from zdu.pytest_plugin.transport import Blocking, drive
from zdu.pytest_plugin.verdict import Verdict

STARTS_WITHIN_S = 60.0
ENDS_WITHIN_S = 120.0
THE_TEST = """
import json, os, sys
print(json.dumps({"run_folder": os.environ["ZDU_RUN_FOLDER"]}), flush=True)
sys.stdin.read()
"""
"""The command that is measured (docs/certify.md): it says that it has begun, and lasts as long as the block."""


class Measured:
    """Traffic at an address. The first question to ``verdict``, or the end of the block, ends it."""

    def __init__(self, url: str, held: Held) -> None:
        self.url = url
        self.run_folder = Path(held.words["run_folder"])
        self.verdict = Verdict(lambda: self.run_folder, self.end)
        self._held = held

    def end(self) -> None:
        """Let the visitors go, and judge. Raises a ZduError if there is no verdict."""
        if not self._held.ended:
            self._held.finish_input()
            drive(self._held.until_ended(Blocking(), within_s=ENDS_WITHIN_S))
        if not (self.run_folder / "result.json").is_file():
            said = self._held.last_words() or "it was killed"
            raise DidNotStart(f"the measurement ended without a verdict: {said}")

    def kill(self) -> None:
        """End it at once, whether or not it has ended."""
        self._held.kill()

    def told(self) -> list[str]:
        """What can be said of it to people. It has ended."""
        try:
            told = f"Traffic  {self.verdict.word.upper()}  {self.verdict.sentence}"
        except ZduError as error:
            told = f"Traffic  no verdict: {error.message}"
        return [told, f"Report   {self.verdict.report if self.verdict.report.is_file() else 'none'}"]

    def forget(self) -> None:
        """Remove the run folder."""
        forget_run(self.run_folder)
        with suppress(OSError):  # the test's clusters, or other traffic, may have theirs there
            self.run_folder.parent.parent.rmdir()


def measure(
    house: House,
    owner: str,
    scratch: Path,
    url: str,
    *,
    users: int = 6,
    rate: float = 10.0,
    timeout: str = "",
    expect: Sequence[str] = (),
    expect_text: str = "",
    node_header: str = "",
    node_cookie: str = "",
    login: str = "",
    form: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    allow_remote: bool = False,
) -> Measured:
    """Begin to send visitors and probes to ``url``; see ``zdu certify`` for what the words mean.

    Raises a ZduError if nobody answers there as they should.
    """
    options = {
        "--url": url,
        "--users": str(users),
        "--rate": f"{rate:g}",
        "--timeout": timeout,
        "--expect-text": expect_text,
        "--login": login,
        "--node-header": node_header,
        "--node-cookie": node_cookie,
        "--out": str(house.artifacts / owner),
    }
    words = [f"{option}={value}" for option, value in options.items() if value]
    words += [f"--form={name}={value}" for name, value in (form or {}).items()]
    words += [f"--header={name}: {value}" for name, value in (headers or {}).items()]
    words += [f"--expect={sentence}" for sentence in expect]
    words += ["--allow-remote"] if allow_remote else []
    the_test = [sys.executable, "-I", "-S", "-c", THE_TEST]
    held = Held(
        ["certify", "--json", *words, "--", *the_test], scratch, environment=house.environment, name="certify"
    )
    try:
        held.wait_until_ready(within_s=STARTS_WITHIN_S)
    except BaseException:
        held.kill()
        raise
    return Measured(url, held)
