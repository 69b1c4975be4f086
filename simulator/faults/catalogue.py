"""All faults by name, in the order in which the documentation has them."""

from typing import Annotated

from pydantic import Field

from simulator.faults.clock.skew import ClockSkew
from simulator.faults.db.down import DbDown
from simulator.faults.db.locked import DbLocked
from simulator.faults.db.slow import DbSlow
from simulator.faults.fault import Fault
from simulator.faults.health.flaps import HealthFlaps
from simulator.faults.health.hangs import HealthHangs
from simulator.faults.health.lies_ok import HealthLiesOk
from simulator.faults.http.error_first_n import HttpErrorFirstN
from simulator.faults.http.error_rate import HttpErrorRate
from simulator.faults.http.slow_body import HttpSlowBody
from simulator.faults.lb.kill import LbKill
from simulator.faults.lb.restart import LbRestart
from simulator.faults.net.bandwidth import NetBandwidth
from simulator.faults.net.blackhole import NetBlackhole
from simulator.faults.net.latency import NetLatency
from simulator.faults.net.partition import NetPartition
from simulator.faults.net.reset import NetReset
from simulator.faults.net.slow_close import NetSlowClose
from simulator.faults.operator.finalises_early import OperatorFinalisesEarly
from simulator.faults.operator.forgets_drain import OperatorForgetsDrain
from simulator.faults.operator.kills_instead_of_stopping import OperatorKillsInsteadOfStopping
from simulator.faults.operator.upgrades_all_at_once import OperatorUpgradesAllAtOnce
from simulator.faults.proc.crash_loop import ProcCrashLoop
from simulator.faults.proc.kill import ProcKill
from simulator.faults.proc.pause import ProcPause
from simulator.faults.proc.slow_start import ProcSlowStart
from simulator.faults.proc.term import ProcTerm
from simulator.faults.session.fixated_to_dead_node import SessionFixatedToDeadNode
from simulator.faults.upgrade.bad_version import UpgradeBadVersion
from simulator.faults.upgrade.dies_mid_migration import UpgradeDiesMidMigration
from simulator.faults.upgrade.major_jump import UpgradeMajorJump
from simulator.faults.upgrade.task_fails import UpgradeTaskFails
from simulator.faults.upgrade.third_version import UpgradeThirdVersion

AnyFault = Annotated[
    ProcKill
    | ProcTerm
    | ProcPause
    | ProcSlowStart
    | ProcCrashLoop
    | NetLatency
    | NetBandwidth
    | NetReset
    | NetBlackhole
    | NetSlowClose
    | NetPartition
    | HttpErrorRate
    | HttpErrorFirstN
    | HttpSlowBody
    | HealthLiesOk
    | HealthFlaps
    | HealthHangs
    | LbKill
    | LbRestart
    | SessionFixatedToDeadNode
    | DbLocked
    | DbSlow
    | DbDown
    | ClockSkew
    | UpgradeBadVersion
    | UpgradeTaskFails
    | UpgradeDiesMidMigration
    | UpgradeThirdVersion
    | UpgradeMajorJump
    | OperatorKillsInsteadOfStopping
    | OperatorForgetsDrain
    | OperatorFinalisesEarly
    | OperatorUpgradesAllAtOnce,
    Field(discriminator="name"),
]
"""A fault as it is written in a scenario: ``name`` decides which other keys there are."""


def _by_name() -> dict[str, type[Fault]]:
    union = AnyFault.__origin__  # type: ignore[attr-defined]  # typing gives Annotated no public way to it
    return {kind.model_fields["name"].annotation.__args__[0]: kind for kind in union.__args__}


FAULTS: dict[str, type[Fault]] = _by_name()
