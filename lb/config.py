"""What the load balancer is told: one YAML file, in HAProxy's words where HAProxy has one."""

import ipaddress
import re
from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, IPvAnyNetwork, SecretStr, model_validator

from zdu.durations import Duration

NodeName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,60}$")]
Port = Annotated[int, Field(ge=0, le=65535)]


def _check_token(token: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[A-Za-z0-9._~+/-]{16,}=*", token.get_secret_value()):  # RFC 6750 2.1, and not guessable
        raise ValueError("a token has at least 16 letters, digits or any of . _ ~ + / -")
    return token


Token = Annotated[SecretStr, AfterValidator(_check_token)]


CookieName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,60}$")]


def _check_secret(secret: SecretStr) -> SecretStr:
    if 0 < len(secret.get_secret_value()) < 16:
        raise ValueError("a secret has at least 16 characters, or none to leave the cookie unsigned")
    return secret


def _check_pattern(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return pattern


def _check_socket_path(path: str) -> str:
    if len(path.encode()) > 90:  # sun_path has 108 bytes, and for a moment ours is a little longer
        raise ValueError("the path of a Unix socket has at most 90 bytes")
    return path


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NodeAddress(_Strict):
    """One server behind the load balancer; ``weight`` 0 takes no new sessions."""

    name: NodeName
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)]
    weight: Annotated[int, Field(ge=0, le=256)] = 100
    maxconn: Annotated[int, Field(ge=0)] = 0
    """How many requests it gets at once; more wait in the queue. 0: as many as come."""
    slowstart: Duration = 0.0
    """After a recovery its weight and ``maxconn`` grow from a tenth to all of it over this time. 0: all at once."""


class StickyMode(StrEnum):
    """How a session is tied to its node."""

    INSERT = "insert"
    """By a cookie of ours, as Apache is made to set it for Jira: ``ROUTEID=.node1``."""
    ROUTE_SUFFIX = "route-suffix"
    """By the end of the application's own cookie, which its nodes put there: ``JSESSIONID=1A2B.node1``."""
    LEARN = "learn"
    """By a table of the values the application's cookie was given, and by which node."""
    NONE = "none"
    """Not at all: every request may go to another node."""


BOUND_NODE_GONE: Final = "bound-node-gone"
"""``stickiness.nofailover`` in ``X-LB-Error`` and in the figures: others may be usable, but not for this session."""


class StickinessConfig(_Strict):
    """How sessions are tied to nodes, and how long (HAProxy's ``cookie`` and its ``maxidle`` and ``maxlife``)."""

    mode: StickyMode = StickyMode.INSERT
    cookie: CookieName = "ROUTEID"
    """Ours under ``insert``; the application's own under ``route-suffix`` and ``learn``, JSESSIONID say."""
    secret: Annotated[SecretStr, AfterValidator(_check_secret)] = SecretStr("")
    """Signs our cookie (HMAC-SHA256), so that clients cannot choose their node. Empty: it is not signed."""
    maxidle: Duration = 0.0
    """A session that was silent for longer is routed like a new one. 0: never."""
    maxlife: Duration = 0.0
    """A session older than this is routed like a new one. 0: never."""
    session_cookie: CookieName = "JSESSIONID"
    """The application's cookie that tells one session from another; clients without it are told apart by address."""
    table_size: Annotated[int, Field(ge=1)] = 100_000
    """Sessions remembered; the one that was silent for longest is forgotten first."""
    nofailover: bool = False
    """Whether a session whose node is gone gets 503 (:data:`BOUND_NODE_GONE`) until that node is back, instead of
    moving to another: Apache's ``nofailover``. For rehearsals of that mistake, and for sessions that are worth
    nothing elsewhere."""

    @model_validator(mode="after")
    def _every_setting_has_an_effect(self) -> Self:
        if self.secret.get_secret_value() and self.mode is not StickyMode.INSERT:
            raise ValueError(f"secret signs our own cookie, and mode {self.mode} sets none: leave it out")
        if (self.maxidle or self.maxlife) and self.mode not in {StickyMode.INSERT, StickyMode.LEARN}:
            raise ValueError(f"mode {self.mode} knows no dates: leave out maxidle and maxlife")
        if self.nofailover and self.mode is StickyMode.NONE:
            raise ValueError("mode none binds no session to a node: leave out nofailover")
        return self


