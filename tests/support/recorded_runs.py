"""Run folders as a run leaves them, written by the recorder without starting anything."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from simulator.record.recorder import Recorder
from simulator.record.requests import RequestRecord
from simulator.record.run_folder import RunFolder, create_run_folder
from simulator.scenario import load
from tests.support.evidence import good_events, good_requests
from zdu.clock import ManualClock
from zdu.events import Event, RunStarted

PLAYED = ("load.users=2", "cluster.nodes=2")


def record_run(
    out: Path,
    events: Sequence[tuple[float, Event]] | None = None,
    requests: Sequence[RequestRecord] | None = None,
) -> RunFolder:
    """A run of the Valiantys scenario below ``out``; a good one unless something else is given."""
    scenario = load("valiantys", PLAYED)
    clock = ManualClock()
    folder = create_run_folder(out, scenario.name, clock)
    recorder = Recorder(folder.path, clock)
    for at_s, event in sorted(events if events is not None else good_events(), key=lambda timed: timed[0]):
        clock.now_s = at_s
        recorder.event(replace(event, played=scenario.as_played()) if isinstance(event, RunStarted) else event)
    for request in requests if requests is not None else good_requests():
        recorder.request(request)
    recorder.close()
    return folder
