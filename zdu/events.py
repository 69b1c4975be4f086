"""The typed events of a run: what ``events.jsonl`` holds and what verdict, report and live view read.

An event says what happened; the :class:`Envelope` around it says when (seconds since the run began on the monotonic
clock, and wall time) and in which order. Field types are JSON's own, so that a record outlives this code.
"""

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar


@dataclass(frozen=True)
class Event:
    """Anything worth a line in the record; ``kind`` is its name there."""

    kind: ClassVar[str]


@dataclass(frozen=True)
class RunStarted(Event):
    """The run and everything needed to run it again.

    ``played`` is the scenario as it was played, with the command line's changes, in the words of a scenario file:
    what the verdict has to judge by. It is empty where no scenario was played. ``by_hand`` says that a person
    commanded the cluster: the timeline is then to be read off the record.
    """

    kind: ClassVar[str] = "run_started"
    scenario: str
    seed: int
    command: str
    database: str
    load_balancer: str
    time_scale: float
    nodes: list[str]
    version_from: str
    version_to: str
    software: dict[str, str]
    played: dict[str, Any] = field(default_factory=dict)
    certified: dict[str, Any] = field(default_factory=dict)
    """Where a system that is not ours was measured: what it is, and what was expected of it."""
    by_hand: bool = False


@dataclass(frozen=True)
class ChapterStarted(Event):
    """A step of the scenario's timeline begins, the ``number``-th from 1, with what it says to its audience.

    ``notes`` are for whoever tells the story.
    """

    kind: ClassVar[str] = "chapter_started"
    number: int
    title: str
    text: str
    notes: str = ""


@dataclass(frozen=True)
class StepStarted(Event):
    """The story goes on: ``title`` is the step in the blog's words, ``node`` the one it is about, if any."""

    kind: ClassVar[str] = "step_started"
    index: int
    title: str
    node: str = ""


@dataclass(frozen=True)
class ProcessStarted(Event):
    """A process of ours serves."""

    kind: ClassVar[str] = "process_started"
    process: str
    pid: int
    url: str
    version: str = ""
    log: str = ""


@dataclass(frozen=True)
class ProcessStopping(Event):
    """The operator asked a process to stop, by ``signal``."""

    kind: ClassVar[str] = "process_stopping"
    process: str
    signal: str


@dataclass(frozen=True)
class ProcessPaused(Event):
    """A process stands still (SIGSTOP) until it is resumed: it is there, and answers nobody."""

    kind: ClassVar[str] = "process_paused"
    process: str


@dataclass(frozen=True)
class ProcessResumed(Event):
    """A process that stood still goes on (SIGCONT)."""

    kind: ClassVar[str] = "process_resumed"
    process: str


@dataclass(frozen=True)
class ProcessExited(Event):
    """A process ended; ``expected`` is false when nobody had asked it to."""

    kind: ClassVar[str] = "process_exited"
    process: str
    returncode: int
    expected: bool


@dataclass(frozen=True)
class NodeObserved(Event):
    """A node's own answer on ``/status`` changed. ``state`` is empty while it does not answer."""

    kind: ClassVar[str] = "node_observed"
    node: str
    state: str
    version: str = ""
    build: int = 0


@dataclass(frozen=True)
class NodeNotStarted(Event):
    """A node's process goes on although its application could not start; ``reason`` is what its log says."""

    kind: ClassVar[str] = "node_not_started"
    node: str
    version: str
    reason: str


@dataclass(frozen=True)
class ClusterObserved(Event):
    """A node shows another cluster upgrade state than before."""

    kind: ClassVar[str] = "cluster_observed"
    state: str
    seen_by: str


@dataclass(frozen=True)
class BalancerObserved(Event):
    """The load balancer changed its mind about a node. Its own time is given: the poll comes later."""

    kind: ClassVar[str] = "balancer_observed"
    node: str
    admin: str
    operational: str
    reason: str
    at_s: float


@dataclass(frozen=True)
class NodeTakenOut(Event):
    """The load balancer has no request in flight to ``node`` and sends it no more, from ``at_s`` on."""

    kind: ClassVar[str] = "node_taken_out"
    node: str
    at_s: float


@dataclass(frozen=True)
class NodeBack(Event):
    """The load balancer may send requests to ``node`` again, from ``at_s`` on."""

    kind: ClassVar[str] = "node_back"
    node: str
    at_s: float


