"""The checks of a run with another application: those of a run without what only Jira has. Pure.

No upgrade state, no database to look into: nothing is said of what was written. The rest stands: who failed, which
sessions moved and why, whether each node was really out, and whether there was enough to see.
"""

from collections import Counter
from collections.abc import Iterator

from simulator.verdict.completeness import absences_were_seen, every_request_has_its_outcome, unread_log
from simulator.verdict.consistency import (
    answers_come_from_where_they_say,
    sessions_move_for_a_reason,
    versions_come_in_order,
)
from simulator.verdict.faults import faults_took_effect
from simulator.verdict.model import Check, CheckKind, Evidence
from simulator.verdict.objectives import objectives_hold
from simulator.verdict.promises import processes_live, story_is_played, taken_out_is_out
from simulator.verdict.proofs import (
    generator_had_what_it_needs,
    probes_kept_their_rate,
    probes_looked_everywhere,
    sessions_moved,
    users_worked_throughout,
    was_not_interrupted,
)
from simulator.verdict.rolling import breaches_come
from simulator.verdict.sessions import SessionReport
from simulator.verdict.sometimes import sometimes_seen
from zdu.events import BalancerAudited, ClusterAudited, NodeNotStarted, ProcessStarted

SERVES = "RUNNING"


def nodes_run_what_they_should(evidence: Evidence) -> Iterator[Check]:
    """In the end each node was started with the wanted version, and its health check passes."""
    for _, audit in evidence.events(ClusterAudited):
        wrong = [
            f"{node} runs {said.get('version') or 'nothing'}, {said.get('state')}"
            for node, said in audit.nodes.items()
            if (said.get("version"), said.get("state")) != (evidence.wanted.get(node), SERVES)
        ]
        told = ", ".join(f"{node} runs {version}" for node, version in evidence.wanted.items())
        yield Check(
            "every node runs its version",
            "a node does not run its version",
            CheckKind.PROMISE,
            not wrong,
            "; ".join(wrong) or f"{told}, and their health checks pass",
            undecided=bool(wrong) and evidence.undecided_end,
        )


def each_version_saw_traffic(evidence: Evidence) -> Iterator[Check]:
    """From the first time that a node was out until the last one was back, every version answered users, and well."""
    started = [event for _, event in evidence.events(ProcessStarted) if event.process in evidence.nodes]
    versions = tuple(dict.fromkeys(event.version for event in started))
    if len(versions) < 2:
        return
    least = evidence.expect.min_requests_per_version_while_mixed
    window = evidence.rolled_within
    answered = Counter(
        request.version
        for request in evidence.user_requests
        if window and not request.failed and window[0] <= request.sent_s <= window[1]
    )
    detail = ", ".join(f"{answered[version]} requests answered by {version}" for version in versions)
    ok = all(answered[version] >= least for version in versions)
    yield Check(
        "each version saw traffic during the roll",
        "a version saw too little traffic during the roll",
        CheckKind.PROOF,
        ok,
        detail if ok else f"{detail}; {least} each are needed",
    )


def everybody_was_asked(evidence: Evidence) -> Iterator[Check]:
    """At the end the nodes were asked, and the load balancer's log was read."""
    missing = [] if evidence.events(ClusterAudited) else ["the nodes were not asked whether they serve"]
    missing += [] if evidence.events(BalancerAudited) else ["the load balancer's log was not read"]
    missing += unread_log(evidence)
    yield Check(
        "the audit at the end was complete",
        "the audit at the end was not complete",
        CheckKind.PROOF,
        not missing,
        "; ".join(missing) or "the nodes and the load balancer's log were asked",
    )


APPLICATION = (
    objectives_hold,
    answers_come_from_where_they_say,
    sessions_move_for_a_reason,
    versions_come_in_order,
    taken_out_is_out,
    processes_live,
    story_is_played,
    nodes_run_what_they_should,
    breaches_come,
    was_not_interrupted,
    sessions_moved,
    each_version_saw_traffic,
    probes_kept_their_rate,
    probes_looked_everywhere,
    users_worked_throughout,
    generator_had_what_it_needs,
    faults_took_effect,
    every_request_has_its_outcome,
    absences_were_seen,
    everybody_was_asked,
    sometimes_seen,
)


def application_sentence(evidence: Evidence, sessions: SessionReport) -> str:
    """What a good run means, and no more: nobody looked at what was written."""
    rolled, before, after = len(evidence.rolled), evidence.version_from, evidence.version_to
    journey = f"{rolled} nodes went from {before} to {after}"
    not_up = [event for _, event in evidence.events(NodeNotStarted)]
    if before == after:
        tried = (
            f"{not_up[0].node} could not start with {not_up[0].version}"
            if not_up
            else f"{rolled} nodes were upgraded"
        )
        journey = f"{tried} and all are back at {after}"
    failed, lost = len(evidence.failed_requests), len(sessions.lost)
    noticed = "Within what was allowed" if failed or lost else "Nobody noticed"
    return (
        f"{noticed}: {journey} while {evidence.users} visitors read. Of "
        f"{len(evidence.requests):,} requests {failed or 'none'} failed, {sessions.moved} sessions moved and "
        f"{lost or 'none'} was lost."
    )
