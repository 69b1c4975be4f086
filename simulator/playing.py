"""Plays a plan from beginning to end: the record, the run, the conclusion. For every command that runs a scenario."""

import asyncio
from collections.abc import Callable

import click

from simulator.conclude import Conclusion, conclude
from simulator.dashboard.audience import Audience
from simulator.database_target import drop_database
from simulator.record.recorder import Recorder
from simulator.run import Run
from simulator.stage import RunPlan, View
from zdu.process import new_event_loop


def play(
    plan: RunPlan, recorder: Recorder, choose_view: Callable[[], View], audience: Audience | None = None
) -> tuple[Conclusion, bool]:
    """Play and judge; whether somebody interrupted it. The audience has its page before the first process starts.

    Raises a ZduError when the run could not go on.
    """
    conclusion = None
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        if audience:
            runner.run(audience.open(port=0))
            click.echo(f"Dashboard  {audience.page_url}", err=True)
        try:
            view = choose_view()
            recorder.follow(view.on_event, view.on_request)
            one_run = Run(plan, recorder, view, audience)
            try:
                runner.run(one_run.execute())
                recorder.close()
            finally:
                view.close()
            conclusion = conclude(plan.folder)
        finally:
            if audience:
                runner.run(audience.close(conclusion))
    if conclusion.verdict.word == "pass":
        drop_database(plan.database)
    return conclusion, one_run.interrupted
