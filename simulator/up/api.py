"""The commands of a living cluster as resources of its control port."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Any

from simulator.dashboard.site import Site
from simulator.scenario import load
from simulator.up.advice import addressed, next_commands
from simulator.up.fault_wishes import apply_fault, reset_faults
from simulator.up.leading import Done, Refused, check_moments
from simulator.up.living import LivingCluster
from zdu.errors import UsageError, ZduError

Words = Mapping[str, str]
Body = Mapping[str, Any]
Wish = Callable[[LivingCluster, Words, Body], Awaitable[Done]]


async def _node(living: LivingCluster, words: Words, body: Body) -> Done:
    node_id, to = words["node"], _text(body, "to")
    match words["action"]:
        case "stop":
            return await living.stop_node(node_id)
        case "kill":
            return await living.kill_node(node_id)
        case "pause":
            return await living.pause_node(node_id)
        case "resume":
            return await living.resume_node(node_id)
        case "drain":
            return await living.drain_node(node_id)
        case "ready":
            return await living.ready_node(node_id)
        case "start":
            return await living.start_node(node_id, to)
        case "upgrade":
            return await living.upgrade_node(node_id, to)
    raise _unknown(words["action"], "stop, start, kill, pause, resume, upgrade, drain, ready")


async def _upgrade(living: LivingCluster, words: Words, body: Body) -> Done:
    match words["action"]:
        case "start":
            return await living.start_upgrade()
        case "cancel":
            return await living.cancel()
        case "finalise":
            return await living.finalise()
        case "roll":
            return await living.roll(_text(body, "to"), check_moments(_texts(body, "hold_at")))
        case "go-on":
            return await living.go_on()
        case "roll-back":
            return await living.roll_back()
    raise _unknown(words["action"], "start, cancel, finalise, roll, go-on, roll-back")


async def _load(living: LivingCluster, words: Words, body: Body) -> Done:
    match words["action"]:
        case "start":
            return living.start_load()
        case "stop":
            return living.set_users(0)
        case "set":
            users = _number(body, "users")
            if users is None:
                raise UsageError("how many users? users is a whole number")
            return living.set_users(users)
    raise _unknown(words["action"], "start, stop, set")


async def _play(living: LivingCluster, _words: Words, body: Body) -> Done:
    return await living.play(load(_text(body, "scenario")))


async def _fault(living: LivingCluster, words: Words, body: Body) -> Done:
    match words["action"]:
        case "apply":
            written = body.get("fault")
            if not isinstance(written, dict):
                raise UsageError("a fault is written as in a scenario: {name: proc.pause, node: node1}")
            return await apply_fault(living.faults, written, living.node_ids, of_jira=living.of_jira)
        case "reset":
            return await reset_faults(living.faults, _text(body, "name"), _number(body, "number"))
    raise _unknown(words["action"], "apply, reset")


async def _pace(living: LivingCluster, _words: Words, body: Body) -> Done:
    return Done(living.pace.set(body.get("pause")))


async def _go_on(living: LivingCluster, _words: Words, _body: Body) -> Done:
    what = living.pace.waits_for
    changed = living.pace.go_on()
    return Done(f"it goes on: {what}" if changed else "no story waits for anybody", changed=changed)


async def _down(living: LivingCluster, _words: Words, _body: Body) -> Done:
    return living.end()


WISHES: Mapping[str, Wish] = {
    "nodes/{node}/{action}": _node,
    "upgrade/{action}": _upgrade,
    "load/{action}": _load,
    "play": _play,
    "faults/{action}": _fault,
    "pace": _pace,
    "go-on": _go_on,
    "down": _down,
}


def attach(site: Site, living: Callable[[], LivingCluster | None], name: Callable[[], str]) -> None:
    """Let ``site`` take the commands for ``living``, which is None until the cluster serves.

    ``name`` is what the commands of answers and hints are to call it; empty if they need not.
    """
    for path, wish in WISHES.items():
        site.on_post(path, _command(wish, living, name))


def _command(
    wish: Wish, find: Callable[[], LivingCluster | None], name: Callable[[], str]
) -> Callable[[Words, Body], Awaitable[dict[str, Any]]]:
    async def command(words: Words, body: Body) -> dict[str, Any]:
        living = find()
        if living is None:
            raise Refused("the cluster is still being started", hint="Try again in a few seconds.")
        if living.ended.is_set() and wish is not _down:
            raise Refused("the cluster is being stopped")
        try:
            done = await wish(living, words, body)
        except ZduError as error:
            error.hint = addressed(error.hint, name())
            raise
        return {**asdict(done), "next": [asdict(advice) for advice in next_commands(living.now(), name())]}

    return command


def _text(body: Body, key: str) -> str:
    value = body.get(key) or ""
    if not isinstance(value, str):
        raise UsageError(f"{key} is a text, not {value!r}")
    return value


def _number(body: Body, key: str) -> int | None:
    value = body.get(key)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise UsageError(f"{key} is a whole number, not {value!r}")
    return value


def _texts(body: Body, key: str) -> list[str]:
    value = body.get(key) or []
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise UsageError(f"{key} is a list of texts, not {value!r}")
    return value


def _unknown(action: str, known: str) -> UsageError:
    return UsageError(f"there is no action {action!r}", hint=f"Known here: {known}.")
