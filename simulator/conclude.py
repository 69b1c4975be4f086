"""From the record of a run to its verdict, its result and its report.

A run that has just ended and one of last year go the same way: only what was written to the run's folder counts.
"""

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from simulator.junit import junit_xml
from simulator.record.reading import RunRecord, UnreadableRecord, read_run
from simulator.record.run_folder import RunFolder
from simulator.report import render_report
from simulator.result import build_result
from simulator.retelling import retell
from simulator.scenario.expectations import Expectations
from simulator.scenario.model import Scenario
from simulator.verdict import Evidence, Verdict, reach_verdict
from simulator.verdict.judge import EXIT_CODES
from zdu.errors import ExitCode


@dataclass(frozen=True)
class Conclusion:
    """What is left of a run for people and programs."""

    folder: RunFolder
    verdict: Verdict
    result: dict[str, Any]

    @property
    def exit_code(self) -> ExitCode:
        """0, 1 or 2."""
        return EXIT_CODES[self.verdict.word]


@dataclass(frozen=True)
class JudgedRun:
    """A record, and what follows from it."""

    record: RunRecord
    verdict: Verdict
    result: dict[str, Any]


def conclude(folder: RunFolder) -> Conclusion:
    """Judge the run and write ``result.json``, ``junit.xml`` and ``report.html`` into its folder.

    Raises UnreadableRecord when its record cannot be read, RecordError when the folder cannot be written.
    """
    run = judge_run(folder)
    result = run.result
    folder.write_json("result.json", result)
    folder.write_text("junit.xml", junit_xml(result, run.verdict))
    folder.write_text("report.html", render_report(result, run.record.envelopes, run.record.requests))
    return Conclusion(folder, run.verdict, result)


def judge_run(folder: RunFolder) -> JudgedRun:
    """Judge the run in ``folder`` and leave everything there as it is. Raises UnreadableRecord."""
    record = read_run(folder)
    if record.started.certified:
        evidence = _evidence_of_others(record)
        verdict = reach_verdict(evidence)
        return JudgedRun(record, verdict, build_result(evidence, verdict))
    scenario = _scenario(folder, record.started.played)
    if record.started.by_hand:
        scenario = retell(scenario, record.envelopes, record.requests)
    seed = record.started.seed
    rolled = [node for step in scenario.steps if step.roll for node in scenario.rolled_by(step.roll, seed)]
    evidence = Evidence(
        envelopes=record.envelopes,
        requests=record.requests,
        control=record.control,
        expect=scenario.expect,
        nodes=scenario.cluster.node_ids,
        rolled=tuple(dict.fromkeys(rolled)),
        version_from=scenario.version_from,
        version_to=scenario.version_to,
        refusals=scenario.refusals,
        breaches=scenario.breaches,
        rolled_back_from=scenario.rolled_back_from,
        users=scenario.load.users,
        sessions_kind=scenario.sessions if scenario.of_jira else "unknown",
        wanted={} if scenario.of_jira else scenario.versions_in_the_end,
        sticky=scenario.balancer.stickiness != "none",
        search_delay_s=scenario.search_delay_s,
    )
    verdict = reach_verdict(evidence)
    return JudgedRun(record, verdict, build_result(evidence, verdict))


def _evidence_of_others(record: RunRecord) -> Evidence:
    """The record of a system that is not ours: no nodes, no versions, and what was expected on the command line."""
    facts = record.started.certified
    return Evidence(
        envelopes=record.envelopes,
        requests=record.requests,
        control=record.control,
        expect=Expectations(objectives=tuple(facts["objectives"])),
        nodes=(),
        rolled=(),
        version_from="",
        version_to="",
        users=facts["users"],
        sessions_kind="unknown",
        certified=facts,
    )


def _scenario(folder: RunFolder, played: dict[str, Any]) -> Scenario:
    """What was to be played. Raises UnreadableRecord if the record does not say, or in words that are none now."""
    if not played:
        raise UnreadableRecord(
            f"the record of {folder.path} does not say what was expected of the run",
            hint="A version of zdu has written it that did not keep the scenario in it; its own report still stands.",
        )
    try:
        return Scenario.model_validate(played)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UnreadableRecord(
            f"the scenario in the record of {folder.path} is none that this zdu knows: {place}: {first['msg']}",
            hint="Another version of zdu has written it; that version can judge it again.",
        ) from error
