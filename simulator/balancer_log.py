"""What the load balancer itself logged: attempts are there that no client ever hears of.

A request that was sent to a stopped node, refused there and dispatched again to another one has a good answer, from
the other one. Only the access log tells.
"""

import json
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from simulator.record.requests import number_of, request_id
from simulator.verdict.lag import Leaving
from simulator.verdict.model import Absence
from zdu.events import BalancerAudited

MAX_LATE = 20_000
"""So many attempts to leaving nodes are told; the latest ones, which the lag is about."""


def audit_balancer_log(
    path: Path,
    absences: Iterable[Absence],
    since_start_s: Callable[[float], float],
    failed: Iterable[int] = (),
    leavings: Iterable[Leaving] = (),
) -> BalancerAudited:
    """Count the attempts in the access log and name those that went to a node while it was out.

    Those that went to one after it had said that it was leaving (``leavings``) are told with their time.

    ``since_start_s`` turns the log's monotonic seconds into seconds of the run; ``failed`` are the numbers of the
    requests whose way through the load balancer is wanted. A log that is not there has none.
    """
    out, leaving = list(absences), list(leavings)
    late: deque[dict[str, Any]] = deque(maxlen=MAX_LATE)
    wanted = {request_id(number): str(number) for number in failed}
    sent_to: dict[str, list[str]] = {}
    attempts = 0
    stray: list[str] = []
    with suppress(FileNotFoundError), path.open(encoding="utf-8") as log:
        for line in filter(None, map(_parsed, log)):
            if line.get("request_id") in wanted:
                sent_to[wanted[line["request_id"]]] = [attempt["node"] for attempt in line["attempts"]]
            for attempt in line["attempts"]:
                attempts += 1
                t_s = since_start_s(attempt["began_s"])
                if any(absence.node == attempt["node"] and absence.covers(t_s) for absence in out):
                    what = f"{line['method']} {line['target']}"
                    stray.append(f"the load balancer sent {what} of {t_s:.2f} s to {attempt['node']}")
                if any(stretch.covers(attempt["node"], t_s) for stretch in leaving):
                    number = number_of(line.get("request_id", ""))
                    late.append({"node": attempt["node"], "at_s": round(t_s, 4), "request": number})
    return BalancerAudited(attempts, stray, sent_to, list(late))


def _parsed(line: str) -> dict[str, Any] | None:
    """A line of the log; None for one that was cut off."""
    try:
        parsed: dict[str, Any] = json.loads(line)
    except ValueError:
        return None
    return parsed
