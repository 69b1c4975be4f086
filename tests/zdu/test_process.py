"""A process of ours stops when asked, at once when asked twice, and by itself when its parent is gone."""

import os
import signal
import subprocess
import sys

import pytest

from tests.support.zdu_runs import still_alive

pytestmark = pytest.mark.slow

PROGRAM = """
import sys
from zdu.process import announce_ready, run_process

async def main(shutdown):
    announce_ready(name="test")
    await shutdown.requested.wait()
    print(shutdown.reason, flush=True)
    if "stubborn" in sys.argv:
        await __import__("asyncio").Event().wait()
    return 7

sys.exit(run_process(main, exit_with_parent="orphan" in sys.argv))
"""


def start(*words: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert '"ready": true' in process.stdout.readline()
    return process


def test_a_signal_asks_for_an_orderly_stop() -> None:
    with start() as process:
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=20)
    assert (process.returncode, output) == (7, "SIGTERM\n")


def test_a_second_signal_ends_it_at_once() -> None:
    with start("stubborn") as process:
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        assert process.stdout.readline() == "SIGTERM\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 137


@pytest.mark.parametrize(("words", "code"), [(("orphan",), 7), (("orphan", "stubborn"), 1)])
def test_without_its_parent_it_ends_by_itself_even_if_it_would_not_stop(words: tuple[str, ...], code: int) -> None:
    with start(*words) as process:
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(timeout=20) == code


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's end")
def test_a_process_that_stands_still_ends_all_the_same_when_its_parent_is_killed() -> None:
    parent_program = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {PROGRAM!r}, "orphan"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
child.wait()
"""
    with subprocess.Popen([sys.executable, "-c", parent_program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        os.kill(child, signal.SIGSTOP)
        parent.kill()
    assert still_alive([child]) == []
