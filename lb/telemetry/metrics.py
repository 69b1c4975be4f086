"""Prometheus: HAProxy's exporter's names under a prefix of our own, made from the counters when they are asked for.

A custom collector over plain counters: the library's own take locks, which a request need not pay for.
"""

from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from lb.telemetry.figures import Figures, NodeFigures
from lb.telemetry.meters import DURATION_BOUNDS_S, Averages, Meter

CONTENT_TYPE = CONTENT_TYPE_LATEST
PREFIX = "zdu_lb_"
STATES = ("UP", "DOWN", "DRAIN", "NOLB", "MAINT", "INI")
"""The words of ``server_status``; the node's own is 1, the others 0, as HAProxy's exporter has it."""


def render(figures: Figures) -> bytes:
    """The answer to a scrape, in the text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Once(figures))
    return generate_latest(registry)


class _Once(Collector):
    """Hands the figures to the library."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def describe(self) -> Iterable[Metric]:
        """Nothing: without it the library would collect twice."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """All metrics."""
        yield from _process(self._figures)
        yield from _front(self._figures)
        yield from _back(self._figures)
        yield from _nodes(self._figures.nodes)


def _process(now: Figures) -> Iterator[Metric]:
    info = _gauge("build_info", "The version that runs; always 1", ["version"])
    info.add_metric([now.version], 1)
    yield info
    yield _single("uptime_seconds", "Since the start", now.uptime_s)


def _front(now: Figures) -> Iterator[Metric]:
    front, clients = now.meters.front(), now.clients
    yield _single("frontend_current_sessions", "Clients' connections", clients.current)
    yield _single("frontend_max_sessions", "The most clients' connections at once", clients.highest)
    yield _count("frontend_connections", "Clients' connections accepted", clients.total)
    yield _count("frontend_denied_connections", "Clients' connections over the limit", clients.refused)
    yield _count("frontend_http_requests", "Requests, whatever became of them", front.stot)
    yield _count("frontend_request_errors", "Requests that were wrong or never came whole", front.ereq)
    yield _count("frontend_requests_denied", "Requests over a limit", front.dreq)
    yield _count("frontend_bytes_in", "Bytes of requests' bodies", front.bin)
    yield _count("frontend_bytes_out", "Bytes of responses' bodies", front.bout)
    yield _single("frontend_requests_rate", "Requests in the last second", now.meters.front_rate.last)
    answers = _counter("frontend_http_responses", "Responses, by class and by who made them", ["code", "made_by"])
    for label, count in _classes(front):
        answers.add_metric([label, "node"], count)
    answers.add_metric(["4xx", "load_balancer"], front.own_4xx)
    answers.add_metric(["5xx", "load_balancer"], front.own_5xx)
    yield answers
    own = _counter("own_answers", "Answers the load balancer made itself, by reason (X-LB-Error)", ["reason"])
    for reason, count in sorted(front.own.items()):
        own.add_metric([reason], count)
    yield own


def _back(now: Figures) -> Iterator[Metric]:
    back = now.meters.back()
    yield _single("backend_active_servers", "Nodes that take requests", now.active)
    yield _single("backend_current_queue", "Requests held until a node can take them", now.held)
    yield _count("backend_requests_held", "Requests that were held", back.held)
    yield _count("backend_sessions_moved", "Sessions that went on at another node", back.moved)
    yield _count("backend_retry_warnings", "Requests sent once more to the same node", back.wretr)
    yield _count("backend_redispatch_warnings", "Requests sent to another node", back.wredis)
    yield from _averages("backend", [([], now.meters.averages)], [])


_GAUGES: tuple[tuple[str, str, str], ...] = (
    ("server_weight", "The operator's weight", "weight"),
    ("server_current_throttle", "Percent of the weight in use (slow start)", "throttle_percent"),
    ("server_current_sessions", "Requests in flight", "in_flight"),
    ("server_max_sessions", "The most requests in flight at once", "in_flight_max"),
    ("server_limit_sessions", "maxconn; 0 is no limit", "maxconn"),
    ("server_current_queue", "Requests that wait for this node", "queued"),
    ("server_sticky_sessions", "Sessions bound to it", "sessions"),
    ("server_drain_sessions_left", "Sessions that a drain still has to move", "sessions_left"),
    ("server_drain_panic", "1 while it takes everything although it drains", "panic"),
    ("server_streams", "Open tunnels and event streams", "streams"),
    ("server_idle_connections_current", "Idle connections that are kept", "idle_connections"),
)
_COUNTERS: tuple[tuple[str, str, str], ...] = (
    ("server_sessions", "Requests sent to it", "stot"),
    ("server_bytes_in", "Bytes of requests' bodies", "bin"),
    ("server_bytes_out", "Bytes of responses' bodies", "bout"),
    ("server_connection_errors", "Attempts of which it saw nothing", "econ"),
    ("server_response_errors", "Attempts without a response, and responses that broke off", "eresp"),
    ("server_retry_warnings", "Requests sent once more to it", "wretr"),
    ("server_redispatch_warnings", "Requests that left it for another node", "wredis"),
    ("server_check_up_down", "How often its checks found it down", "chkdown"),
    ("server_client_aborts", "Requests that the client gave up", "cli_abrt"),
    ("server_server_aborts", "Responses that it broke off", "srv_abrt"),
    ("server_loadbalanced", "Requests sent to it by balancing, not by a cookie", "lbtot"),
    ("server_connections", "Connections opened for requests", "connects"),
    ("server_connection_reuses", "Requests on a connection that was kept", "reuses"),
    ("server_sessions_moved", "Sessions that went on at another node", "moved"),
    ("server_requests_held", "Requests that waited for it", "held"),
)


def _nodes(nodes: Sequence[NodeFigures]) -> Iterator[Metric]:
    status = _gauge("server_status", "1 for the state it is in", ["server", "state"])
    answers = _counter("server_http_responses", "Its responses, by class", ["server", "code"])
    own = _counter("server_own_answers", "Answers the load balancer made in its place", ["server", "reason"])
    failed = _counter("server_check_failures", "Failed checks", ["server"])
    down = _counter("server_downtime_seconds", "Time in which it did not serve", ["server"])
    for node in nodes:
        for state in STATES:
            status.add_metric([node.name, state], node.word == state)
        for label, count in _classes(node.meter):
            answers.add_metric([node.name, label], count)
        for reason, count in sorted(node.meter.own.items()):
            own.add_metric([node.name, reason], count)
        failed.add_metric([node.name], node.checks_failed)
        down.add_metric([node.name], node.downtime_s)
    yield from (status, answers, own, failed, down)
    for name, text, attribute in _GAUGES:
        gauge = _gauge(name, text, ["server"])
        for node in nodes:
            gauge.add_metric([node.name], getattr(node, attribute))
        yield gauge
    for name, text, attribute in _COUNTERS:
        counter = _counter(name, text, ["server"])
        for node in nodes:
            counter.add_metric([node.name], getattr(node.meter, attribute))
        yield counter
    yield from _averages("server", [([node.name], node.meter.averages) for node in nodes], ["server"])
    durations = HistogramMetricFamily(
        PREFIX + "server_request_duration_seconds", "Whole requests, by the node they went to", labels=["server"]
    )
    for node in nodes:
        durations.add_metric([node.name], _buckets(node.meter), node.meter.durations_ms / 1000)
    yield durations


def _averages(part: str, values: Sequence[tuple[list[str], Averages]], labels: list[str]) -> Iterator[Metric]:
    for kind in ("queue", "connect", "response", "total"):
        gauge = _gauge(f"{part}_{kind}_time_average_seconds", "Over the last 1024 requests", labels)
        for names, averages in values:
            gauge.add_metric(names, getattr(averages, f"{kind}_ms") / 1000)
        yield gauge


def _classes(meter: Meter) -> Iterator[tuple[str, int]]:
    other, *classes = meter.hrsp
    for number, count in enumerate(classes, start=1):
        yield f"{number}xx", count
    yield "other", other


def _buckets(meter: Meter) -> list[tuple[str, float]]:
    running = 0
    buckets: list[tuple[str, float]] = []
    for bound, count in zip([*map(str, DURATION_BOUNDS_S), "+Inf"], meter.durations, strict=True):
        running += count
        buckets.append((bound, running))
    return buckets


def _single(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + name, text, value=value)


def _count(name: str, text: str, value: float) -> CounterMetricFamily:
    return CounterMetricFamily(PREFIX + name, text, value=value)


def _gauge(name: str, text: str, labels: list[str]) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + name, text, labels=labels)


def _counter(name: str, text: str, labels: list[str]) -> CounterMetricFamily:
    return CounterMetricFamily(PREFIX + name, text, labels=labels)
