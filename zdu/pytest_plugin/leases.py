"""The clusters that one test, or one session of tests, has; and what becomes of their run folders."""

import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from zdu.errors import ZduError
from zdu.pytest_plugin.cluster import Cluster, State
from zdu.pytest_plugin.held import Held
from zdu.pytest_plugin.wishes import Wishes

STARTS_WITHIN_S = 120.0
AT_WORK_WITHIN_S = 60.0
FIRST_REQUESTS = 3
"""A user who has got so many good answers has logged in and opened a page."""
_LONGEST_NAME = 40


@dataclass(frozen=True)
class House:
    """Where clusters are started: ``artifacts`` gets their run folders, ``scratch`` what nobody looks at.

    ``environment`` is added to that of their processes.
    """

    artifacts: Path
    scratch: Path
    seed: int
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Leases:
    """The clusters of one owner, a test or the session."""

    house: House
    owner: str
    clusters: list[Cluster] = field(default_factory=list)
    _held: list[Held] = field(default_factory=list)

    def start(self, wishes: Wishes) -> Cluster:
        """Start one more, and wait until it serves. Raises a ZduError."""
        scratch = self.house.scratch / f"{self.owner}-{len(self._held) + 1}"
        scratch.mkdir()
        words = ["up", "--json", "--exit-with-parent", "--name", self.owner, "--out", str(self.house.artifacts)]
        words += ["--seed", str(self.house.seed), *wishes.arguments()]
        environment = {**self.house.environment, "XDG_STATE_HOME": str(scratch)}
        held = Held(words, scratch, environment=environment, name="up")
        self._held.append(held)
        held.wait_until_ready(within_s=STARTS_WITHIN_S)
        self.clusters.append(Cluster(held))
        # A test that kills a node before anybody works on it would prove nothing.
        Cluster(held).sync.wait_until(everybody_works, within=AT_WORK_WITHIN_S, what="that everybody is at work")
        return self.clusters[-1]

    def end_in_order(self) -> list[str]:
        """End all that are up, each with its verdict; what can be said of each to people."""
        told = []
        for cluster in self.clusters:
            try:
                told.append(f"Verdict  {cluster.verdict.word.upper()}  {cluster.verdict.sentence}")
            except ZduError as error:
                told.append(f"Verdict  none: {error.message}")
            told.append(f"Report   {cluster.verdict.report}")
        return told

    def kill(self) -> None:
        """End whatever is still up, at once."""
        for held in self._held:
            held.kill()

    def forget(self) -> None:
        """Remove the run folders; once all have ended."""
        for cluster in self.clusters:
            forget_run(cluster.run_folder)


def forget_run(folder: Path) -> None:
    """Remove a run folder, and what would be left of it: a link to nothing, and the folder above if that is empty."""
    shutil.rmtree(folder, ignore_errors=True)
    latest = folder.parent / "latest"
    with suppress(OSError):
        if latest.is_symlink() and not latest.exists():
            latest.unlink()
        folder.parent.rmdir()


def everybody_works(state: State) -> bool:
    """By the users' own answers: those of the probes say nothing of who has a session on which node."""
    return sum(state.answered.values()) >= FIRST_REQUESTS * state.users


def owner_of(words: Sequence[str]) -> str:
    """A test's name as that of a cluster: small letters, digits and hyphens."""
    name = re.sub(r"[^a-z0-9]+", "-", "-".join(words).lower()).strip("-")
    return name[:_LONGEST_NAME].strip("-") or "test"
