"""Request lines and Host: what the request is about, and in which version."""

from bench.oracle.vectors.build import accept, either, head, reject

VECTORS = (
    reject("no Host", head(host=None), "9112 3.2"),
    reject("two Hosts", head(b"Host: other.example"), "9112 3.2"),
    reject("two Hosts that agree", head(b"Host: jira.example"), "9112 3.2"),
    reject("Host: empty", head(host=b""), "9110 7.2 for http"),
    reject("Host with user information", head(host=b"user@jira.example"), "9110 4.2.4"),
    reject("Host with a path", head(host=b"jira.example/x"), "9110 7.2"),
    either("Host with a comma", head(host=b"a.example,b.example"), "9110 7.2"),
    reject("Host with a space", head(host=b"a.example b.example"), "9110 7.2"),
    reject("Host with port x", head(host=b"jira.example:x"), "9110 7.2"),
    reject("Host with half an IPv6 address", head(host=b"[::1"), "9110 7.2"),
    reject("fragment in the target", head(target=b"/v#top"), "9112 3.2"),
    reject("target without a slash", head(target=b"v"), "9112 3.2"),
    reject("empty target", b"GET  HTTP/1.1\r\nHost: jira.example\r\nX-Case: {id}\r\n\r\n", "9112 3"),
    reject("* with GET", head(target=b"*"), "9112 3.2.4"),
    reject("control sign in the target", head(target=b"/v\x01"), "9112 3.2"),
    reject("space in the target", head(target=b"/v x"), "9112 3.2"),
    reject("user information in an absolute target", head(target=b"http://user@jira.example/v"), "9110 4.2.4"),
    reject("CONNECT", head(method=b"CONNECT", target=b"jira.example:443"), "9110 9.3.6, no tunnel here"),
    either("HTTP/2.0", head(version=b"HTTP/2.0"), "9110 2.5"),
    reject("HTTP/0.9 with fields", b"GET /v\r\nHost: jira.example\r\nX-Case: {id}\r\n\r\n", "9112 2.3"),
    reject("HTTP/1.10", head(version=b"HTTP/1.10"), "9112 2.3"),
    reject("HTTP/1,1", head(version=b"HTTP/1,1"), "9112 2.3"),
    reject("http/1.1 in small letters", head(version=b"http/1.1"), "9112 2.3"),
    reject("no version", b"GET /v \r\nHost: jira.example\r\nX-Case: {id}\r\n\r\n", "9112 3"),
    reject("method with a colon", head(method=b"GE:T"), "9110 9.1"),
    reject("method in brackets", head(method=b"G(E)T"), "9110 9.1"),
    reject("space in front of the request line", b" " + head(), "9112 3"),
    accept("CRLF in front of the request line", b"\r\n" + head(), "9112 2.2"),
    accept("absolute target", head(target=b"http://jira.example/v"), "9112 3.2.2"),
    accept(
        "absolute target and another Host", head(target=b"http://jira.example/v", host=b"other.example"), "9112 3.2.2"
    ),
    accept("Host with a port", head(host=b"jira.example:8080"), "9110 7.2"),
    accept("Host with an IPv6 address", head(host=b"[::1]:8080"), "9110 7.2"),
    accept("HTTP/1.0 without Host", head(version=b"HTTP/1.0", host=None), "9112 3.2"),
    accept("PATCH", head(b"Content-Length: 2", method=b"PATCH", body=b"{}"), "5789"),
    accept("OPTIONS *", head(method=b"OPTIONS", target=b"*"), "9112 3.2.4"),
    accept("query with every sign it may have", head(target=b"/v?a=b&c=%20d;e=f:g@h!$'()*+,/?"), "3986 3.4"),
)