class Balance(StrEnum):
    """Which usable node gets a new session, in HAProxy's words."""

    ROUNDROBIN = "roundrobin"
    LEASTCONN = "leastconn"
    RANDOM = "random"
    """Two nodes are drawn by weight and the less busy one is taken (the power of two choices)."""


class HealthConfig(_Strict):
    """Active health checks (HAProxy's ``inter``, ``fastinter``, ``downinter``, ``rise``, ``fall``, ``timeout``).

    A check passes with status ``expect_status`` *and* ``expect_state`` in the body: Jira answers 200 while STARTING
    and STOPPING too. A body that names one of ``drain_states`` is the node's own wish to be drained: it still serves.
    One that names one of ``stopping_states`` says that the node takes nothing any more: it is down at once, without
    ``fall``.
    """

    path: Annotated[str, Field(pattern=r"^/[!-~]*$")] = "/status"
    inter: Duration = 2.0
    fastinter: Duration | None = None
    downinter: Duration | None = None
    timeout: Duration = 1.0
    rise: Annotated[int, Field(ge=1)] = 2
    fall: Annotated[int, Field(ge=1)] = 3
    jitter: Annotated[float, Field(ge=0, le=0.5)] = 0.1
    """The share of an interval by which checks spread, so that nodes are not checked in step."""
    expect_status: Annotated[int, Field(ge=100, le=599)] = 200
    expect_state: str = "RUNNING"
    """The word in the JSON body's ``state``. Empty: none is asked for, for servers that do not tell their state."""
    expect_body: Annotated[str, AfterValidator(_check_pattern)] = ""
    """A regular expression that must be found in the body (HAProxy's ``http-check expect rstring``). Empty: none."""
    drain_status: Annotated[int, Field(ge=100, le=599)] | None = None
    """An answer with this status is a node's wish to be drained, where nodes do not tell their state (HAProxy's
    ``disable-on-404``, with any status). Left out: none is."""
    drain_body: Annotated[str, AfterValidator(_check_pattern)] = ""
    """A regular expression that such an answer must have in its body, too. Empty: none."""
    drain_states: tuple[str, ...] = ("DRAINING",)
    stopping_states: tuple[str, ...] = ("STOPPING",)

    @model_validator(mode="after")
    def _each_word_means_one_thing(self) -> Self:
        meanings = [self.expect_state, *set(self.drain_states), *set(self.stopping_states)]
        twice = sorted({word for word in meanings if meanings.count(word) > 1})
        if twice:
            settings = "expect_state, drain_states and stopping_states"
            raise ValueError(f"{settings} must not share a word; shared here: {', '.join(twice)}")
        if self.drain_status == self.expect_status and not self.drain_body:
            raise ValueError(f"drain_status {self.drain_status} is what a good answer has: say drain_body, too")
        return self


class PassiveConfig(_Strict):
    """What users' requests tell of a node's health (HAProxy's ``observe layer7`` and ``error-limit``)."""

    enabled: bool = True
    error_limit: Annotated[int, Field(ge=1)] = 10
    """So many failed requests in a row, and the node is out until its checks have passed ``rise`` times."""
    refused_counts: bool = True
    """A refused connection takes the node out at once, without waiting for ``error_limit`` or a check."""
    max_ejected: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Never more than this share of the nodes is out by this alone; the last one that serves never is."""


class DrainConfig(_Strict):
    """How a draining node's sticky sessions leave it."""

    enabled: bool = True
    """False: no heed is paid to ``drain_states`` and ``stopping_states``; there are only passed and failed checks."""
    deadline: Duration = 0.0
    """How long a draining node still serves the sessions bound to it; then each moves with its next request.
    WebSockets and event streams are closed one after the other over this time."""
    move_idle: Duration | None = None
    """A session that was silent for so long moves before the deadline. Left out: none does."""
    move_header: str = ""
    """A session whose last response had this header field moves before the deadline. Empty: there is none."""


class RebalanceConfig(_Strict):
    """Sessions moved back to a node that came back, so that the one upgraded last is not left empty."""

    enabled: bool = True
    idle: Duration = 60.0
    """Only sessions that were silent for so long are moved, at their next request."""
    ratio: Annotated[float, Field(gt=1)] = 1.3
    """It ends when no node has more than so many times the sessions of another (each by its weight)."""
    rate: Annotated[float, Field(gt=0)] = 10.0
    """Sessions moved per second at the most."""
    window: Duration = 600.0
    """How long after a node came back sessions are moved."""


