"""The same processes on hosts of their own, with a network between them that can break."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root"),
    pytest.mark.skipif(not shutil.which("ip"), reason="the program ip is missing: apt-get install iproute2"),
]


def test_an_upgrade_over_the_network_loses_nothing_and_a_node_cut_off_from_its_database_comes_back() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.multi_host"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=220
    )

    if done.returncode == 64 and "PostgreSQL" not in done.stderr:
        pytest.skip(f"this machine has no network namespaces: {done.stderr}")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
