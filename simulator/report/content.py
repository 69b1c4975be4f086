"""What the report says in words and tables, made ready for the template.

A run that was interrupted or broke off has less to say than a whole one: whatever the result lacks is left out, and
the report is written all the same.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.of_jira import of_jira
from simulator.record.requests import RequestRecord

MAX_FAILURES = 50
"""So many failures are told one by one; the rest is in ``requests.csv``."""


@dataclass(frozen=True)
class Tile:
    """One figure that people look for first. ``bad`` marks one that speaks against the run."""

    label: str
    value: str
    note: str = ""
    bad: bool = False


@dataclass(frozen=True)
class Verdict:
    """The verdict in a word, a sign that does without colour, a sentence, and what else there is to say."""

    word: str
    sign: str
    css: str
    sentence: str
    more: str = ""


_VERDICTS = {
    "pass": ("PASS", "✓", "Nobody noticed."),
    "fail": ("FAIL", "✕", "Users noticed."),
    "inconclusive": ("INCONCLUSIVE", "?", "This run does not tell."),
}


_SENTENCE_ENDS = re.compile(r"(?<=[a-z)]\.) (?=[A-Z0-9])")
"""Between two sentences, and within no version or figure."""


def verdict_of(result: Mapping[str, Any]) -> Verdict:
    """The verdict; an unknown one shows as inconclusive."""
    name = str(result.get("verdict", ""))
    word, sign, sentence = _VERDICTS.get(name, _VERDICTS["inconclusive"])
    css = name if name in _VERDICTS else "inconclusive"
    if result.get("interrupted"):
        word = f"{word} (interrupted)"
    told = _SENTENCE_ENDS.split(str(result.get("sentence") or sentence), maxsplit=1)
    return Verdict(word, sign, css, *told)


def tiles_of(result: Mapping[str, Any]) -> list[Tile]:
    """The figures at the top, those that the run has."""
    requests, sessions = part(result, "requests"), part(result, "sessions")
    writes, probes = part(result, "writes"), part(result, "probes")
    latency = part(requests, "latency_ms")
    tiles = []
    if "total" in requests:
        tiles.append(Tile("requests", f"{requests['total']:,}", "by users and probes"))
        tiles.append(_count("failed requests", requests.get("failed", 0)))
    if "moved" in sessions:
        signed_in = sessions.get("silent_relogins")
        note = f"{signed_in} signed in again unseen" if signed_in is not None and of_jira(result) else ""
        tiles.append(Tile("sessions moved", f"{sessions['moved']:,}", note))
        tiles.append(_count("sessions lost", sessions.get("lost", 0)))
    if "acknowledged" in writes and of_jira(result):
        tiles.append(_writes(writes))
    outages = [part(probes, name).get("longest_outage_ms") for name in ("new", "reused")]
    known = [float(outage) for outage in outages if outage is not None]
    if known:
        tiles.append(Tile("longest outage", short(max(known)), "as the probes saw it", bad=max(known) > 0))
    if latency.get("p99") is not None:
        tiles.append(Tile("p99 latency", f"{float(latency['p99']):,.0f} ms", f"median {ms(latency.get('p50'))}"))
    return tiles


def short(milliseconds: float) -> str:
    """A duration that fits into a tile."""
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"


def _writes(writes: Mapping[str, Any]) -> Tile:
    """Acknowledged writes; ``lost`` and ``duplicated`` are None as long as nobody has looked into the database."""
    found = [writes.get("lost"), writes.get("duplicated")]
    wrong = sum(amount(count) for count in found)
    fine = "not looked for" if None in found else "all there, each once"
    note = f"{wrong} lost or doubled" if wrong else fine
    return Tile("writes acknowledged", f"{amount(writes['acknowledged']):,}", note, bad=bool(wrong))


def _count(label: str, value: object) -> Tile:
    counted = amount(value)
    return Tile(label, f"{counted:,}", bad=counted > 0)


def amount(value: object) -> int:
    """A count, whether it is given as a number or as the list of what is counted."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return len(value)
    return int(value) if isinstance(value, int | float) else 0


