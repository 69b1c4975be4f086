"""``zdu doctor``: what this machine has, and what that is good for.

Looking is one part, judging another: :func:`diagnose` is pure, so every kind of machine can be tested on this one.
"""

import json
import os
import platform
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

import click

from zdu.errors import ExitCode

PYTHON_NEEDED = (3, 11)
POSTGRESQL_NEEDED = 15
DESCRIPTORS_WANTED = 4096
"""A hundred users, their connections on both sides of the load balancer, logs and databases, several times over."""

_VERSION = re.compile(r"\d+(?:\.\d+)+|\d+")
_ANSWER_WITHIN_S = 10.0


@dataclass(frozen=True)
class Program:
    """A program of somebody else's: where it may be, how it tells its version, which Debian package has it."""

    name: str
    commands: tuple[str, ...]
    version_argument: str
    package: str
    needed_for: str


PROGRAMS = (
    Program("HAProxy", ("haproxy",), "-v", "haproxy", "zdu run --lb haproxy, zdu compare-lb"),
    Program("Apache httpd", ("apache2", "httpd"), "-v", "apache2", "zdu run --lb apache, zdu compare-lb"),
    Program("nginx", ("nginx",), "-v", "nginx", "zdu run --lb nginx, zdu compare-lb"),
    Program(
        *("Chromium", ("chromium", "chromium-browser", "google-chrome"), "--version", "chromium"),
        "the tests in a browser (make test)",
    ),
)
_BESIDE_THE_PATH = ("/usr/sbin", "/usr/local/sbin", "/sbin")
"""Where servers are installed, and where the PATH of an ordinary user does not lead."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked for. ``needed`` is whether zdu cannot do without it; ``hint`` is what to try."""

    name: str
    found: str
    ok: bool
    needed: bool
    good_for: str
    hint: str = ""

    @property
    def mark(self) -> str:
        """``ok``, ``--`` for what one can do without, ``!!`` for what one cannot."""
        return "ok" if self.ok else "!!" if self.needed else "--"


@dataclass(frozen=True)
class Machine:
    """What was seen of a machine. Versions are empty where there is nothing."""

    python: tuple[int, int, int]
    event_loop: str
    postgresql: str
    programs: dict[str, str]
    descriptors: int
    cores: int


def diagnose(machine: Machine) -> list[Finding]:
    """What is there, what is missing, and what for."""
    python = ".".join(map(str, machine.python))
    postgresql = int(found.group()) if (found := re.match(r"\d+", machine.postgresql)) else 0
    enough = machine.descriptors >= DESCRIPTORS_WANTED
    return [
        Finding(
            *("Python", python, machine.python >= PYTHON_NEEDED, True, "everything"),
            hint="zdu needs Python 3.11 or newer.",
        ),
        Finding(
            *("uvloop", machine.event_loop, machine.event_loop == "uvloop", False, "speed: a faster event loop"),
            hint="pip install uvloop. Without it all processes run on asyncio's own loop, and slower.",
        ),
        Finding("SQLite", "in Python", True, True, "the cluster's database, where no other is named"),
        Finding(
            *("PostgreSQL", machine.postgresql, postgresql >= POSTGRESQL_NEEDED, False),
            "a throw-away server for the tests; for zdu run --db any server by URL will do",
            hint=f"apt-get install postgresql ({POSTGRESQL_NEEDED} or newer)",
        ),
        *(
            Finding(
                *(program.name, machine.programs.get(program.name, ""), program.name in machine.programs, False),
                *(program.needed_for, f"apt-get install {program.package}"),
            )
            for program in PROGRAMS
        ),
        Finding(
            *("open files", f"{machine.descriptors:,}", enough, False),
            "many users at once, each a connection or two",
            hint=f"ulimit -n {DESCRIPTORS_WANTED} in this shell, or fewer users.",
        ),
        Finding("processor cores", str(machine.cores), machine.cores >= 2, False, "honest latencies: nodes, load "
                "balancer and users share them", hint="Latencies of one core tell of its queue; use fewer users."),
    ]  # fmt: skip


def look() -> Machine:
    """Look at this machine. Takes a second: every program is asked for its version."""
    programs = {}
    for program in PROGRAMS:
        version = _version_of(_find(program.commands), program.version_argument)
        if version:
            programs[program.name] = version
    servers = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=_number_in, reverse=True)
    postgres = [found for found in (shutil.which("postgres"),) if found] + [str(path) for path in servers]
    return Machine(
        python=sys.version_info[:3],
        event_loop="uvloop" if find_spec("uvloop") else "asyncio",
        postgresql=max((_version_of(program, "--version") for program in postgres), key=_major, default=""),
        programs=programs,
        descriptors=resource.getrlimit(resource.RLIMIT_NOFILE)[1],
        cores=len(_cores()),
    )


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON and nothing else.")
def doctor(*, as_json: bool) -> int:
    """Say what this machine has, and what is missing for which feature.

    \b
    Exit codes: 0 everything that zdu cannot do without is there, 1 something is missing.
    """
    findings = diagnose(look())
    if as_json:
        click.echo(json.dumps([asdict(finding) | {"mark": finding.mark} for finding in findings], indent=2))
    else:
        click.echo(f"{platform.system()} {platform.release()} on {platform.machine()}\n")
        for line in told(findings):
            click.echo(line)
    return ExitCode.PASS if all(finding.ok or not finding.needed for finding in findings) else ExitCode.FAIL


def told(findings: Iterable[Finding]) -> list[str]:
    """The findings as lines for a terminal."""
    lines = []
    for finding in findings:
        lines.append(f" {finding.mark}  {finding.name:<16} {finding.found or 'not found':<12} {finding.good_for}")
        if not finding.ok and finding.hint:
            lines.append(f"     {'':<16} {finding.hint}")
    return lines


def _find(commands: Iterable[str]) -> str:
    path = ":".join([os.environ.get("PATH", ""), *_BESIDE_THE_PATH])
    return next((found for command in commands if (found := shutil.which(command, path=path))), "")


def _version_of(program: str, argument: str) -> str:
    """What the program says its version is; empty if it does not start. nginx says it on standard error."""
    if not program:
        return ""
    try:
        said = subprocess.run(  # noqa: S603 - a program of the table above, by its full path
            [program, argument], capture_output=True, text=True, check=False, timeout=_ANSWER_WITHIN_S
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    number = _VERSION.search(said.stdout + said.stderr)
    return number.group() if number else ""


def _major(version: str) -> int:
    return int(found.group()) if (found := re.match(r"\d+", version)) else 0


def _number_in(path: Path) -> int:
    return _major(path.parts[-3])


def _cores() -> set[int]:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
