"""Bodies on their way to the node: withheld, refused early, too slow, and in the form of a request."""

from bench.oracle.case import Case, Echo, Read, Send
from bench.oracle.cases.requests import get, post, request

HIDDEN = b"GET /hidden?case={id} HTTP/1.1\r\nHost: jira.example\r\nX-Case: {id}\r\n\r\n"
WEBSOCKET = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")  # fmt: skip
CHUNKED = "Transfer-Encoding: chunked"

CASES = (
    Case("413 at once, body withheld",
         (request("POST", "Content-Length: 1000000", behave="early-413"), Read()), ("413 a",), closed=True),
    Case("Expect: 100-continue, 100 and then the body",
         (request("POST", "Expect: 100-continue", "Content-Length: 5", behave="continue"), Send(b"order"), Read()),
         ("100+200 a",), executions={"a": 1}),
    Case("Expect: 100-continue, 417 instead",
         (request("POST", "Expect: 100-continue", "Content-Length: 5", behave="417"), Read()), ("417 a",)),
    Case("chunked body", (request("POST", CHUNKED, body=b"5\r\norder\r\n0\r\n\r\n"), Read(), get(nth=2), Read()),
         ("200 a, 200 a",), executions={"a": 2}),
    Case("chunked body with a trailer",
         (request("POST", CHUNKED, "TE: trailers", body=b"5\r\norder\r\n0\r\nX-T: 1\r\n\r\n"), Read(),
          get(nth=2), Read()), ("200 a, 200 a",), executions={"a": 2}),
    Case("body that looks like a request",
         (request("POST", body=HIDDEN.replace(b"{id}", b"0000"), target="/case"), Read(), get(nth=2), Read()),
         ("200 a, 200 a",), executions={"a": 2}),
    Case("GET with a body, then GET", (request("GET", body=b"hello"), Read(), get(nth=2), Read()),
         ("200 a, 200 a", "400, closed"), executions={"a": 2}),
    Case("DELETE without a length, then GET", (request("DELETE"), Read(), get(nth=2), Read()), ("200 a, 200 a",),
         executions={"a": 2}),
    Case("1 MB", (request("POST", body=b"x" * 1_000_000), Read()), ("200 a",), executions={"a": 1}),
    Case("body that stops in the middle",
         (request("POST", "Content-Length: 100"), Send(b"half"), Read()), ("408",), closed=True, wait_s=8),
    Case("WebSocket", (request("GET", *WEBSOCKET, behave="upgrade"), Read(), Echo()), ("101 a, echo",)),
    Case("upgrade to h2c", (get("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"),
         Read()), ("200 a",), hidden=("h2c", "http2-settings")),
    Case("Content-Encoding is left alone",
         (post("Content-Encoding: gzip"), Read()), ("200 a",), shown=("content-encoding: gzip",)),
)  # fmt: skip
