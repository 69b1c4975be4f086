"""What each lesson asks, what of its file may be changed, and one answer that is right.

A lesson's exercise is a scenario that comes with zdu, without its twin, which would be the answer, and with a few
things changed. Everything is held fixed except what the lesson is about: an answer with nobody at work, or without
an upgrade, would pass and mean nothing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from zdu.errors import UsageError


@dataclass(frozen=True)
class Limit:
    """A key that may be changed, but only to values of this ``pattern``; ``why`` says what the others would miss."""

    key: str
    pattern: str
    why: str

    def allows(self, value: str) -> bool:
        """Whether the value is one of them."""
        return re.fullmatch(self.pattern, value) is not None


@dataclass(frozen=True)
class Lesson:
    """One lesson. Keys have dots between them, and entries of lists are counted from 1, as for ``--set``."""

    number: int
    title: str
    scenario: str
    """What the exercise is made from: a scenario that is broken on purpose."""
    task: str
    yours: tuple[str, ...]
    """What may be changed: these keys and all below them."""
    hint: str
    solved: str
    """What to remember, once it is."""
    answer: Mapping[str, str]
    """One way to do it, as for ``--set``; an empty value takes the key away."""
    changes: Mapping[str, str] = field(default_factory=dict)
    """What is different from the scenario in the exercise, as YAML."""
    objectives: tuple[str, ...] = ()
    """What has to hold besides the scenario's own objectives."""
    limits: tuple[Limit, ...] = ()
    chapter: str = ""
    """The scenario that the chapter breaks, if another one; its twin is the chapter's way to mend it."""

    @property
    def file_name(self) -> str:
        """What the exercise's file is called."""
        return f"lesson-{self.number}.yaml"


