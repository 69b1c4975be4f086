from typing import Any, cast

import pytest
from click.testing import CliRunner

from simulator.fault_cli import fault
from simulator.faults.fault import Hold
from simulator.faults.faults import Active, Faults
from simulator.faults.proc.pause import ProcPause
from simulator.up.fault_wishes import apply_fault, read_fault, reset_faults
from zdu.errors import UsageError

PAUSE = {"name": "proc.pause", "node": "node1", "for": "2s"}


class FakeFaults:
    """Faults that touch nothing."""

    def __init__(self) -> None:
        self.active: list[Active] = []

    async def apply(self, fault: ProcPause) -> int:
        self.active.append(Active(len(self.active) + 1, fault, Hold()))
        return len(self.active)

    async def reset(self, number: int) -> None:
        self.active = [active for active in self.active if active.number != number]


@pytest.fixture
def faults() -> Faults:
    return cast(Faults, FakeFaults())


async def test_a_fault_is_put_on_and_taken_back_by_its_name(faults: Faults) -> None:
    done = await apply_fault(faults, PAUSE, ["node1", "node2"])
    other = await reset_faults(faults, "proc.kill")
    back = await reset_faults(faults, "proc.pause")

    assert (done.message, done.changed) == ("proc.pause on node1 is on for 2 s", True)
    assert (other.message, other.changed) == ("no fault proc.kill is on", False)
    assert (back.message, back.changed) == ("proc.pause on node1 taken back", True)
    none = await reset_faults(faults, "")
    assert (none.message, none.changed) == ("no fault is on: nothing to take back", False)


async def test_a_node_that_the_cluster_does_not_have_is_told_with_those_that_it_has(faults: Faults) -> None:
    with pytest.raises(UsageError) as raised:
        await apply_fault(faults, {**PAUSE, "node": "node7"}, ["node1", "node2"])

    assert (raised.value.message, raised.value.hint) == (
        "there is no node 'node7'",
        "This cluster has: node1, node2.",
    )


async def test_a_fault_that_only_jira_can_have_is_refused_on_a_cluster_of_another_application(faults: Faults) -> None:
    for name, more in (("upgrade.bad_version", {}), ("upgrade.major_jump", {"node": "node1"}), ("db.locked", {})):
        with pytest.raises(UsageError, match=f"{name} is for a cluster of Jira nodes") as raised:
            await apply_fault(faults, {"name": name, **more}, ["node1"], of_jira=False)
        assert raised.value.hint
    assert faults.active == []
    await apply_fault(faults, PAUSE, ["node1"], of_jira=False)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"name": "proc.pasue"}, "there is no fault 'proc.pasue'; did you mean 'proc.pause'?"),
        ({"name": "proc.pause"}, "proc.pause needs node"),
        ({**PAUSE, "fro": "2s"}, "proc.pause has no 'fro'; did you mean 'for'?"),
        ({**PAUSE, "for": 2}, "proc.pause: for: expected a duration with its unit"),
    ],
)
def test_a_mistake_says_which_word_was_meant(written: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as raised:
        read_fault(written)

    assert raised.value.message.startswith(said)


def test_a_mistake_on_the_command_line_is_told_although_no_cluster_is_up() -> None:
    done = CliRunner().invoke(fault, ["apply", "net.latency", "--node", "node1", "latency"], standalone_mode=False)

    assert isinstance(done.exception, UsageError)
    assert done.exception.message == "expected KEY=VALUE, such as for=10s, not 'latency'"
