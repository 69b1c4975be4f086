"""One round of wrk, and what it says of it."""

import json
import subprocess
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from bench.common.errors import BenchError
from bench.common.machine import program

SCRIPT = Path(__file__).with_name("browser.lua")
_ERRORS = ("connect", "read", "write", "status", "timeout")


@dataclass(frozen=True)
class WrkResult:
    """What one run of wrk brought."""

    requests: int
    seconds: float
    errors: dict[str, int]
    """Only the kinds that occurred; ``status`` counts answers from 400 on."""
    p50_ms: float
    p99_ms: float

    @property
    def valid(self) -> bool:
        """Whether every request was answered, and well."""
        return self.requests > 0 and not self.errors


def parse_wrk(output: str) -> WrkResult:
    """Read the line that the script prints; BenchError if there is none."""
    lines = [line for line in output.splitlines() if line.startswith("RESULT ")]
    if len(lines) != 1:
        raise BenchError(f"wrk printed no result:\n{output.strip()[-2000:]}")
    found = json.loads(lines[0].removeprefix("RESULT "))
    return WrkResult(
        requests=found["requests"],
        seconds=found["duration_us"] / 1e6,
        errors={kind: found[kind] for kind in _ERRORS if found[kind]},
        p50_ms=found["p50_us"] / 1e3,
        p99_ms=found["p99_us"] / 1e3,
    )


def run_wrk(port: int, seconds: float, connections: int, cores: Collection[int]) -> WrkResult:
    """Load ``port`` from ``cores`` for so long (wrk knows whole seconds only)."""
    whole_s = max(1, round(seconds))
    command = ["taskset", "-c", ",".join(map(str, sorted(cores))), program("wrk"), "-t1", f"-c{connections}",
               f"-d{whole_s}s", "--timeout", "5s", "-s", str(SCRIPT), f"http://127.0.0.1:{port}/"]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=whole_s + 30, check=False)
    except subprocess.TimeoutExpired:
        raise BenchError(f"wrk did not end within {whole_s + 30} s") from None
    time.sleep(0.3)  # what wrk left unfinished is over before the next one is measured
    return parse_wrk(done.stdout + done.stderr)