@dataclass(frozen=True)
class LoadStarted(Event):
    """The load begins: ``users`` of the closed model, ``probe_rate`` per second and kind, the open model's rate."""

    kind: ClassVar[str] = "load_started"
    users: int
    probe_rate: float
    arrival_rate: float = 0.0


@dataclass(frozen=True)
class LoadChanged(Event):
    """People came to work or went home; ``users`` are at work now."""

    kind: ClassVar[str] = "load_changed"
    users: int


@dataclass(frozen=True)
class LoadStopped(Event):
    """No request is sent any more; all of them have an outcome.

    ``probes`` has, by kind, how many probes were ``intended`` and how many were started ``on_time``. ``sent`` is the
    number of the last request, control probes included: they are numbered from 1 as they are sent. ``arrivals`` has
    how many actions of the open model were ``intended``, ``sent``, ``on_time`` and ``dropped``; empty without any.
    """

    kind: ClassVar[str] = "load_stopped"
    probes: dict[str, dict[str, int]]
    sent: int = 0
    arrivals: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class UpgradeHistory(Event):
    """The auditor's reading of ``clusterupgradestate``, oldest row first, and the database's clock as it was read."""

    kind: ClassVar[str] = "upgrade_history"
    rows: list[dict[str, Any]]
    database_now_ms: int


@dataclass(frozen=True)
class WritesAudited(Event):
    """The auditor's count of every write in the database, and what each node does not show of the acknowledged ones.

    ``issues_read`` of the ``issues_written`` were read through each node; both are 0 in older records.
    ``ambiguous`` are the writes whose answer left them open, each with its ``request``, ``session``, ``kind``,
    ``issue``, ``write``, ``outcome``, and the ``fate`` that the database tells, ``right`` or not.
    ``refused_but_done`` are those that a node refused and carried out all the same; ``overwritten`` tells of issues
    that in the end are not as they were changed last.
    """

    kind: ClassVar[str] = "writes_audited"
    acknowledged: int
    lost: list[str]
    duplicated: list[str]
    unreadable: dict[str, list[str]]
    ambiguous: list[dict[str, Any]] = field(default_factory=list)
    refused_but_done: list[str] = field(default_factory=list)
    overwritten: list[str] = field(default_factory=list)
    issues_written: int = 0
    issues_read: int = 0


@dataclass(frozen=True)
class BalancerAudited(Event):
    """What the load balancer's access log says: ``stray_attempts`` to a node that was out, as sentences.

    ``retried`` counts requests with more than one attempt, None if the log cannot tell; ``untold`` is what it does
    not tell of attempts, in a sentence.
    ``sent_to`` has the nodes that each failed request was sent to, by the request's number, where the log tells.
    ``late_attempts`` are those to a node that had said it was leaving: ``node``, ``at_s``, ``request`` (its number; 0
    if it is none of the load's). ``misattributed`` tells of answers that name another node than they came from.
    """

    kind: ClassVar[str] = "balancer_audited"
    attempts: int
    stray_attempts: list[str]
    sent_to: dict[str, list[str]] = field(default_factory=dict)
    late_attempts: list[dict[str, Any]] = field(default_factory=list)
    retried: int | None = None
    untold: str = ""
    misattributed: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class NodeLogsAudited(Event):
    """What the nodes' logs say: statements that the database refused, because they do not fit the schema.

    Each has ``node``, ``version``, ``statement``, ``reason``, ``count`` and ``first_s``, the time of the run.
    ``states`` are the application states that each node went to: ``node``, ``t_s``, ``state``.
    """

    kind: ClassVar[str] = "node_logs_audited"
    statements: list[dict[str, Any]]
    states: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class NotAudited(Event):
    """The auditor could not finish; ``reason`` says why. Nothing is known of the writes then."""

    kind: ClassVar[str] = "not_audited"
    reason: str


@dataclass(frozen=True)
class ClusterAudited(Event):
    """What each node said of itself at the very end: version, build and the cluster state it shows."""

    kind: ClassVar[str] = "cluster_audited"
    nodes: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class FaultApplied(Event):
    """The ``number``-th fault of the run is put on; ``node`` is empty if it is about none."""

    kind: ClassVar[str] = "fault_applied"
    number: int
    fault: str
    node: str
    attributes: dict[str, Any]


@dataclass(frozen=True)
class FaultFired(Event):
    """A fault took effect for the first time: it has met ``count`` requests, starts, nodes or the like."""

    kind: ClassVar[str] = "fault_fired"
    number: int
    fault: str
    node: str
    count: int


