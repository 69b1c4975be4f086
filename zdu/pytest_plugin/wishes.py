"""What a test asks for with ``@pytest.mark.zdu(…)``, and the ``zdu up`` command line that gives it. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from typing import Any

from zdu.errors import UsageError

BALANCERS = {"builtin": "ours", "ours": "ours", "apache": "apache", "haproxy": "haproxy", "nginx": "nginx"}
FAST = {
    "balancer.inter": "100ms",
    "balancer.rise": "1",
    "balancer.drain_deadline": "300ms",
    "cluster.start_duration": "0s",
    "cluster.stop_duration": "0s",
    "load.ramp": "200ms",
}
OF_JIRA = ("cluster.",)
"""How settings begin that another application does not have."""
"""A test does not want to wait for what a rehearsal wants to show; a scenario of one's own keeps its own times."""
USERS = 6
SERVER_URL = "ZDU_DATABASE_URL"
"""Where ``database="postgresql"`` finds the server: the variable that ``zdu db setup`` reads, too."""


@dataclass(frozen=True)
class Wishes:
    """A cluster as a test wants it. What is empty is as ``zdu up`` has it."""

    nodes: int | None = None
    database: str = "sqlite"
    lb: str = "builtin"
    version: str = ""
    users: int | None = None
    scenario: str = ""
    expect: Sequence[str] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    node_command: Sequence[str] = ()
    health: str = ""

    def arguments(self) -> list[str]:
        """Words for the command line of ``zdu up``."""
        fast = {} if self.scenario else {key: value for key, value in FAST.items() if self._has(key)}
        settings = fast | {key: _as_yaml(value) for key, value in self.settings.items()}
        if self.node_command:
            settings["node.command"] = _as_yaml(list(self.node_command))
        if self.health:
            settings["node.health.path"] = _as_yaml(self.health)
        users = self.users if self.users is not None or self.scenario else USERS
        words = ["--lb", BALANCERS[self.lb]]
        words += ["--like", self.scenario] if self.scenario else []
        words += ["--nodes", str(self.nodes)] if self.nodes is not None else []
        words += ["--version", self.version] if self.version else []
        words += ["--users", str(users)] if users is not None else []
        words += ["--db", self.database] if self.database != "sqlite" else []
        for key, value in settings.items():
            words += ["--set", f"{key}={value}"]
        for sentence in self.expect:
            words += ["--expect", sentence]
        return words

    def on_the_server_of(self, environment: Mapping[str, str]) -> "Wishes":
        """The same with the server's address where there was ``postgresql`` only. Raises UsageError without one."""
        if self.database != "postgresql":
            return self
        if url := environment.get(SERVER_URL, ""):
            return replace(self, database=url)
        raise UsageError(
            f'database="postgresql" is the server that the variable {SERVER_URL} names, and it is not set',
            hint=f"{SERVER_URL}=postgresql+asyncpg://user:password@127.0.0.1/name; each cluster gets a schema there.",
        )

    def _has(self, key: str) -> bool:
        return not (self.node_command and key.startswith(OF_JIRA))


KNOWN = tuple(wish.name for wish in fields(Wishes))


def read_wishes(positional: Sequence[Any], named: Mapping[str, Any]) -> Wishes:
    """The wishes of a marker's or a factory's arguments. Raises UsageError that says which argument is wrong."""
    if positional:
        raise UsageError(f"the arguments of zdu have names: {positional[0]!r} has none", hint=_known())
    for name in named:
        if name not in KNOWN:
            close = get_close_matches(name, KNOWN, 1)
            meant = f"; did you mean {close[0]}?" if close else ""
            raise UsageError(f"zdu takes no argument {name!r}{meant}", hint=_known())
    wishes = Wishes(**named)
    _check_types(wishes)
    if "://" in wishes.lb:
        raise UsageError(
            f"lb={wishes.lb!r} is a load balancer of your own, and zdu cannot start nodes behind it",
            hint="Measure it with the fixture zdu_traffic_at: it sends visitors and probes to any address.",
        )
    if wishes.lb not in BALANCERS:
        raise UsageError(f"there is no load balancer {wishes.lb!r}", hint=f"Known: {', '.join(BALANCERS)}.")
    if wishes.database not in {"sqlite", "postgresql"} and "://" not in wishes.database:
        raise UsageError(
            f"there is no database {wishes.database!r}",
            hint=f"Known: sqlite, postgresql (the server that {SERVER_URL} names), postgresql+asyncpg://….",
        )
    if wishes.health and not (wishes.node_command or wishes.scenario or "node.command" in wishes.settings):
        raise UsageError("health is a page of an application of your own: it goes with node_command")
    return wishes


def _check_types(wishes: Wishes) -> None:
    for name, least in (("nodes", 1), ("users", 0)):
        value = getattr(wishes, name)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < least):
            raise UsageError(f"{name} is a whole number from {least} on, not {value!r}")
    for name in ("database", "lb", "version", "scenario", "health"):
        if not isinstance(getattr(wishes, name), str):
            raise UsageError(f"{name} is a text, not {getattr(wishes, name)!r}")
    for name in ("expect", "node_command"):
        value = getattr(wishes, name)
        if isinstance(value, str) or not all(isinstance(text, str) for text in value):
            raise UsageError(f"{name} is a list of texts, not {value!r}")
    if not isinstance(wishes.settings, Mapping) or not all(isinstance(key, str) for key in wishes.settings):
        raise UsageError(f"settings is a dict of a scenario's keys, not {wishes.settings!r}")


def _known() -> str:
    return f"Known arguments: {', '.join(KNOWN)}."


def _as_yaml(value: Any) -> str:
    """A value for ``--set``; JSON is YAML, and a plain text is taken as it is."""
    return value if isinstance(value, str) else json.dumps(value)
