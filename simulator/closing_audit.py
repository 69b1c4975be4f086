"""The last look before everything is stopped: what users were told is compared with what the cluster has kept."""

import asyncio
from collections.abc import Mapping

from simulator.application.looks import NodeLook
from simulator.audit import AuditFailed, Auditor, audit_cluster
from simulator.balancers.audit import Inquiry
from simulator.balancers.balancer import LoadBalancer
from simulator.clients.jira_admin import JiraAdmin
from simulator.cluster import DatabaseTarget
from simulator.node_logs import audit_node_logs
from simulator.picture import Picture
from simulator.record.recorder import Recorder
from simulator.record.run_folder import RunFolder
from simulator.verdict.lag import BY_LOGS_MS, BY_LOOKING_MS, leavings_in, states_seen
from simulator.verdict.model import find_absences
from zdu.events import BalancerAudited, ClusterAudited, NotAudited

LOG_WITHIN_S = 5.0
"""Load balancers gather lines of their log for a moment; within this time the last of them has to be there."""
LOOK_AGAIN_S = 0.2


async def audit(
    folder: RunFolder,
    database: DatabaseTarget,
    recorder: Recorder,
    *,
    picture: Picture,
    admins: Mapping[str, JiraAdmin],
    balancer: LoadBalancer,
) -> None:
    """Ask nodes, load balancer, their logs and the database, and record what they say."""
    serving = {name for name, node in picture.nodes.items() if node.running and not node.failed}
    alive = {name: admin for name, admin in admins.items() if name in serving}
    recorder.event(await audit_cluster(admins))
    absences = find_absences(recorder.envelopes)
    failed = [request.id for request in recorder.requests if request.failed]
    logs = {node: folder.logs / f"{node}.log" for node in admins}
    node_logs = audit_node_logs(logs, recorder.since_start_of_wall_s)
    recorder.event(node_logs)
    told = [(state["t_s"], state["node"], state["state"]) for state in node_logs.states]
    leavings = leavings_in(told, BY_LOGS_MS)
    answered_by = {request.id: request.node for request in recorder.requests if request.node}
    clocks = recorder.since_start_s, recorder.since_start_of_wall_s
    asked = Inquiry(absences, leavings, failed, answered_by, *clocks)
    recorder.event(await _whole_log(balancer, asked))
    auditor = Auditor(database)
    try:
        recorder.event(await auditor.upgrade_history())
        recorder.event(await auditor.writes(recorder.requests, alive))
    except AuditFailed as error:
        recorder.event(NotAudited(str(error)))
    finally:
        await auditor.close()
    status = await balancer.status()
    if status is not None:
        folder.write_json("load-balancer.json", status)


async def audit_application(
    folder: RunFolder, recorder: Recorder, picture: Picture, *, looks: Mapping[str, NodeLook], balancer: LoadBalancer
) -> None:
    """Ask the nodes of another application and the load balancer, and record what they say."""
    said = {}
    for name, look in looks.items():
        status = await look.status() if picture.nodes[name].running else None
        said[name] = {"version": picture.nodes[name].version, "state": status.state if status else "no good answer"}
    recorder.event(ClusterAudited(said))
    failed = [request.id for request in recorder.requests if request.failed]
    answered_by = {request.id: request.node for request in recorder.requests if request.node}
    clocks = recorder.since_start_s, recorder.since_start_of_wall_s
    leavings = leavings_in(states_seen(recorder.envelopes), BY_LOOKING_MS)
    asked = Inquiry(find_absences(recorder.envelopes), leavings, failed, answered_by, *clocks)
    recorder.event(await _whole_log(balancer, asked))
    status_of_balancer = await balancer.status()
    if status_of_balancer is not None:
        folder.write_json("load-balancer.json", status_of_balancer)


async def _whole_log(balancer: LoadBalancer, asked: Inquiry) -> BalancerAudited:
    """Read the load balancer's log, again if it does not have an attempt yet for each request that was answered."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + LOG_WITHIN_S
    while True:
        audited = balancer.audit(asked)
        if audited.untold or audited.attempts >= len(asked.answered_by) or loop.time() > until_s:
            return audited
        await asyncio.sleep(LOOK_AGAIN_S)
