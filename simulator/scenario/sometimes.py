"""The sentences of ``expect.sometimes``: what must have happened at least once, or the run has shown nothing. Pure.

A limit that was never put to the test holds without effort. So a scenario says what it wants to have seen:

    MIXED serves both versions      a session moves at least 10 times
    node1 is DRAINING               fault net.latency fires
"""

import re
from dataclasses import dataclass

from simulator.scenario.objectives import CLUSTER_STATES
from simulator.scenario.words import Reader

NODE_STATES = ("STARTING", "RUNNING", "DRAINING", "STOPPING", "MAINTENANCE", "ERROR", "out")
_FAULT = re.compile(r"[a-z]+\.[a-z_]+")

HAPPENINGS = {
    "MIXED serves both versions": "While the cluster was MIXED, users got good answers from each version.",
    "a session moves": "Another node answered a session than before.",
    "a session meets an older version": "A session moved from a node of the new version to one of the old.",
    "a user is signed in silently": "Remember-me signed somebody in, unseen.",
    "a user meets the log-in page": "A signed-in user was sent to the log-in page.",
    "a request fails": "A person would have noticed.",
    "a request is retried": "The load balancer dispatched a request more than once.",
    "a search is behind": "A search did not show a change yet.",
    "a write is ambiguous": "A write got no clear answer.",
    "an outage is seen": "Probes were bad for a while.",
}
"""Whole sentences; the others have a name in them."""
WITH_NAMES = {
    "cluster is STATE": f"The cluster was in that state, one of {', '.join(CLUSTER_STATES)}.",
    "node1 is STATE": f"The node was, or `a node is STATE`: any was; one of {', '.join(NODE_STATES)}.",
    "fault NAME fires": "The fault took effect.",
}


@dataclass(frozen=True)
class Sometimes:
    """One sentence, understood: ``what`` is one of :data:`HAPPENINGS`, or ``cluster``, ``node`` or ``fault``.

    ``state`` and ``name`` say which; an empty ``name`` of a node is any of them. ``least`` is how often.
    """

    text: str
    what: str
    state: str = ""
    name: str = ""
    least: int = 1


def parse_sometimes(text: str) -> Sometimes:
    """Understand one sentence. Raises Misread."""
    words = Reader(text)
    what, state, name = _happening(words)
    least = 1
    if words.take("at least"):
        number, _ = words.take_number("a whole number")
        if number != int(number) or number < 1:
            raise words.misread_last("expected a whole number, at least 1")
        least = int(number)
        if not words.take("time"):
            words.expect("times")
    words.end(() if least > 1 else ("at least N times",))
    return Sometimes(words.text, what, state, name, least)


def _happening(words: Reader) -> tuple[str, str, str]:
    """What it is about, the state if there is one, and the name if there is one."""
    if words.take("cluster is"):
        return "cluster", words.take_one_of(CLUSTER_STATES, "a state of the cluster"), ""
    if words.take("fault"):
        found = words.take_match(_FAULT)
        if found is None:
            raise words.misread_next("expected the name of a fault, such as net.latency")
        words.expect("fires")
        return "fault", "", found[0]
    if words.take("a node is"):
        return "node", words.take_one_of(NODE_STATES, "a state of a node"), ""
    node = words.take_node()
    if node:
        words.expect("is")
        return "node", words.take_one_of(NODE_STATES, "a state of a node"), node
    known = {sentence: sentence for sentence in HAPPENINGS}
    return words.take_phrase(known, "as something that may happen", [*WITH_NAMES]), "", ""