def part(result: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A part of the result; an empty one if the run has none."""
    found = result.get(key)
    return found if isinstance(found, Mapping) else {}


def ms(value: object) -> str:
    """Milliseconds, or that nobody knows."""
    return f"{value:,.0f} ms" if isinstance(value, int | float) else "unknown"


@dataclass(frozen=True)
class CheckRow:
    """A check with its outcome as a sign, a word and a class of the style sheet."""

    name: str
    detail: str
    word: str
    css: str


def checks_of(result: Mapping[str, Any]) -> list[CheckRow]:
    """The checks, those first that speak against the run.

    A proof that failed has broken no promise: it says that the run has not shown what it should.
    """
    rows = [_check(check) for check in result.get("checks") or []]
    return sorted(rows, key=lambda row: ("broken", "unknown", "held").index(row.css))


def _check(check: Mapping[str, Any]) -> CheckRow:
    missing = check.get("outcome") == "inconclusive" or check.get("kind") == "proof"
    if check.get("ok"):
        word, css = "✓ holds", "held"
    elif check.get("ok") is None or missing:
        word, css = "? not shown", "unknown"
    else:
        word, css = "✕ broken", "broken"
    return CheckRow(str(check.get("name", "")).replace("_", " "), str(check.get("detail", "")), word, css)


def seconds(value: object) -> str:
    """A time in seconds; None is no time at all."""
    return f"{value:.1f} s" if isinstance(value, int | float) else "never"


def failure_sentence(record: RequestRecord) -> str:
    """One failed request as a person would tell it."""
    whose = "a probe's" if record.is_probe else f"{record.session or 'a user'}'s"
    version = f" ({record.version})" if record.version else ""
    answered = f"answered by {record.node}{version}" if record.node else "answered by no node"
    connection = {"new": " on a new connection", "reused": " on a kept-alive connection"}.get(record.connection, "")
    tries = f" and {record.attempts} attempts" if record.attempts > 1 else ""
    reasons = [record.outcome.replace("_", " ")]
    reasons += [f"status {record.status}"] if record.status else []
    reasons += [record.detail] if record.detail else []
    request = f"{whose} request {record.id}, {record.method} {record.path}{connection}"
    took = f"{record.end_s - record.sent_s:.2f} s{tries}"
    return f"{record.sent_s:.2f} s: {request}, failed after {took}, {answered}: {', '.join(reasons)}."


@dataclass(frozen=True)
class Noticed:
    """One thing that somebody noticed, and when; None if that is not known."""

    t_s: float | None
    sentence: str


def noticed_of(result: Mapping[str, Any], failures: Sequence[RequestRecord]) -> list[Noticed]:
    """What users noticed, a sentence each: as the result tells it, else as the failed requests do.

    The result tells of the failed requests in their order, of the first of them if there are many.
    """
    told = [str(sentence) for sentence in result.get("failures") or []]
    if not told:
        return [Noticed(record.sent_s, failure_sentence(record)) for record in failures]
    known = [record.sent_s for record in failures] if len(told) <= len(failures) else [None] * len(told)
    return [Noticed(t_s, sentence) for t_s, sentence in zip(known, told, strict=False)]


@dataclass(frozen=True)
class Move:
    """A session was answered by another node than before; ``lost`` is what that cost its user, in words."""

    t_s: float
    session: str
    from_node: str
    to_node: str
    lost: str


def moves_of(result: Mapping[str, Any]) -> list[Move]:
    """Every move that the result tells of."""
    return [
        Move(
            t_s=float(move["t_s"]),
            session=str(move["session"]),
            from_node=str(move["from_node"]),
            to_node=str(move["to_node"]),
            lost=str(move.get("lost") or ""),
        )
        for move in part(result, "sessions").get("each_move") or []
    ]


@dataclass(frozen=True)
class Outage:
    """A stretch of failed probes on connections of one kind, with its length in words."""

    kind: str
    from_s: float
    to_s: float
    lasted: str
    told: str


def outages_of(result: Mapping[str, Any]) -> list[Outage]:
    """All outages that the probes saw."""
    return [
        _outage(kind, outage)
        for kind, probe in part(result, "probes").items()
        if isinstance(probe, Mapping)
        for outage in probe.get("outages") or []
    ]


def _outage(kind: str, outage: Mapping[str, Any]) -> Outage:
    from_s, to_s = float(outage["from_s"]), float(outage["to_s"])
    lasted = short((to_s - from_s) * 1000)
    outcomes = ", ".join(str(outcome) for outcome in outage.get("outcomes") or [])
    told = f"{from_s:.2f} s to {to_s:.2f} s, {lasted}: probes on {kind} connections got {outcomes}"
    return Outage(kind, from_s, to_s, lasted, told)


def setup_of(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is needed to run it again, those parts that are known."""
    software = ", ".join(f"{name} {version}" for name, version in part(result, "software").items())
    versions = (result.get("version_from"), result.get("version_to"))
    scale = result.get("time_scale") if of_jira(result) else None
    rows = [
        ("scenario", result.get("scenario")),
        ("seed", result.get("seed")),
        ("application", None if of_jira(result) else result["application"]),
        ("versions", f"{versions[0]} to {versions[1]}" if all(versions) else None),
        ("database", result.get("database")),
        ("load balancer", result.get("load_balancer")),
        ("Jira's intervals", _scale_words(scale) if isinstance(scale, int | float) else None),
        ("duration", seconds(result["duration_s"]) if "duration_s" in result else None),
        ("software", software),
    ]
    return [(name, str(value)) for name, value in rows if value not in (None, "")]


def _scale_words(scale: float) -> str:
    return "unscaled" if scale == 1 else f"divided by {scale:g} (a heartbeat every {60 / scale:.3g} s)"
