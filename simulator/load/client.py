"""A browser's worth of HTTP for one virtual user: cookies, kept-alive connections, and a record of every request."""

import errno
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from types import SimpleNamespace

import aiohttp

from simulator.load.answers import Answers, JiraAnswers
from simulator.load.judge import Expected, Judgement
from simulator.record.recorder import Recorder
from simulator.record.requests import OK, OWN_TROUBLE, REQUEST_ID_HEADER, RequestRecord, request_id

SHORTAGES = {errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS}
INSECURE = "tls"
"""The outcome where no secure connection came about: a certificate that is not trusted here, or no TLS at all."""
IDLE_S = 60.0
"""How long an idle connection is kept: as browsers do, less than any server's patience here."""


@dataclass(frozen=True)
class Answer:
    """What came back, and the record of it."""

    record: RequestRecord
    headers: Mapping[str, str]
    body: str

    @property
    def ok(self) -> bool:
        """Whether it was what the user had asked for."""
        return self.record.outcome == OK


@dataclass
class _Wire:
    """What aiohttp tells of one request while it runs."""

    sent_s: float | None = None
    first_byte_s: float | None = None
    connections: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Write:
    """The unique text that a request is to leave in an issue; for a new issue the key is not known yet."""

    marker: str
    issue: str = ""


