"""The whole state of a cluster at this moment, for the dashboard and for programs."""

from collections.abc import Mapping
from typing import Any

from simulator.dashboard.feed import Feed
from simulator.picture import NodePicture
from simulator.stage import RunPlan, Stage


def status_of_stage(name: str, plan: RunPlan, stage: Stage | None, feed: Feed) -> dict[str, Any]:
    """What is known of every cluster, a run's or one that is up; ``stage`` is None before anything is started."""
    cluster = plan.scenario.cluster
    nodes = stage.picture.nodes.values() if stage else [NodePicture(node_id) for node_id in cluster.node_ids]
    phase = "down" if feed.verdict else "up" if stage and stage.started else "starting"
    return {
        "name": name,
        "run_folder": str(plan.folder.path),
        "title": plan.scenario.title,
        "phase": phase,
        "time_scale": cluster.time_scale,
        "database": plan.database.url.partition("://")[0],
        "urls": _urls(stage) if stage and stage.started else {"application": "", "lb_status": "", "nodes": {}},
        "nodes": [_node(node, feed.balancer.get(node.node_id, {})) for node in nodes],
        "base": cluster.version,
        "commanded": False,
        "load": feed.figures(),
    }


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
