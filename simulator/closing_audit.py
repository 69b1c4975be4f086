"""The last look before everything is stopped: what users were told is compared with what the cluster has kept."""

from collections.abc import Mapping
from contextlib import suppress

import aiohttp

from simulator.audit import AuditFailed, Auditor, audit_cluster
from simulator.balancer_log import audit_balancer_log
from simulator.clients.jira_admin import JiraAdmin
from simulator.cluster import BALANCER, DatabaseTarget
from simulator.node_logs import audit_node_logs
from simulator.observers import BalancerWatch
from simulator.picture import Picture
from simulator.record.recorder import Recorder
from simulator.record.run_folder import RunFolder
from simulator.verdict.lag import BY_LOGS_MS, leavings_in
from simulator.verdict.model import find_absences
from zdu.events import NotAudited


async def audit(
    folder: RunFolder,
    database: DatabaseTarget,
    recorder: Recorder,
    *,
    picture: Picture,
    admins: Mapping[str, JiraAdmin],
    balancer: BalancerWatch,
) -> None:
    """Ask nodes, load balancer, their logs and the database, and record what they say."""
    serving = {name for name, node in picture.nodes.items() if node.running and not node.failed}
    alive = {name: admin for name, admin in admins.items() if name in serving}
    recorder.event(await audit_cluster(admins))
    absences = find_absences(recorder.envelopes)
    failed = [request.id for request in recorder.requests if request.failed]
    log = folder.logs / f"{BALANCER}-access.jsonl"
    logs = {node: folder.logs / f"{node}.log" for node in admins}
    node_logs = audit_node_logs(logs, recorder.since_start_of_wall_s)
    recorder.event(node_logs)
    told = [(state["t_s"], state["node"], state["state"]) for state in node_logs.states]
    leavings = leavings_in(told, BY_LOGS_MS)
    recorder.event(audit_balancer_log(log, absences, recorder.since_start_s, failed, leavings))
    auditor = Auditor(database)
    try:
        recorder.event(await auditor.upgrade_history())
        recorder.event(await auditor.writes(recorder.requests, alive))
    except AuditFailed as error:
        recorder.event(NotAudited(str(error)))
    finally:
        await auditor.close()
    with suppress(aiohttp.ClientError, TimeoutError):
        folder.write_json("load-balancer.json", await balancer.status())
