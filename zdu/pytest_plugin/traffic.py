"""Visitors and probes for a system that zdu did not start: somebody's own, behind a load balancer of their own."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from zdu.pytest_plugin.held import DidNotStart, Held
from zdu.pytest_plugin.leases import House
from zdu.pytest_plugin.transport import Blocking, drive
from zdu.pytest_plugin.verdict import Verdict

STARTS_WITHIN_S = 60.0
ENDS_WITHIN_S = 120.0
THE_TEST = "import sys; print('{\"begun\": true}', flush=True); sys.stdin.read()"
"""The command that is measured (docs/certify.md): it says that it has begun, and lasts as long as the block."""


@dataclass
class Measured:
    """Traffic at an address; ``verdict`` is there once the block has been left."""

    url: str
    run_folder: Path
    verdict: Verdict


@contextmanager
def traffic_at(
    house: House,
    owner: str,
    scratch: Path,
    url: str,
    *,
    users: int = 6,
    rate: float = 10.0,
    expect: Sequence[str] = (),
    expect_text: str = "",
    node_header: str = "",
    node_cookie: str = "",
    login: str = "",
    form: Mapping[str, str] | None = None,
) -> Iterator[Measured]:
    """Send visitors and probes to ``url`` while the block lasts; see ``zdu certify`` for what the words mean.

    Raises a ZduError if nobody answers there.
    """
    options = {
        "--url": url,
        "--users": str(users),
        "--rate": f"{rate:g}",
        "--expect-text": expect_text,
        "--login": login,
        "--node-header": node_header,
        "--node-cookie": node_cookie,
        "--out": str(house.artifacts / owner),
    }
    words = [f"{option}={value}" for option, value in options.items() if value]
    words += [f"--form={name}={value}" for name, value in (form or {}).items()]
    words += [f"--expect={sentence}" for sentence in expect]
    held = Held(
        ["certify", "--json", *words, "--", sys.executable, "-I", "-S", "-c", THE_TEST],
        scratch,
        environment={},
        name="certify",
    )
    try:
        held.wait_until_ready(within_s=STARTS_WITHIN_S)
        folder = (house.artifacts / owner / "certify" / "latest").resolve()
        measured = Measured(url, folder, Verdict(lambda: folder, lambda: None))
        yield measured
        held.finish_input()
        drive(held.until_ended(Blocking(), within_s=ENDS_WITHIN_S))
        if not (folder / "result.json").is_file():
            raise DidNotStart(f"the measurement ended without a verdict: {held.last_words()}")
    finally:
        held.kill()
