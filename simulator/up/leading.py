"""What leads the whole cluster somewhere, one thing at a time: an upgrade's steps, a scenario.

It goes on although who asked for it has gone. A roll may be asked to *hold* at certain moments, so that whoever leads
it can look at the cluster there; the answer to the wish is then the moment, and :meth:`Leading.go_on` lets it go on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Literal, get_args

from simulator.operator import StoryBroken
from simulator.roll import NodeSeen, Step, Upgrade, takes_capacity
from zdu.errors import ExitCode, UsageError, ZduError

MomentName = Literal["node_down", "mixed"]
"""``node_down``: a node is stopped, and not yet upgraded. ``mixed``: some nodes are upgraded, the next is about to
leave, and both versions serve."""
MOMENTS: tuple[MomentName, ...] = get_args(MomentName)


class Refused(ZduError):
    """The cluster is not in a state in which that can be done."""

    exit_code = ExitCode.FAIL


class WentWrong(ZduError):
    """It was tried, and did not work."""

    exit_code = ExitCode.FAIL


@dataclass(frozen=True)
class Moment:
    """Where a roll holds: what is special about it, and the node that is down, or next."""

    name: MomentName
    node: str


@dataclass(frozen=True)
class Done:
    """What has become of a wish; ``changed`` is false if it was so already, ``held`` is where it holds."""

    message: str
    changed: bool = True
    held: Moment | None = None


def moment_of(step: Step, seen: tuple[NodeSeen, ...]) -> Moment | None:
    """The moment just before ``step``, if it is one at which a roll may hold. Pure."""
    if isinstance(step, Upgrade):
        return Moment("node_down", step.node_id)
    leaves = takes_capacity(step, seen)
    serving = {node.version for node in seen if node.carries_load}
    return Moment("mixed", leaves) if leaves and len(serving) > 1 else None


def check_moments(names: Collection[str]) -> frozenset[MomentName]:
    """Those names as moments. Raises UsageError for one that is none."""
    for name in names:
        if name not in MOMENTS:
            raise UsageError(f"a roll cannot hold at {name!r}", hint=f"Known moments: {', '.join(MOMENTS)}.")
    return frozenset(name for name in MOMENTS if name in names)


class Leading:
    """The one thing that is under way, if any."""

    def __init__(self) -> None:
        self.under_way = ""
        self.held: Moment | None = None
        self.ended = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._answer: asyncio.Future[Done] | None = None
        self._wanted: frozenset[MomentName] = frozenset()
        self._passed: set[Moment] = set()
        self._gate = asyncio.Event()

    async def lead(
        self,
        tasks: asyncio.TaskGroup,
        what: str,
        work: Callable[[], Awaitable[None]],
        done: str,
        *,
        hold_at: frozenset[MomentName] = frozenset(),
    ) -> Done:
        """Let ``tasks`` own the ``work``; return when it is over, or holds.

        Raises Refused if something is under way, WentWrong if it did not work.
        """
        if self.under_way or self.ended.is_set():
            raise Refused(
                f"{self.under_way or 'the end'} is under way", hint="zdu status --watch shows how it gets on."
            )
        self.under_way, self._wanted, self._passed = what, hold_at, set()
        self._answer = asyncio.get_running_loop().create_future()
        self._task = tasks.create_task(self._carry_out(what, work, done), name=what)
        return await asyncio.shield(self._answer)

    async def before_step(self, step: Step, seen: tuple[NodeSeen, ...]) -> bool:
        """Hold here if somebody wants to; whether it did, so that the cluster has to be looked at anew."""
        moment = moment_of(step, seen)
        if moment is None or moment.name not in self._wanted or moment in self._passed:
            return False
        self._passed.add(moment)
        self.held, self._gate = moment, asyncio.Event()
        how = (
            f"{moment.node} is down" if moment.name == "node_down" else f"{moment.node} is next, both versions serve"
        )
        self._say(Done(f"{self.under_way} holds: {how}", held=moment))
        await self._gate.wait()
        return True

    async def go_on(self) -> Done:
        """Let what holds go on; return when it is over, or holds again. Raises WentWrong if it did not work."""
        if self.held is None:
            return Done("nothing is held", changed=False)
        self._answer = asyncio.get_running_loop().create_future()
        self.held = None
        self._gate.set()
        return await asyncio.shield(self._answer)

    def end(self) -> None:
        """Nothing is to be led anywhere any more; what is under way is cut."""
        self.ended.set()
        if self._task:
            self._task.cancel()

    async def _carry_out(self, what: str, work: Callable[[], Awaitable[None]], done: str) -> None:
        """An error is its asker's, not that of the group that owns the task."""
        try:
            await work()
        except asyncio.CancelledError:
            self._over()
            self._say(Done("it was cut short by the end of the cluster", changed=False))
            raise
        except StoryBroken as error:
            self._over()
            self._fail(WentWrong(f"{what} ended early: {error}"))
        except Exception as error:
            self._over()
            self._fail(error)
        else:
            self._over()
            self._say(Done(done))

    def _over(self) -> None:
        self.under_way, self.held, self._wanted = "", None, frozenset()

    def _say(self, done: Done) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(done)

    def _fail(self, error: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
            self._answer.exception()  # whoever asked may have gone; then nobody is left to look at it
