"""``node`` of a scenario: another application in the place of Jira, as the processes that a cluster consists of.

What stands in ``command`` and ``env`` may have placeholders in curly brackets; they are filled in for each node and
version by :func:`filled`. A pair of brackets that is meant as such is written twice: ``{{name}}``.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, Strict, model_validator
from pydantic_core import PydanticCustomError

from simulator.scenario.fields import PositiveDuration, Section, Text, Whole

PLACEHOLDERS = ("port", "host", "node", "version", "folder", "data", "shared")
"""Of each node: where it listens, its name and version, the scenario's folder, and two folders to write into."""
_BRACKETS = re.compile(r"\{\{([a-z_]+)\}\}|\{([a-z_]+)\}")
_REQUEST = re.compile(r"(GET|POST|PUT|DELETE) (/[!-~]*)")


def _known_placeholders(text: str) -> str:
    for found in _BRACKETS.finditer(text):
        if found[2] and found[2] not in PLACEHOLDERS:
            known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
            meant = f"{{{found[0]}}} if the text itself is meant"
            raise ValueError(f"there is no {found[0]}; known here: {known}; or write {meant}")
    return text


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with its placeholders filled in. Raises KeyError for one that has no value."""
    return _BRACKETS.sub(lambda found: f"{{{found[1]}}}" if found[1] else values[found[2]], text)


def _a_path(value: str) -> str:
    if not re.fullmatch(r"/[!-~]*", value):
        raise ValueError(f"expected the path of a page, such as /health, not {value!r}")
    return value


def _a_request(value: str) -> str:
    if value and not _REQUEST.fullmatch(value):
        raise ValueError(f"expected a method and a path, such as POST /shutdown, not {value!r}")
    return value


SignalName = Literal["TERM", "INT", "QUIT", "HUP", "USR1", "USR2"]
Filled = Annotated[str, Strict(), AfterValidator(_known_placeholders)]
PagePath = Annotated[str, Strict(), AfterValidator(_a_path)]
Command = Annotated[tuple[Filled, ...], Field(min_length=1)]


class DrainingPart(Section):
    """The answer of the health check by which a node asks to be drained: it still serves, and is to be left alone."""

    status: Annotated[Whole, Field(ge=100, le=599)] = 503
    """Its status."""
    text: Text = ""
    """What must be in it; empty asks for nothing."""


class HealthPart(Section):
    """How anybody can tell that a node of the application serves: the load balancer, and who waits for its start."""

    path: PagePath = "/"
    """What is asked for."""
    status: Annotated[Whole, Field(ge=100, le=599)] = 200
    """The status of a good answer."""
    text: Text = ""
    """What must be in a good answer; empty asks for nothing."""
    draining: DrainingPart | None = None
    """The answer by which a node asks to be drained; without it none is."""

    @model_validator(mode="after")
    def _draining_is_not_well(self) -> Self:
        if self.draining and self.draining.status == self.status and not self.draining.text:
            raise PydanticCustomError(
                "draining_is_well",
                "draining: what has status {status} is well; say its text",
                {"status": self.status},
            )
        return self


class _AskedPart(Section):
    """How a node is told something: by a signal to its process, or by a request."""

    request: Annotated[str, Strict(), AfterValidator(_a_request)] = ""
    """A request to the node in the signal's place, such as `POST /shutdown`."""

    @property
    def method_and_path(self) -> tuple[str, str]:
        """The two words of ``request``."""
        method, _, path = self.request.partition(" ")
        return method, path


class DrainPart(_AskedPart):
    """How a node of the application is told that it is to ask for its drain, as before an upgrade."""

    signal: SignalName = "USR1"
    """The signal that its process gets."""


class StopPart(_AskedPart):
    """How a node of the application is stopped in an orderly way."""

    signal: SignalName = "TERM"
    """The signal that its process gets."""
    deadline: PositiveDuration = 10.0
    """A process that has not ended so long after that is killed, and has broken a promise."""


class PagePart(Section):
    """What visitors and probes ask for, and what tells them who answered."""

    path: PagePath = "/"
    """The page."""
    text: Text = ""
    """What every good answer has in it; a log-in page has status 200 as well."""
    login: Annotated[str, Strict()] = ""
    """The path that the log-in form is sent to; who is sent back there later has lost the session."""
    form: dict[str, Text] = Field(default_factory=dict)
    """The fields of the log-in form; `{n}` in a value is the visitor's number."""
    headers: dict[str, Text] = Field(default_factory=dict)
    """Header fields that go with every request."""
    node_header: Text = ""
    """The response header that names the node, as `{node}` has it; without it the load balancer's cookie tells."""
    version_header: Text = ""
    """The response header that names the version; without it the version that the node was started with counts."""

    @model_validator(mode="after")
    def _login_and_form(self) -> Self:
        if bool(self.login) != bool(self.form):
            raise PydanticCustomError("login_form", "login and form need each other")
        return self


class VersionPart(Section):
    """What one version has otherwise than the others."""

    command: Command | None = None
    """How this version is started, in the place of `node.command`."""
    env: dict[str, Filled] = Field(default_factory=dict)
    """Environment variables of this version, besides those of `node.env`."""


class NodePart(Section):
    """Another application in the place of Jira: what each node is, and how it is started, asked and stopped."""

    command: Command
    """How a node is started, word by word; `{port}`, `{node}`, `{version}` and other placeholders are filled in."""
    env: dict[str, Filled] = Field(default_factory=dict)
    """Environment variables besides those of zdu itself; the same placeholders are filled in."""
    versions: dict[str, VersionPart] = Field(default_factory=dict)
    """What a version has otherwise: its own `command`, or more `env`."""
    folder: Text = ""
    """The folder in which commands are run, from that of the scenario file; it is `{folder}`."""
    start_deadline: PositiveDuration = 30.0
    """A node that does not answer well so long after its start has not started."""
    health: HealthPart = HealthPart()
    """How anybody can tell that a node serves."""
    drain: DrainPart | None = None
    """How a node is told to ask for its drain; without it the load balancer's administrator takes it out."""
    stop: StopPart = StopPart()
    """How a node is stopped."""
    page: PagePart = PagePart()
    """What visitors and probes ask for."""

    @model_validator(mode="after")
    def _who_asks_is_understood(self) -> Self:
        if self.drain and not self.health.draining:
            raise PydanticCustomError(
                "drain_health", "drain needs health.draining: the answer by which the load balancer hears of it"
            )
        return self

    @model_validator(mode="after")
    def _each_node_has_a_port(self) -> Self:
        for version, words in self._all_words():
            if not any("{port}" in word for word in words):
                raise PydanticCustomError(
                    "no_port",
                    "{whose} has no {port}: each node has a port of its own, and must be told which",
                    {"whose": f"the command of version {version!r}" if version else "command", "port": "{port}"},
                )
        return self

    def _all_words(self) -> Iterator[tuple[str, list[str]]]:
        yield "", [*self.command, *self.env.values()]
        for version, part in self.versions.items():
            if part.command is not None:
                yield version, [*part.command, *self.env.values(), *part.env.values()]

    def command_of(self, version: str) -> tuple[str, ...]:
        """How that version is started, placeholders and all."""
        own = self.versions.get(version)
        return (own.command if own else None) or self.command

    def env_of(self, version: str) -> dict[str, str]:
        """The environment variables of that version, placeholders and all."""
        own = self.versions.get(version)
        return {**self.env, **(own.env if own else {})}