class QueueConfig(_Strict):
    """Requests that no node can take now wait here in their order (HAProxy's ``timeout queue`` and ``maxqueue``)."""

    timeout: Duration = 5.0
    """Then the answer is 503 with Retry-After. 0: nothing waits."""
    size: Annotated[int, Field(ge=0)] = 1000
    """So many wait at the most; the next one gets 503 at once."""


class RetryConfig(_Strict):
    """When a failed request is dispatched again (HAProxy's ``retries`` and ``retry-on``)."""

    retries: Annotated[int, Field(ge=0, le=10)] = 3
    budget: Annotated[float, Field(ge=0, le=1)] = 0.2
    """Retries after a request may have been seen by a node are at most this share of the requests of 10 s ..."""
    budget_min: Annotated[int, Field(ge=0)] = 3
    """... or so many a second, if that is more."""
    deadline: Duration = 30.0
    """After so long a request is dispatched no more, held or failed."""
    idempotency_key: bool = False
    """A request with an ``Idempotency-Key`` is repeated like an idempotent one: its nodes must honour that field."""


class Timeouts(_Strict):
    """How long to wait for what (HAProxy's words; ``shutdown`` is its ``hard-stop-after``)."""

    connect: Duration = 2.0
    server: Duration = 30.0
    """For the first byte of a response, and between two pieces of its body."""
    client: Duration = 30.0
    """Between two pieces of a request's body, and for a client that takes no more of its response."""
    http_request: Duration = 10.0
    """For a request's whole head, from its first byte."""
    client_keep_alive: Duration = 75.0
    server_keep_alive: Duration = 15.0
    """How long an idle connection to a node is kept; less if the node itself says less in ``Keep-Alive``."""
    tunnel: Duration = 3600.0
    """For an upgraded connection (WebSocket) or event stream on which nothing moves."""
    close_grace: Duration = 0.2
    """How long idle clients' connections are kept at a stop, for requests that are on their way."""
    shutdown: Duration = 5.0
    handover: Duration = 60.0
    """After another process took over: for requests in flight, and for streams, which are closed one after the other
    over this time."""


class Limits(_Strict):
    """What one client may ask for; whoever asks for more gets the status named."""

    maxconn: Annotated[int, Field(ge=1)] = 20_000
    """Clients' connections: 503."""
    header_bytes: Annotated[int, Field(ge=1024, le=1024 * 1024)] = 32 * 1024
    """A message's head: 431 for a request, 502 for a response."""
    header_count: Annotated[int, Field(ge=8)] = 100
    """Fields in a head: 431 for a request, 502 for a response."""
    target_bytes: Annotated[int, Field(ge=64)] = 8 * 1024
    """A request's target: 414."""
    body_rate: Annotated[int, Field(ge=0)] = 500
    """Bytes per second, over the whole body, below which a client is too slow: 408, or the end of its response."""
    replay_bytes: Annotated[int, Field(ge=0)] = 64 * 1024
    """How much of a request's body is kept, so that the request can be dispatched again."""


class BalancerConfig(_Strict):
    """Everything the load balancer needs to know."""

    host: str = "127.0.0.1"
    port: Port = 0
    admin_host: str = "127.0.0.1"
    admin_port: Port = 0
    admin_token: Token | None = None
    """What requests to the admin port must bring; may be left out only if that port is on a loopback address."""
    nodes: Annotated[tuple[NodeAddress, ...], Field(min_length=1)]
    balance: Balance = Balance.ROUNDROBIN
    stickiness: StickinessConfig = StickinessConfig()
    health: HealthConfig = HealthConfig()
    passive: PassiveConfig = PassiveConfig()
    drain: DrainConfig = DrainConfig()
    rebalance: RebalanceConfig = RebalanceConfig()
    queue: QueueConfig = QueueConfig()
    retry: RetryConfig = RetryConfig()
    timeouts: Timeouts = Timeouts()
    limits: Limits = Limits()
    abortonclose: bool = True
    """Whether a client that closes its side while it waits takes its request with it; if not, it may half-close."""
    trusted_proxies: tuple[IPvAnyNetwork, ...] = ()
    """Whose ``X-Forwarded-Proto``, ``-Host``, ``-Port`` and ``X-Request-Id`` are passed on instead of replaced, and
    ``Forwarded`` instead of dropped."""
    handover: Annotated[str, AfterValidator(_check_socket_path)] = ""
    """The path of a Unix socket by which ``zdu lb --take-over`` replaces this process. Empty: it cannot be."""
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