class RecordingClient:
    """Sends requests, judges the answers and records both.

    aiohttp repeats an idempotent request by itself when a kept-alive connection turns out to be dead. A user would
    not notice, but the measurement must: a request that needed a second connection counts as failed.
    """

    def __init__(
        self,
        base_url: str,
        recorder: Recorder,
        request_ids: "count[int]",
        *,
        session: str,
        timeout_s: float,
        keep_alive: bool = True,
        connections: int = 4,
        record: Callable[[RequestRecord], None] | None = None,
        answers: Answers | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """``record`` takes the records, if they are not those of users and of probes that look at the cluster.

        ``answers`` is how those of a system that is not ours are read; ``headers`` go with every request.
        """
        self._answers = answers or JiraAnswers()
        self._headers = dict(headers or {})
        self._recorder = recorder
        self._record = record or recorder.request
        self._ids = request_ids
        self.session = session
        self.due_s: float | None = None
        """When the next request is due, in seconds of the run, if that was before it is sent."""
        self.late_s = 0.0
        """By how much the last request that was due at a given time was sent later."""
        trace = aiohttp.TraceConfig()
        trace.on_connection_create_end.append(self._on_new_connection)
        trace.on_connection_reuseconn.append(self._on_reused_connection)
        trace.on_request_headers_sent.append(self._on_sent)
        trace.on_response_chunk_received.append(self._on_chunk)
        self._http = aiohttp.ClientSession(
            base_url=base_url,
            timeout=aiohttp.ClientTimeout(total=timeout_s),
            cookie_jar=aiohttp.CookieJar(unsafe=True),
            connector=aiohttp.TCPConnector(limit=connections, keepalive_timeout=IDLE_S)
            if keep_alive
            else aiohttp.TCPConnector(limit=connections, force_close=True),
            trace_configs=[trace],
        )

    async def close(self) -> None:
        """Close the connections, as a closing browser does."""
        await self._http.close()

    def forget_cookies(self) -> None:
        """Become a stranger."""
        self._http.cookie_jar.clear()

    async def send(
        self,
        kind: str,
        method: str,
        path: str,
        expected: Expected,
        *,
        form: Mapping[str, str] | None = None,
        intended_s: float | None = None,
        write: Write | None = None,
        issue_of: Callable[[Mapping[str, str]], str] | None = None,
        news_since_s: float = 0.0,
    ) -> Answer:
        """Send one request and record what became of it; redirects are answers, not followed.

        ``intended_s`` is when it should have been sent, in seconds of the run; :attr:`due_s`, or now, if not given.
        ``issue_of`` finds the issue that was written in the answer's headers, when only the answer tells.
        ``news_since_s`` is since when there has been what ``expected.news`` names.
        """
        wire = _Wire()
        number = next(self._ids)
        begun_s = self._recorder.now_s()
        due_s, self.due_s = self.due_s, None
        status, body = 0, ""
        headers: Mapping[str, str] = {}
        try:
            async with self._http.request(
                *(method, path),
                data=form,
                headers={**self._headers, REQUEST_ID_HEADER: request_id(number)},
                allow_redirects=False,
                trace_request_ctx=wire,
            ) as answer:
                status, headers = answer.status, answer.headers
                body = await answer.text()
            judgement = self._answers.judge(status, headers, body, expected)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            judgement = _transport_failure(error)
        if len(wire.connections) > 1 and judgement.outcome == OK:
            judgement = Judgement("reset", "the kept-alive connection was dead; the client had to send it again")
        sent_s = begun_s if wire.sent_s is None else wire.sent_s
        if due_s is not None:
            intended_s, self.late_s = due_s, sent_s - due_s
        node = self._answers.node_of(status, headers, {c.key: c.value for c in self._http.cookie_jar})
        record = RequestRecord(
            id=number,
            session=self.session,
            kind=kind,
            method=method,
            path=path,
            intended_s=begun_s if intended_s is None else intended_s,
            sent_s=sent_s,
            first_byte_s=wire.first_byte_s,
            end_s=self._recorder.now_s(),
            node=node,
            version=self._answers.version_of(headers, node),
            connection=wire.connections[-1] if wire.connections else "",
            status=status,
            outcome=judgement.outcome,
            detail=judgement.detail,
            attempts=self._answers.attempts_of(headers),
            signed_in="X-Zdu-Signed-In" in headers,
            write=write.marker if write else "",
            issue=(issue_of(headers) if issue_of else write.issue) if write else "",
            behind_s=max(0.0001, sent_s - news_since_s) if judgement.behind else 0.0,
            own_writes=len(expected.own_writes),
        )
        self._record(record)
        return Answer(record, headers, body)

    async def _on_new_connection(self, _session: object, context: SimpleNamespace, _params: object) -> None:
        _wire_of(context).connections.append("new")

    async def _on_reused_connection(self, _session: object, context: SimpleNamespace, _params: object) -> None:
        _wire_of(context).connections.append("reused")

    async def _on_sent(self, _session: object, context: SimpleNamespace, _params: object) -> None:
        wire = _wire_of(context)
        if wire.sent_s is None:
            wire.sent_s = self._recorder.now_s()

    async def _on_chunk(self, _session: object, context: SimpleNamespace, _params: object) -> None:
        wire = _wire_of(context)
        if wire.first_byte_s is None:
            wire.first_byte_s = self._recorder.now_s()


def _wire_of(context: SimpleNamespace) -> _Wire:
    wire: _Wire = context.trace_request_ctx
    return wire


def _why_insecure(error: aiohttp.ClientSSLError) -> str:
    """What is wrong with the certificate, or with the handshake."""
    cause = getattr(error, "certificate_error", None) or error.os_error
    return str(getattr(cause, "verify_message", "") or getattr(cause, "reason", "") or cause)


def _transport_failure(error: Exception) -> Judgement:
    """No answer, or half of one: what a browser would show as its own error page."""
    match error:
        case TimeoutError():
            return Judgement("timeout", "no whole answer in time")
        case aiohttp.ClientConnectorError(os_error=reason) if reason.errno in SHORTAGES:
            return Judgement(OWN_TROUBLE, f"this machine is short of something: {reason.strerror}")
        case aiohttp.ClientSSLError():
            return Judgement(INSECURE, f"no secure connection: {_why_insecure(error)}")
        case aiohttp.ClientConnectorError():
            return Judgement("refused", "nobody accepted the connection")
        case aiohttp.ServerDisconnectedError() | ConnectionResetError() | aiohttp.ClientOSError():
            return Judgement("reset", "the connection was closed without an answer")
        case aiohttp.ClientPayloadError():
            return Judgement("truncated", "the answer broke off in the middle")
    return Judgement("transport", f"{type(error).__name__}: {error}")
