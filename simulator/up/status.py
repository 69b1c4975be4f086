"""The whole state of a living cluster, for ``zdu status``, the dashboard and programs."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from node.releases import find_release, known_versions
from simulator.dashboard.feed import Feed
from simulator.picture import NodePicture
from simulator.scenario.library import shipped_scenarios
from simulator.stage import Stage
from simulator.up.advice import next_commands, target_of
from simulator.up.living import LivingCluster


def status_of(name: str, stage: Stage, feed: Feed, living: LivingCluster | None) -> dict[str, Any]:
    """``living`` is None until every node serves for the first time."""
    cluster = stage.plan.scenario.cluster
    started = living is not None
    status: dict[str, Any] = {
        "name": name,
        "run_folder": str(stage.plan.folder.path),
        "title": stage.plan.scenario.title,
        "phase": _phase(living, feed),
        "time_scale": cluster.time_scale,
        "database": stage.plan.database.url.partition("://")[0],
        "urls": _urls(stage) if started else {"application": "", "lb_status": "", "nodes": {}},
        "nodes": [_node(node, feed.balancer.get(node.node_id, {})) for node in stage.picture.nodes.values()],
        "state": "",
        "base": cluster.version,
        "target": "",
        "users": 0,
        "under_way": "",
        "next": [],
        "load": feed.figures(),
        "commanded": True,
        "versions": _newer_versions(cluster.version),
        "scenarios": list(shipped_scenarios()),
    }
    if living is not None:
        now = living.now()
        status |= {"state": now.state, "base": now.base, "target": target_of(now), "users": now.users}
        status |= {"under_way": now.under_way, "next": [asdict(advice) for advice in next_commands(now)]}
    return status


def _newer_versions(version: str) -> list[str]:
    numbers = find_release(version).numbers
    return [other for other in known_versions() if find_release(other).numbers > numbers]


def _phase(living: LivingCluster | None, feed: Feed) -> str:
    if feed.verdict:
        return "down"
    if living is None:
        return "starting"
    return "stopping" if living.ended.is_set() else "up"


def _urls(stage: Stage) -> dict[str, Any]:
    return {
        "application": stage.cluster.balancer_url,
        "lb_status": stage.cluster.balancer_admin_url,
        "nodes": {node_id: stage.cluster.node_url(node_id) for node_id in stage.picture.nodes},
    }


def _node(node: NodePicture, at_balancer: Mapping[str, Any]) -> dict[str, Any]:
    state = node.state
    if not node.running:
        state = "DIED" if node.crashed else "stopped"
    elif node.paused:
        state = "paused"
    said = node.balancer
    return {
        "id": node.node_id,
        "version": node.version,
        "state": state,
        "cluster_state": node.cluster_state,
        "serving": node.serving,
        "drained": node.drained,
        "balancer": {
            "admin": said["admin"] if said else "",
            "operational": said["operational"] if said else "",
            "reason": said["reason"] if said else "",
            "sessions": at_balancer.get("sessions"),
            "in_flight": at_balancer.get("in_flight"),
        },
    }
