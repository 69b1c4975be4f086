"""From the record of a run to its verdict, its result and its report."""

from dataclasses import dataclass
from typing import Any

from simulator.junit import junit_xml
from simulator.record.recorder import Recorder
from simulator.report import render_report
from simulator.result import build_result
from simulator.stage import RunPlan
from simulator.verdict import Evidence, Verdict, reach_verdict
from simulator.verdict.judge import EXIT_CODES
from zdu.errors import ExitCode


@dataclass(frozen=True)
class Conclusion:
    """What is left of a run for people and programs."""

    plan: RunPlan
    verdict: Verdict
    result: dict[str, Any]

    @property
    def exit_code(self) -> ExitCode:
        """0, 1 or 2."""
        return EXIT_CODES[self.verdict.word]


def conclude(plan: RunPlan, recorder: Recorder) -> Conclusion:
    """Judge the run and write ``result.json``, ``junit.xml`` and ``report.html`` into its folder."""
    scenario = plan.scenario
    rolled = [node for step in scenario.timeline if step.roll for node in scenario.nodes_of(step.roll)]
    evidence = Evidence(
        envelopes=recorder.envelopes,
        requests=recorder.requests,
        control=recorder.control,
        expect=scenario.expect,
        nodes=scenario.cluster.node_ids,
        rolled=tuple(dict.fromkeys(rolled)),
        version_from=scenario.version_from,
        version_to=scenario.version_to,
        refusals=scenario.refusals,
        rolled_back_from=scenario.rolled_back_from,
        users=scenario.load.users,
        sessions_kind=scenario.sessions,
        search_delay_s=scenario.search_delay_s,
    )
    verdict = reach_verdict(evidence)
    result = build_result(evidence, verdict)
    plan.folder.write_json("result.json", result)
    plan.folder.write_text("junit.xml", junit_xml(scenario.name, result["duration_s"], verdict))
    plan.folder.write_text("report.html", render_report(result, recorder.envelopes, recorder.requests))
    return Conclusion(plan, verdict, result)