LESSONS = (
    Lesson(
        number=1,
        title="Round robin without stickiness",
        scenario="no-stickiness",
        task=(
            "Sessions are in the memory of one node, and the load balancer sends each request to any node. Mend "
            "it with what Jira and a load balancer really have: users may tick remember-me, and the load balancer "
            "may set a cookie. One of the two alone is not enough: users must be kept from the log-in page, and "
            "from being signed in anew all the time (silent sign-ins <= 45)."
        ),
        yours=("balancer.stickiness", "sessions"),
        objectives=("silent sign-ins <= 45",),
        limits=(
            Limit(
                "sessions",
                "in-memory|remember-me",
                "Jira has no sessions that every node knows; lesson 5 is about them",
            ),
        ),
        hint=(
            "The cookie keeps a session on its node for as long as the node is there. When the node leaves for "
            "its upgrade, something else has to save the user."
        ),
        solved=(
            "Stickiness keeps a session where its memory is; remember-me carries its user over the one move that "
            "an upgrade cannot avoid."
        ),
        answer={"balancer.stickiness": "insert", "sessions": "remember-me"},
    ),
    Lesson(
        number=2,
        title="Stickiness without health checks",
        scenario="no-health-checks",
        task=(
            "Node 2 stands still for thirteen seconds and its users wait for it, because the load balancer has to "
            "see a hundred failed checks before it believes them. Let it notice in time, so that no outage lasts "
            "five seconds, without taking a node out that is only slow for a moment: at least two checks in a row "
            "must have failed."
        ),
        yours=("balancer.fall", "balancer.inter", "balancer.timeout"),
        limits=(Limit("balancer.fall", r"[2-9]|\d{2,}", "a single slow answer would take a node out"),),
        hint="A dead node is noticed after about fall × (inter + timeout), and who is on it waits so long.",
        solved=(
            "Stickiness needs somebody who looks whether the node is still there. How long users wait is yours to "
            "choose: fall × (inter + timeout)."
        ),
        answer={"balancer.fall": "3"},
    ),
    Lesson(
        number=3,
        title="A health check that trusts any 200",
        scenario="health-trusts-any-200",
        task=(
            "The load balancer takes a node for well as soon as /status answers 200, and Jira answers 200 while "
            "it is STARTING. Let the check read what the page says. To wait longer (rise, inter) is not asked "
            "for: that would be a guess about how long a start takes."
        ),
        yours=("balancer.expect_state",),
        hint='/status answers {"state": …}. Which state has a node that can serve users?',
        solved="A code says that somebody answered. Whether users can be served is in the answer itself.",
        answer={"balancer.expect_state": "RUNNING"},
    ),
    Lesson(
        number=4,
        title="Stopped without a drain",
        scenario="drain-too-short",
        chapter="no-drain",
        task=(
            "This operator does drain, and is impatient: each node is stopped 300 ms after it has asked to be "
            "drained, and the load balancer lets users finish what they are at for two seconds. Nobody may "
            "notice. There is more than one way; the upgrade may take longer."
        ),
        yours=("balancer.drain_deadline", "timeline.3.roll.drain", "timeline.3.roll.drain_deadline"),
        limits=(Limit("timeline.3.roll.drain", "own|deadline", "drain: none is what the chapter began with"),),
        hint="Who stops a node must wait for who drains it; or let the load balancer say itself when nobody is left.",
        solved="A drain is over when nobody is left on the node, not when a time is up.",
        answer={"timeline.3.roll.drain": "own", "timeline.3.roll.drain_deadline": ""},
    ),
    Lesson(
        number=5,
        title="Sessions that do not move",
        scenario="session-lost-on-move",
        task=(
            "Here users also edit several issues at once, over three pages, and what they chose is kept in their "
            "session. The chapter's way, remember-me, signs them in again and loses that work. Nothing may be "
            "lost: neither a session nor a half-done bulk edit."
        ),
        yours=("sessions",),
        changes={"load.mix": "{bulk_edit: 12}"},
        hint="Where would a session have to be, for the next node to find everything that is in it?",
        solved=(
            "What must outlive a node must not be in its memory. Each request now costs a look into the database, "
            "and Jira itself does not do this: plan upgrades for when nobody is in the middle of a bulk edit."
        ),
        answer={"sessions": "shared"},
    ),
    Lesson(
        number=6,
        title="A schema that breaks the old version",
        scenario="bad-release-breaks-old-nodes",
        task=(
            "A different bad release: this time node 2 can still read, and fails when its users write. Find out "
            "from the verdict which statement fails on which version, and give the cluster a 7.3.2 that both "
            "versions can live with. Both nodes have to end on the same release."
        ),
        yours=("timeline.3.roll.to", "timeline.5.roll.to"),
        changes={
            "timeline.3.title": '"Node 1 gets the new release"',
            "timeline.3.text": '"A release may add to the schema when its first node starts."',
            "timeline.3.roll.to": '"7.3.2+bad-not-null"',
            "timeline.4.title": '"Node 2 still runs the old one"',
            "timeline.5.title": '"Node 2 gets the new release"',
            "timeline.5.text": '"Both have to end on the same one."',
            "timeline.5.roll.to": '"7.3.2+bad-not-null"',
            "timeline.7.title": '"Users go on working"',
        },
        limits=(
            Limit("timeline.3.roll.to", r"7\.3\.2(\+.*)?", "the upgrade has to lead to 7.3.2"),
            Limit("timeline.5.roll.to", r"7\.3\.2(\+.*)?", "the upgrade has to lead to 7.3.2"),
        ),
        hint="A release may add to the schema what the old version can leave empty. Which 7.3.2 does only that?",
        solved=(
            "While the cluster is MIXED two versions share one schema. Add, and let everything that is added be "
            "empty; take away only when nobody asks for it any more."
        ),
        answer={"timeline.3.roll.to": "7.3.2", "timeline.5.roll.to": "7.3.2"},
    ),
    Lesson(
        number=7,
        title="Finalised too early",
        scenario="finalised-too-early",
        task=(
            "The new release answers one in twenty requests with an error, and nobody looked before the upgrade "
            "was finalised. You cannot have a better release today. Change the story from its fourth step on, so "
            "that users meet no error after the upgrade is over, whichever way it ends."
        ),
        yours=("timeline.4", "timeline.5", "timeline.6", "timeline.7", "timeline.8"),
        hint="READY_TO_RUN_UPGRADE_TASKS is the last moment at which there is a step back: see roll_back.",
        solved="Finalising is the point of no return. Before it, look; it may wait for as long as you like.",
        answer={"timeline.4": "{roll_back: {on: first}}"},
    ),
)


def find_lesson(number: int) -> Lesson:
    """The lesson of that number. Raises UsageError that says which there are."""
    for lesson in LESSONS:
        if lesson.number == number:
            return lesson
    raise UsageError(
        f"there is no lesson {number}", hint=f"There are {len(LESSONS)}; zdu lesson lists them, zdu lesson 1 begins."
    )
