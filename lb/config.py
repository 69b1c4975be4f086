"""What the load balancer is told: one YAML file, in HAProxy's words where HAProxy has one."""

import ipaddress
import re
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from zdu.durations import Duration

NodeName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,60}$")]
Port = Annotated[int, Field(ge=0, le=65535)]


def _check_token(token: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[A-Za-z0-9._~+/-]{16,}=*", token.get_secret_value()):  # RFC 6750 2.1, and not guessable
        raise ValueError("a token has at least 16 letters, digits or any of . _ ~ + / -")
    return token


Token = Annotated[SecretStr, AfterValidator(_check_token)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NodeAddress(_Strict):
    """One server behind the load balancer; ``weight`` 0 takes no new sessions."""

    name: NodeName
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)]
    weight: Annotated[int, Field(ge=0, le=256)] = 100


class HealthConfig(_Strict):
    """Active health checks (HAProxy's ``inter``, ``fastinter``, ``downinter``, ``rise``, ``fall``, ``timeout``).

    A check passes with status 200 *and* ``expect_state`` in the body: Jira answers 200 while STARTING and STOPPING
    too. A body that names one of ``drain_states`` is the node's own wish to be drained: it still serves. One that
    names one of ``stopping_states`` says that the node takes nothing any more: it is down at once, without ``fall``.
    """

    path: str = "/status"
    inter: Duration = 2.0
    fastinter: Duration | None = None
    downinter: Duration | None = None
    timeout: Duration = 1.0
    rise: Annotated[int, Field(ge=1)] = 2
    fall: Annotated[int, Field(ge=1)] = 3
    jitter: Annotated[float, Field(ge=0, le=0.5)] = 0.1
    """The share of an interval by which checks spread, so that nodes are not checked in step."""
    expect_state: str = "RUNNING"
    """Empty: status 200 alone will do, for servers that do not tell their state."""
    drain_states: tuple[str, ...] = ("DRAINING",)
    stopping_states: tuple[str, ...] = ("STOPPING",)

    @model_validator(mode="after")
    def _each_word_means_one_thing(self) -> Self:
        meanings = [self.expect_state, *set(self.drain_states), *set(self.stopping_states)]
        twice = sorted({word for word in meanings if meanings.count(word) > 1})
        if twice:
            settings = "expect_state, drain_states and stopping_states"
            raise ValueError(f"{settings} must not share a word; shared here: {', '.join(twice)}")
        return self


class DrainConfig(_Strict):
    """How a draining node's sticky sessions leave it."""

    enabled: bool = True
    """False: no heed is paid to ``drain_states`` and ``stopping_states``; there are only passed and failed checks."""
    deadline: Duration = 0.0
    """How long a draining node still serves the sessions bound to it; then each moves with its next request."""


class Timeouts(_Strict):
    """HAProxy's ``timeout connect``, ``server`` and ``http-keep-alive``; ``shutdown`` is its ``hard-stop-after``."""

    connect: Duration = 2.0
    server: Duration = 30.0
    client_keep_alive: Duration = 75.0
    server_keep_alive: Duration = 15.0
    shutdown: Duration = 5.0


class BalancerConfig(_Strict):
    """Everything the load balancer needs to know."""

    host: str = "127.0.0.1"
    port: Port = 0
    admin_host: str = "127.0.0.1"
    admin_port: Port = 0
    admin_token: Token | None = None
    """What requests to the admin port must bring; may be left out only if that port is on a loopback address."""
    nodes: Annotated[tuple[NodeAddress, ...], Field(min_length=1)]
    cookie: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,60}$")] = "ROUTEID"
    health: HealthConfig = HealthConfig()
    drain: DrainConfig = DrainConfig()
    timeouts: Timeouts = Timeouts()
    retries: Annotated[int, Field(ge=0, le=10)] = 3
    """How often a request whose connection was refused is dispatched again, each time to another node."""
    log_file: str = ""
    access_log_file: str = ""
    seed: int | None = None

    @model_validator(mode="after")
    def _the_admin_port_is_guarded(self) -> Self:
        if self.admin_token is None and not is_loopback(self.admin_host):
            reachable = f"admin_host {self.admin_host or '(all)'} can be reached from other machines"
            raise ValueError(f"{reachable}: set admin_token too, or bind it to 127.0.0.1")
        return self

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [node.name for node in self.nodes]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"node names must be unique; twice here: {', '.join(twice)}")
        return self


def is_loopback(host: str) -> bool:
    """True for ``localhost`` and literal loopback addresses: what no other machine can reach."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
