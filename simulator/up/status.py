"""The whole state of a living cluster, what is sensible next included."""

from dataclasses import asdict
from typing import Any

from node.releases import find_release, known_versions
from simulator.dashboard.feed import Feed
from simulator.dashboard.status import status_of_stage
from simulator.faults.forms import fault_forms
from simulator.scenario.library import shipped_scenarios
from simulator.stage import Stage
from simulator.up.advice import next_commands, target_of
from simulator.up.living import LivingCluster


def status_of(
    name: str, stage: Stage, feed: Feed, living: LivingCluster | None, *, to_be_named: bool
) -> dict[str, Any]:
    """``living`` is None until every node serves for the first time; ``to_be_named``: the commands have its name."""
    status = status_of_stage(name, stage.plan, stage, feed)
    status |= {
        "commanded": True,
        "paced": True,
        "versions": _newer_versions(status["base"]),
        "scenarios": list(shipped_scenarios()),
        "faults": fault_forms(),
        "wanted_while_mixed": stage.plan.scenario.expect.min_requests_per_version_while_mixed,
    }
    if living is None:
        return {**status, "phase": "starting", "state": "", "target": "", "users": 0, "under_way": "", "next": []}
    now = living.now()
    if living.ended.is_set() and not feed.verdict:
        status["phase"] = "stopping"
    return {
        **status,
        "state": now.state,
        "base": now.base,
        "target": target_of(now),
        "users": now.users,
        **living.pace.words,
        "under_way": now.under_way,
        "next": [asdict(advice) for advice in next_commands(now, name if to_be_named else "")],
    }


def _newer_versions(version: str) -> list[str]:
    if version not in known_versions():  # that of another application
        return []
    numbers = find_release(version).numbers
    return [other for other in known_versions() if find_release(other).numbers > numbers]
