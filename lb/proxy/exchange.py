"""One request's way: route it, try it, try again where that is allowed, and relay the response as it comes."""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from lb.access_log import AccessRecord, AttemptRecord
from lb.balancer import Balancer
from lb.fitness import Target, parse_target, unfit_request
from lb.headers import (
    Header,
    Headers,
    Peer,
    request_to_node,
    response_to_client,
    sticky_cookie,
    sticky_node,
    values,
    wants_websocket,
    with_host,
)
from lb.pool import NoNode, Route
from lb.proxy.answer import Answer, own_answer
from lb.proxy.attempt import Attempt, AttemptError
from lb.proxy.node_response import NodeResponse
from lb.proxy.request_body import ClientTooSlowError, RequestBody
from lb.proxy.upstream import NodeConnections, NodeRequest
from lb.retry import Again, Failure, GiveUp, after_failure
from lb.stickiness import CookieAction, CookieState


class _ClientBrokeError(Exception):
    """The request's body did not come as announced: no node is to blame."""


@dataclass
class _Progress:
    """How far the request has come: the nodes tried, and how often it was dispatched again."""

    tried: list[str] = field(default_factory=list)
    redispatches: int = 0
    repeated: bool = False
    attempts: int = 0


class Exchange:
    """Serves one request. ``closing`` says whether clients are to be told to close their connections."""

    def __init__(
        self,
        request: web.BaseRequest,
        record: AccessRecord,
        balancer: Balancer,
        connections: dict[str, NodeConnections],
        closing: Callable[[], bool],
    ) -> None:
        self._request = request
        self._record = record
        self._balancer = balancer
        self._config = balancer.config
        self._connections = connections
        self._closing = closing
        self._progress = _Progress()
        self._target = Target("/")
        self._body: RequestBody | None = None

    async def run(self) -> Answer:
        """The response, already sent as far as it could be."""
        self._balancer.counters.requests += 1
        headers: Headers = self._request.raw_headers
        refused = self._refusal(headers)
        if refused is not None:
            return refused
        if self._request.body_exists:
            expects = b"100-continue" in {value.lower() for value in values(headers, b"expect")}
            self._body = RequestBody(
                self._request.content, self._config.timeouts.server, self._send_continue if expects else None
            )
        try:
            return await self._dispatch(headers)
        finally:
            self._record.received_bytes = self._body.received_bytes if self._body else 0

    def _refusal(self, headers: Headers) -> Answer | None:
        request = self._request
        if request.method == "CONNECT":
            return self._fail(501, "CONNECT is not supported", "http_request_denied", "unsupported-method")
        if request.method == "TRACE":
            return self._fail(405, "TRACE is not allowed", "http_request_denied", "unsupported-method")
        if wants_websocket(headers):
            return self._fail(501, "WebSocket is not supported yet", "http_upgrade_failed", "unsupported-upgrade")
        unfit = unfit_request(request.raw_path, headers)
        if unfit is not None:
            reason = "bad-request" if unfit.status == 400 else "unsupported-coding"
            return self._fail(unfit.status, unfit.text, "http_request_error", reason)
        self._target = parse_target(request.raw_path) or self._target
        return None

    async def _dispatch(self, headers: Headers) -> Answer:
        bound_to = sticky_node(headers, self._config.stickiness.cookie)
        peer = Peer(self._request.remote or "unknown")
        outgoing = request_to_node(with_host(headers, self._target.authority), peer, self._config.stickiness.cookie)
        while True:
            decision = self._balancer.route(bound_to, self._progress.tried)
            if isinstance(decision, NoNode):
                return self._no_node(decision)
            self._record.node, self._record.route = decision.node, decision.reason
            self._record.cookie = decision.cookie_state + decision.cookie_action
            with self._balancer.in_flight(decision.node):
                try:
                    response = await self._try(decision.node, outgoing)
                except _ClientBrokeError:
                    return self._client_broke()
                except AttemptError as error:
                    give_up = self._after(error.failure, decision.node)
                    if give_up is not None:
                        return self._gave_up(give_up, error, decision.node)
                    continue
                return await self._relay(response, decision)

    async def _try(self, node: str, headers: Headers) -> NodeResponse:
        """Send the request to ``node``; where that is allowed, a second time on a fresh connection."""
        body = self._body.chunks if self._body else None
        request = NodeRequest(self._request.method, self._target.path, headers, body)
        while True:
            attempt = Attempt(node, self._balancer.now)
            self._progress.attempts += 1
            try:
                return await self._connections[node].send(attempt, request, fresh=self._progress.repeated)
            except AttemptError as error:
                if self._body is not None and self._body.failure is not None:
                    raise _ClientBrokeError from error
                self._balancer.counters.nodes[node].errors += 1
                if self._decide(error.failure) is not Again.FRESH_CONNECTION:
                    raise
                self._progress.repeated = True
                self._balancer.counters.retries += 1
                self._connections[node].purge()
            finally:
                self._record.attempts.append(_record(attempt))

    def _decide(self, failure: Failure) -> Again | GiveUp:
        progress = self._progress
        return after_failure(
            failure,
            self._request.method.encode(),
            [Failure.REFUSED] * progress.redispatches + [Failure.CLOSED_REUSED] * progress.repeated,
            retries=self._config.retry.retries,
            keyed=False,
            responding=False,
            replayable=self._body is None or self._body.replayable,
            remaining_s=math.inf,
            may_retry=lambda: True,
        )

    def _after(self, failure: Failure, node: str) -> GiveUp | None:
        """None if the request may go to another node."""
        decision = self._decide(failure)
        if isinstance(decision, GiveUp):
            return decision
        self._progress.tried.append(node)
        self._progress.redispatches += 1
        self._balancer.counters.redispatches += 1
        return None

    async def _relay(self, response: NodeResponse, route: Route) -> Answer:
        """Pass the response on piece by piece; the node is read no faster than the client takes it."""
        answer = Answer(
            response.status,
            response.reason,
            response_to_client(response.headers, self._extras(route)),
            close=self._closing(),
        )
        self._record.status = response.status
        if response.status >= 500:
            self._balancer.counters.nodes[route.node].errors += 1
        complete = False
        try:
            await answer.prepare(self._request)
            complete = await self._pump(response, answer)
            if complete:
                response.finish(reusable=True)
                await answer.write_eof()
            else:
                self._balancer.counters.errors += 1
                self._balancer.counters.nodes[route.node].errors += 1
                answer.break_off()
        finally:
            response.finish(reusable=False)
            self._record.sent_bytes = answer.sent_bytes
        return answer

    async def _pump(self, response: NodeResponse, answer: Answer) -> bool:
        """Move the body. False if it broke off; a client that left raises ConnectionError or cancels us."""
        limit_s = self._config.timeouts.server
        loop = asyncio.get_running_loop()
        reading = True
        try:
            async with asyncio.timeout(limit_s) as limit:
                while True:
                    reading = True
                    chunk = await response.read()
                    if not chunk:
                        return True
                    reading = False
                    await answer.write(chunk)
                    limit.reschedule(loop.time() + limit_s)
        except TimeoutError:
            self._record.ended = "sD" if reading else "cD"
        except ConnectionAbortedError:
            self._record.ended = "SD"
        return False

    def _extras(self, route: Route) -> list[Header]:
        extras: list[Header] = []
        if route.cookie_action is not CookieAction.NONE:
            extras.append(sticky_cookie(self._config.stickiness.cookie, route.node))
        if route.cookie_action is CookieAction.UPDATE and route.cookie_state is CookieState.DOWN:
            self._balancer.counters.sessions_moved += 1
        if self._progress.attempts > 1:
            extras.append((b"X-LB-Attempts", str(self._progress.attempts).encode("ascii")))
        return extras

    async def _send_continue(self) -> None:
        await self._request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._request.writer.output_size = 0

    def _no_node(self, decision: NoNode) -> Answer:
        self._record.ended = "SC"
        self._record.cookie = decision.cookie_state + CookieAction.NONE
        return self._fail(
            503,
            decision.reason,
            "destination_unavailable",
            "no-usable-node",
            retry_after_s=decision.retry_after_s,
        )

    def _gave_up(self, give_up: GiveUp, error: AttemptError, node: str) -> Answer:
        self._record.ended = _TERMINATION[error.failure]
        return self._fail(give_up.status, f"{node}: {error.detail}", give_up.error, error.failure.value)

    def _client_broke(self) -> Answer:
        assert self._body is not None  # noqa: S101 - only a body can break
        slow = isinstance(self._body.failure, ClientTooSlowError)
        self._record.ended = "cR" if slow else "CR"
        status, error = (408, "http_request_error") if slow else (400, "http_request_error")
        return self._fail(status, str(self._body.failure), error, "bad-request-body")

    def _fail(self, status: int, text: str, error: str, reason: str, *, retry_after_s: int | None = None) -> Answer:
        self._record.status = status
        if self._record.ended == "--":
            self._record.ended = "PR"
        if status >= 500:
            self._balancer.counters.errors += 1
        close = self._closing() or status in {400, 408}
        return own_answer(status, text, error=error, reason=reason, retry_after_s=retry_after_s, close=close)


_TERMINATION = {
    Failure.REFUSED: "SC",
    Failure.CONNECT_TIMEOUT: "sC",
    Failure.CLOSED_REUSED: "SH",
    Failure.CLOSED_FRESH: "SH",
    Failure.BAD_RESPONSE: "PH",
    Failure.NO_RESPONSE: "sH",
}


def _record(attempt: Attempt) -> AttemptRecord:
    return AttemptRecord(
        attempt.node,
        attempt.reused,
        attempt.failure or "",
        attempt.status,
        round(attempt.connect_ms, 3),
        round(attempt.response_ms, 3),
    )