@dataclass(frozen=True)
class FaultReset(Event):
    """A fault is over and took effect ``count`` times; ``trouble`` is what went wrong as it was taken back."""

    kind: ClassVar[str] = "fault_reset"
    number: int
    fault: str
    node: str
    count: int
    trouble: str = ""


@dataclass(frozen=True)
class CommandEnded(Event):
    """The command that did something to a system that is not ours has ended; it began at ``began_s`` of the run."""

    kind: ClassVar[str] = "command_ended"
    command: list[str]
    returncode: int
    began_s: float


@dataclass(frozen=True)
class RollBreached(Event):
    """In a roll to ``version`` something was not as it had to be: ``on_breach`` is what was done about it."""

    kind: ClassVar[str] = "roll_breached"
    node: str
    version: str
    reason: str
    on_breach: str


@dataclass(frozen=True)
class RollResumed(Event):
    """What had paused a roll to ``version`` was put right, and it went on."""

    kind: ClassVar[str] = "roll_resumed"
    version: str


@dataclass(frozen=True)
class CanaryJudged(Event):
    """How the users of a roll's canary had fared by the end of the roll.

    ``outcome`` is pass, fail, or inconclusive for too few requests; ``told`` is each sentence with what was measured.
    """

    kind: ClassVar[str] = "canary_judged"
    nodes: list[str]
    version: str
    outcome: str
    told: str


@dataclass(frozen=True)
class FinalisedEarly(Event):
    """Somebody asked ``node`` to finalise at ``asked_s`` of the run, while those ``behind`` ran the old version.

    ``status`` is that of the answer, 0 for none, and ``answer`` its words.
    """

    kind: ClassVar[str] = "finalised_early"
    node: str
    behind: list[str]
    asked_s: float
    status: int
    answer: str


@dataclass(frozen=True)
class RunAborted(Event):
    """The story could not go on; ``reason`` says why and is part of the verdict.

    ``undecided``: nothing had gone wrong, but nobody could tell, for want of measurements.
    """

    kind: ClassVar[str] = "run_aborted"
    reason: str
    undecided: bool = False


@dataclass(frozen=True)
class RunInterrupted(Event):
    """Somebody pressed Ctrl-C, or the like."""

    kind: ClassVar[str] = "run_interrupted"
    signal: str


@dataclass(frozen=True)
class RunEnded(Event):
    """Everything is stopped."""

    kind: ClassVar[str] = "run_ended"


_KINDS: dict[str, type[Event]] = {
    event.kind: event
    for event in (
        RunStarted,
        ChapterStarted,
        StepStarted,
        ProcessStarted,
        ProcessStopping,
        ProcessPaused,
        ProcessResumed,
        ProcessExited,
        NodeObserved,
        NodeNotStarted,
        ClusterObserved,
        BalancerObserved,
        NodeTakenOut,
        NodeBack,
        LoadStarted,
        LoadChanged,
        LoadStopped,
        UpgradeHistory,
        WritesAudited,
        NodeLogsAudited,
        NotAudited,
        BalancerAudited,
        ClusterAudited,
        FaultApplied,
        FaultFired,
        FaultReset,
        CommandEnded,
        RollBreached,
        RollResumed,
        CanaryJudged,
        FinalisedEarly,
        RunAborted,
        RunInterrupted,
        RunEnded,
    )
}


@dataclass(frozen=True)
class Envelope:
    """One line of ``events.jsonl``."""

    seq: int
    t_s: float
    wall_ms: int
    event: Event = field(repr=True)

    def to_json(self) -> str:
        """The line, without its line break."""
        head = {"seq": self.seq, "t_s": round(self.t_s, 4), "wall_ms": self.wall_ms, "kind": self.event.kind}
        return json.dumps({**head, **asdict(self.event)}, ensure_ascii=False)

    @classmethod
    def from_json(cls, line: str) -> "Envelope":
        """Read a line back. Keys that this version does not know are ignored; an unknown kind is a ValueError."""
        data = json.loads(line)
        event_type = _KINDS.get(data["kind"])
        if event_type is None:
            raise ValueError(f"unknown event kind {data['kind']!r}")
        names = {f.name for f in fields(event_type)}
        event = event_type(**{key: value for key, value in data.items() if key in names})
        return cls(seq=data["seq"], t_s=data["t_s"], wall_ms=data["wall_ms"], event=event)
