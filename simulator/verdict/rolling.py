"""What is held against a roll itself: a breach that has to come, and an operator who cannot wait. Pure."""

from collections.abc import Iterator
from http import HTTPStatus

from simulator.verdict.model import Check, CheckKind, Evidence, examples
from zdu.events import CanaryJudged, FinalisedEarly, RollBreached

RUNNING_TASKS = "RUNNING_UPGRADE_TASKS"


def breaches_come(evidence: Evidence) -> Iterator[Check]:
    """Each roll of the story that has to be breached was; only with ``roll.expect: breached``.

    Where its canary had too few users to tell, nobody knows.
    """
    if not evidence.breaches:
        return
    told, wrong, open_ = [], [], []
    for version in evidence.breaches:
        breached = [(t_s, e) for t_s, e in evidence.events(RollBreached) if e.version == version]
        judged = [e for _, e in evidence.events(CanaryJudged) if e.version == version]
        if breached:
            t_s, event = breached[0]
            told.append(f"the roll to {version} was breached at {t_s:.2f} s: {event.reason}")
        elif judged and judged[-1].outcome == "inconclusive":
            open_.append(f"too few have used {' and '.join(judged[-1].nodes)} with {version}: {judged[-1].told}")
        elif evidence.cut_short:
            open_.append(f"the run ended before anything could be said of the roll to {version}")
        else:
            measured = "".join(f"; {event.told}" for event in judged[-1:])
            wrong.append(f"nothing broke the roll to {version}{measured}")
    yield Check(
        "the roll was breached as it had to be",
        "nobody knows whether the roll would have been breached"
        if open_ and not wrong
        else "the roll was not breached although it had to be",
        CheckKind.PROMISE,
        not wrong and not open_,
        "; ".join(wrong or open_ or told),
        undecided=bool(open_) and not wrong,
    )


def early_finalising_is_refused(evidence: Evidence) -> Iterator[Check]:
    """Whoever finalised while nodes ran the old version was refused, and no upgrade task ran meanwhile.

    Only if somebody did. A request without an answer that says so decides nothing.
    """
    asked = [event for _, event in evidence.events(FinalisedEarly)]
    if not asked:
        return
    wrong, open_, told = [], [], []
    for event in asked:
        where = f"{event.node}, asked at {event.asked_s:.2f} s while {evidence.version_from} ran on "
        where += " and ".join(event.behind)
        if event.status == HTTPStatus.CONFLICT:
            told.append(f'{where}, answered {event.status}: "{event.answer}"')
        elif 0 < event.status < HTTPStatus.BAD_REQUEST:
            wrong.append(f"{where}, did it")
        else:
            open_.append(f"{where}, answered {event.status or 'nothing'}: {event.answer}")
    last_s = max(event.asked_s for event in asked)
    first_s = min(event.asked_s for event in asked)
    ran = [at_s for at_s, state in evidence.history if state == RUNNING_TASKS and first_s <= at_s <= last_s]
    wrong += [f"the upgrade tasks ran at {at_s:.2f} s" for at_s in ran]
    yield Check(
        "finalising too early was refused",
        "nobody knows what became of finalising too early"
        if open_ and not wrong
        else "the upgrade could be finalised too early",
        CheckKind.PROMISE,
        not wrong and not open_,
        examples(wrong or open_ or told),
        undecided=bool(open_) and not wrong,
    )


def tell_haste(evidence: Evidence) -> str:
    """That somebody was in a hurry, as a sentence to follow others; empty if nobody was."""
    asked = len(evidence.events(FinalisedEarly))
    times = {1: "once", 2: "twice"}.get(asked, f"{asked} times")
    return f" The operator tried to finalise too early {times}, and Jira refused." if asked else ""
