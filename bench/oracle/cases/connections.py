"""Clients' connections: order, ends, limits in time and size, and what nodes get to see of a request."""

from bench.oracle.case import Case, Move, Read, Send
from bench.oracle.cases.requests import get, request

CASES = (
    Case("three pipelined GETs",
         (get(), get(nth=2), get(nth=3), Read(), Read(), Read()), ("200 a, 200 a, 200 a",), executions={"a": 3}),
    Case("Connection: close", (get("Connection: close"), Read()), ("200 a",), closed=True),
    Case("HTTP/1.0", (request(version="HTTP/1.0"), Read()), ("200 a",), closed=True),
    Case("HTTP/1.0 with keep-alive",
         (request("GET", "Connection: keep-alive", version="HTTP/1.0"), Read(),
          request("GET", "Connection: keep-alive", version="HTTP/1.0", nth=2), Read()),
         ("200 a, 200 a", "200 a, closed")),
    Case("half-close after a GET", (get(), Move.HALF_CLOSE, Read()), ("200 a", "closed"), executions={"a": 1}),
    Case("client leaves while it waits", (get(behave="never"), Move.ABORT), ("left",), note="it left",
         executions={"a": 1}),
    Case("head that stops in the middle", (Send(b"GET /case HTTP/1.1\r\nHost: jira"), Read()), ("408",),
         closed=True, executions={}, wait_s=8),
    Case("not a byte", (Read(),), ("closed", "408"), closed=True, executions={}, wait_s=8),
    Case("header field of 70 KB", (get("X-Big: " + "x" * 70_000), Read()), ("431",), executions={}),
    Case("300 header fields", (get(*(f"X-{n}: {n}" for n in range(300))), Read()), ("431",), executions={}),
    Case("target of 20 KB", (request(target="/case?" + "x" * 20_000), Read()), ("414",), executions={}),
    Case("what Connection names is not passed on",
         (get("Connection: X-Foo, keep-alive", "X-Foo: 1", "Keep-Alive: timeout=5", "Proxy-Connection: keep-alive"),
          Read()), ("200 a",), hidden=("x-foo: 1", "keep-alive: timeout", "proxy-connection")),
    Case("Connection: X-Forwarded-For does not hide the client",
         (get("Connection: X-Forwarded-For"), Read()), ("200 a",), shown=("x-forwarded-for: ", "127.0.0.1")),
    Case("X-Forwarded-For is continued",
         (get("X-Forwarded-For: 192.0.2.7"), Read()), ("200 a",), shown=("x-forwarded-for: 192.0.2.7", "127.0.0.1")),
    Case("the sticky cookie stays here",
         (request(cookie="JSESSIONID=1; ROUTEID=.a; x=y"), Read()), ("200 a",), hidden=("routeid",),
         shown=("jsessionid=1", "x=y")),
    Case("TE: gzip, trailers", (get("Connection: TE", "TE: gzip, trailers"), Read()), ("200 a",), hidden=("gzip",)),
)  # fmt: skip
