"""Plays a plan from beginning to end: the record, the run, the conclusion. For every command that runs a scenario."""

import asyncio

from simulator.conclude import Conclusion, conclude
from simulator.database_target import drop_database
from simulator.record.recorder import Recorder
from simulator.run import Run
from simulator.stage import RunPlan, View
from zdu.clock import Clock
from zdu.process import new_event_loop


def play(plan: RunPlan, view: View, clock: Clock) -> tuple[Conclusion, bool]:
    """The conclusion, and whether somebody interrupted the run. Raises a ZduError when the run could not go on."""
    recorder = Recorder(plan.folder.path, clock)
    recorder.follow(view.on_event, view.on_request)
    one_run = Run(plan, recorder, view)
    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(one_run.execute())
        recorder.close()
    finally:
        view.close()
    conclusion = conclude(plan.folder)
    if conclusion.verdict.word == "pass":
        drop_database(plan.database)
    return conclusion, one_run.interrupted
