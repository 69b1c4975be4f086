"""The shape of ``result.json`` as typed models, and the JSON Schema made from them: ``zdu result schema``.

The models know every key that this version writes, and a test holds real results to them. The published schema lets
in keys that it does not know, because later versions may add some; none goes away and none changes its meaning.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Word = Literal["pass", "fail", "inconclusive"]
Ms = float | None


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class LatencyPart(_Part):
    """From the intended send time to the last byte, in milliseconds, failed requests included."""

    p50: Ms
    p90: Ms
    p99: Ms
    p99_9: Ms = Field(alias="p99.9")
    max: Ms
    samples: int
    too_few_for: list[str]
    """The percentiles that so few samples do not carry."""


class HistogramPart(_Part):
    """Counts by logarithmic bucket; mergeable with others of the same relative error."""

    relative_error: float
    least_ms: Ms
    greatest_ms: Ms
    counts: dict[str, int]


class KindPart(_Part):
    """The requests of one kind."""

    total: int
    failed: int
    latency_ms: LatencyPart
    histogram: HistogramPart


class RequestsPart(_Part):
    """All requests of users and probes."""

    total: int
    failed: int
    """Those that a person would have noticed."""
    by_kind: dict[str, KindPart]
    by_outcome: dict[str, int]
    retried_by_load_balancer: int
    latency_ms: LatencyPart


class StretchPart(_Part):
    """A part of an outage with one cause."""

    from_s: float
    to_s: float
    cause: str
    failed: int
    nodes: list[str]


class OutagePart(_Part):
    """From the tick of the first bad probe to the tick of the next good one."""

    from_s: float
    to_s: float
    failed: int
    outcomes: list[str]
    nodes: list[str]
    machine_ms: float
    """How much of it the machine itself may be to blame for."""
    stretches: list[StretchPart]


class ProbePart(_Part):
    """The probes of one kind."""

    sent: int
    intended: int | None
    failed: int
    longest_outage_ms: float
    outages: list[OutagePart]


class ProbesPart(_Part):
    """Probes on a new connection each, and on kept-alive ones."""

    new: ProbePart
    reused: ProbePart


class TroublePart(_Part):
    """A stretch in which the machine itself was in trouble."""

    from_s: float
    to_s: float
    why: str


class ControlPart(_Part):
    """The probe that looks at the machine and not at the cluster."""

    sent: int
    intended: int | None
    failed: int
    latency_ms: LatencyPart
    troubles: list[TroublePart]


class ArrivalsPart(_Part):
    """What became of the open model's arrivals."""

    intended: int
    sent: int
    on_time: int
    dropped: int


class GeneratedPart(_Part):
    """Users of the closed model, and the open model if there was one."""

    users: int
    arrivals: ArrivalsPart | None


class PhasePart(_Part):
    """What users waited in one phase of the upgrade."""

    name: str
    stretches_s: list[tuple[float, float]]
    duration_s: float
    latency_ms: LatencyPart
    histogram: HistogramPart


class ReachedPart(_Part):
    """How many requests still came, and how late the last of them was."""

    requests: int
    last_ms: Ms


class LeavingPart(_Part):
    """One time that a node said it was leaving."""

    node: str
    said_s: float
    stopping_s: float | None
    back_s: float | None
    exact_to_ms: float
    new: ReachedPart
    reused: ReachedPart
    after_stopping: ReachedPart


class LagPart(_Part):
    """For how long requests still reached nodes that had said that they were leaving."""

    new_ms: Ms
    reused_ms: Ms
    after_stopping_ms: Ms
    each: list[LeavingPart]


class MovePart(_Part):
    """A session that another node answered than before."""

    session: str
    user: str
    t_s: float
    request: int
    """The number of the request with which it moved, as in ``requests.csv``."""
    from_node: str
    from_version: str
    to_node: str
    to_version: str
    reason: str | None
    """Null if nothing in the record explains it."""
    lost: Literal["nothing", "silent sign-in", "log-in page", "unsaved work"]


class SessionsPart(_Part):
    """The sessions of the users, without those of the probes."""

    total: int
    moved: int
    moves: int
    silent_relogins: int
    lost: int
    unsaved_work: int
    to_older_version: int
    moves_cost: dict[str, int]
    each_move: list[MovePart]


class AmbiguousPart(_Part):
    """A write whose answer left it open, and what the database says of it."""

    request: int
    session: str
    kind: str
    issue: str
    write: str
    outcome: str
    fate: Literal["carried out once", "not carried out", "carried out in part", "carried out more than once"]
    right: bool


class WritesPart(_Part):
    """What users wrote; null where nobody could look into the database."""

    acknowledged: int
    lost: int | None
    duplicated: int | None
    unacknowledged: int
    ambiguous: list[AmbiguousPart] | None
    overwritten: list[str] | None
    issues: int | None
    issues_read_through_nodes: int | None


class StatePart(_Part):
    """The cluster's upgrade state as a node showed it, or as the database has it."""

    t_s: float
    state: str
    seen_by: str


class NodePart(_Part):
    """One node."""

    id: str
    version_from: str | None
    version_to: str | None
    down_s: float
    """How long the load balancer had it out."""


class FiguresPart(_Part):
    """What was measured for an objective."""

    value: float | None
    """Null if there was nothing to measure, or no end to it."""
    limit: float
    comparison: Literal["<", "<=", ">", ">="]
    unit: Literal["count", "share", "duration"]
    """A share is from 0 to 1, a duration in seconds."""
    samples: int


class CheckPart(_Part):
    """One question to the record, and its answer."""

    name: str
    kind: Literal["objective", "promise", "proof", "sometimes"]
    ok: bool
    outcome: Word
    detail: str
    figures: FiguresPart | None


class ResultFile(_Part):
    """The verdict of a run and its figures. All ``*_s`` are seconds since the run began."""

    schema_: Literal[1] = Field(alias="schema")
    scenario: str
    began: str
    """By the wall clock, in UTC."""
    seed: int
    verdict: Word
    sentence: str
    reasons: list[str]
    """What is broken, then what is missing, each with its evidence."""
    interrupted: bool
    duration_s: float
    database: str
    application: str
    """`Jira`, or the command by which the nodes of another application are started, or what was certified."""
    load_balancer: str
    version_from: str
    version_to: str
    rolled_back_from: str | None
    time_scale: float
    software: dict[str, str]
    command: str
    """How to run it again."""
    load: GeneratedPart
    requests: RequestsPart
    probes: ProbesPart
    control_probe: ControlPart
    phases: list[PhasePart]
    lb_lag: LagPart
    sessions: SessionsPart
    writes: WritesPart
    states: list[StatePart]
    nodes: list[NodePart]
    checks: list[CheckPart]
    failures: list[str]
    """Failed requests, each in a sentence; at most 200."""


def result_schema() -> dict[str, Any]:
    """The JSON Schema of ``result.json``. Keys that it does not know are let in: later versions may add some."""
    schema: dict[str, Any] = _opened(ResultFile.model_json_schema(by_alias=True))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "zdu result"}


def _opened(schema: Any) -> Any:
    """Without the ban on further keys."""
    if isinstance(schema, dict):
        banned = ("additionalProperties", False)
        return {key: _opened(value) for key, value in schema.items() if (key, value) != banned}
    return [_opened(item) for item in schema] if isinstance(schema, list) else schema
