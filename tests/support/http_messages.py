"""HTTP/1.1 messages made from parts, most of them good, some of them odd, and bent byte by byte."""

from hypothesis import strategies as st

METHODS = [b"GET", b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"PROPFIND", b"M-SEARCH"]
ODD_METHODS = [b"CONNECT", b"TRACE", b"PRI", b"get", b"BREW", b"", b"GE\tT", b"G(ET", b"SOURCE", b"QUERY"]
TARGETS = [b"/", b"/rest/api/2/issue/ZDU-1?fields=summary&_=1", b"/a%20b;c=d", b"//double", b"/?", b"/:80", b"/a@b"]
ODD_TARGETS = [
    b"*",
    b"http://other.test/x",
    b"HTTP://other.test:80?q",
    b"http://other.test",
    b"https://other.test/",
    b"http://user@other.test/",
    b"http:///x",
    b"other.test:443",
    b"/a#b",
    b"/a b",
    b"/\xc3\xa4",
    b"/\x7f",
    b"",
    b"a",
    b"?x",
    b'/<>"{}|\\^`',
]
VERSIONS = [b"HTTP/1.1"] * 8 + [b"HTTP/1.0"]
ODD_VERSIONS = [
    b"HTTP/2.0",
    b"HTTP/1.2",
    b"http/1.1",
    b"HTTP/1.10",
    b"HTTP/0.9",
    b"HTTP/11",
    b"",
    b"ICE/1.0",
    b"HTTP/1.1 ",
]
HOSTS = [b"Host: lb.test", b"Host: lb.test:8080", b"host:127.0.0.1", b"HOST: [::1]:80\t"]
ODD_HOSTS = [
    b"Host:",
    b"Host: a,b",
    b"Host: a b",
    b"Host: user@a",
    b"Host: a/b",
    b"Host : a",
    b"Host: a:x",
    b"Host: [::1",
    b"Host: \x80",
]

LENGTHS = [b"Content-Length: 5", b"Content-Length: 0", b"content-length:5", b"Content-Length: 05 "]
ODD_LENGTHS = [
    b"Content-Length: 5, 5",
    b"Content-Length: 5,6",
    b"Content-Length: +5",
    b"Content-Length: -1",
    b"Content-Length: 0x5",
    b"Content-Length: 5 5",
    b"Content-Length: 5_0",
    b"Content-Length:",
    b"Content-Length: 5;",
    b"Content-Length: 99999999999999999999",
    b"Content-Length: 18446744073709551621",
    b"Content-Length: \xb2",
    b"Content-Length\t: 5",
    b"Content_Length: 5",
    b"Content-Length: 5\x0b",
]
CODINGS = [b"Transfer-Encoding: chunked", b"transfer-encoding:Chunked", b"Transfer-Encoding: chunked \t"]
ODD_CODINGS = [
    b"Transfer-Encoding: chunked, chunked",
    b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: chunked, gzip",
    b"Transfer-Encoding: identity",
    b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding: \x0bchunked",
    b"Transfer-Encoding: ,chunked",
    b"Transfer-Encoding: chunked,",
    b"Transfer-Encoding: chunked;q=1",
    b'Transfer-Encoding: "chunked"',
    b"Transfer-Encoding:",
    b"Transfer-Encoding : chunked",
    b"Transfer_Encoding: chunked",
    b"Transfer-Encoding\x00: chunked",
    b"Transfer-Encoding: chun ked",
    b"Transfer-Encoding: gzip",
]
FIELDS = [
    b"Accept: text/html, */*;q=0.8",
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64)",
    b"Cookie: a=b; ROUTEID=.node1",
    b"Cookie: c=d",
    b"Connection: keep-alive",
    b"Connection: close",
    b"Connection: X-Hop, upgrade",
    b"Connection: te",
    b"X-Hop: 1",
    b"Keep-Alive: timeout=5, max=100",
    b"Proxy-Connection: keep-alive",
    b"TE: trailers, deflate",
    b"Trailer: X-Sum",
    b"Upgrade: websocket",
    b"Upgrade: h2c",
    b"Via: 1.1 before",
    b"X-Forwarded-For: 203.0.113.9",
    b"X-Forwarded-Proto: https",
    b"X-Request-Id: abc",
    b"Max-Forwards: 7",
    b"Expect: 100-continue",
    b"Idempotency-Key: k1",
    b"X-Empty:",
    b"X-Tab:\ta\tb\t",
    b"X-Latin: caf\xe9",
    b"X_Under: 1",
    b"Forwarded: for=192.0.2.60;proto=https",
    b"Set-Cookie: JSESSIONID=1.node1; Path=/",
    b"Content-Type: text/event-stream",
    b"Date: Mon, 23 Nov 2026 22:00:00 GMT",
]
ODD_FIELDS = [
    b" folded",
    b"\tfolded",
    b"X-No-Colon",
    b": nameless",
    b"X Space: 1",
    b"X-Nul: a\x00b",
    b"X-Cr: a\rb",
    b"X-Lf: a\nContent-Length: 5",
    b"X-Del: \x7f",
    b"X-Vt: \x0b1",
    b"X-\xe4: 1",
    b"Connection: content-length, transfer-encoding, host",
    b"Connection: x-forwarded-for, via, cookie",
    b"Connection: ,",
    b"Expect: the-moon",
    b"Upgrade: ,",
    b"Max-Forwards: -1",
    b"X-(: 1",
]
BODIES = [b"", b"hello", b"hello", b"GET / HTTP/1.1\r\nHost: smuggled\r\n\r\n"]
CHUNKED_BODIES = [
    b"5\r\nhello\r\n0\r\n\r\n",
    b"0\r\n\r\n",
    b"00005\r\nhello\r\n000\r\n\r\n",
    b'2;a=b\r\nhe\r\n3 ; q="x\\"y" ;z\r\nllo\r\n0\r\nX-Sum: 1\r\nContent-Length: 7\r\n\r\n',
    b"a\r\n0123456789\r\nA;x\r\n0123456789\r\n0;end\r\nX-Sum:\t1 \r\n\r\n",
    b"5\r\nhello\r\n0\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n",
]
ODD_CHUNKED_BODIES = [
    b"5\nhello\n0\n\n",
    b"0x5\r\nhello\r\n0\r\n\r\n",
    b"5 \r\nhello\r\n0\r\n\r\n",
    b" 5\r\nhello\r\n0\r\n\r\n",
    b"+5\r\nhello\r\n0\r\n\r\n",
    b"5_0\r\nhello\r\n0\r\n\r\n",
    b"-5\r\nhello\r\n0\r\n\r\n",
    b"5\r\nhelloX\r\n0\r\n\r\n",
    b"5;\r\nhello\r\n0\r\n\r\n",
    b"5;a\nb\r\nhello\r\n0\r\n\r\n",
    b'5;a="\r\nhello\r\n0\r\n\r\n"',
    b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    b"5\r\nhello0\r\n\r\n",
    b"5\r\nhello\r\n0\r\n folded\r\n\r\n",
    b"5\r\nhello\r\n0\r\nX : 1\r\n\r\n",
    b"\r\n5\r\nhello\r\n0\r\n\r\n",
    b"5\r\nhello\r\n0\r\nX-Lf: a\nb\r\n\r\n",
    b"5\r\nhello\r\n0\r\n",
    b"5\r\nhello\r\n",
]
STATUS_LINES = [
    b"HTTP/1.1 200 OK",
    b"HTTP/1.1 200 OK",
    b"HTTP/1.1 204 No Content",
    b"HTTP/1.1 304 Not Modified",
    b"HTTP/1.1 404 Not Found",
    b"HTTP/1.1 503 Service Unavailable",
    b"HTTP/1.1 200 ",
    b"HTTP/1.1 200",
    b"HTTP/1.0 200 OK",
    b"HTTP/1.1 205 Reset Content",
    b"HTTP/1.1 299 caf\xe9 and\ttabs",
]
ODD_STATUS_LINES = [
    b"HTTP/1.1 20 OK",
    b"HTTP/1.1 2000 OK",
    b"HTTP/1.1  200 OK",
    b"HTTP/1.1 200\tOK",
    b"HTTP/2 200 OK",
    b"HTTP/1.2 200 OK",
    b"http/1.1 200 OK",
    b"HTTP/1.1 099 Low",
    b"HTTP/1.1 999 High",
    b"HTTP/1.1 2x0 OK",
    b"HTTP/1.1 200 O\x00K",
    b"HTTP/1.1 200 O\rK",
    b"ICY 200 OK",
    b"HTTP/1.1",
    b"",
    b"<html>hello</html>",
    b" HTTP/1.1 200 OK",
]
SNIPPETS = [
    b"\r",
    b"\n",
    b"\r\n",
    b" ",
    b"\t",
    b"\x00",
    b"\x7f",
    b"\x0b",
    b"\x0c",
    b"\x85",
    b"\xa0",
    b"\xff",
    b":",
    b";",
    b",",
    b"=",
    b'"',
    b"\\",
    b"/",
    b"#",
    b"0",
    b"5",
    b"f",
    b"-",
    b"+",
    b"_",
    b"\r\n ",
    b"\r\n\r\n",
    b"chunked",
    b"Content-Length: 3\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Connection: upgrade\r\n",
]

MUTATORS = (
    "insert",
    "replace",
    "remove",
    "repeat",
    "bare-lf",
    "bare-cr",
    "fold",
    "repeat-line",
    "remove-line",
    "cut-off",
)
Mutation = tuple[str, int, int]
"""What is done, where (modulo the length), and with which snippet or how many bytes."""


def mutated(data: bytes, mutations: list[Mutation]) -> bytes:
    """``data`` after all of these."""
    for what, where, choice in mutations:
        if not data:
            break
        at = where % len(data)
        size = choice % 7 + 1
        snippet = SNIPPETS[choice % len(SNIPPETS)]
        lines = data.split(b"\r\n")
        line = where % len(lines)
        match what:
            case "insert":
                data = data[:at] + snippet + data[at:]
            case "replace":
                data = data[:at] + snippet + data[at + 1 :]
            case "remove":
                data = data[:at] + data[at + size :]
            case "repeat":
                data = data[: at + size] + data[at:]
            case "bare-lf" | "bare-cr" | "fold" if len(lines) > 1:
                line = where % (len(lines) - 1)
                joint = {"bare-lf": b"\n", "bare-cr": b"\r", "fold": b"\r\n "}[what]
                data = b"\r\n".join([*lines[:line], lines[line] + joint + lines[line + 1], *lines[line + 2 :]])
            case "repeat-line":
                data = b"\r\n".join([*lines[: line + 1], *lines[line:]])
            case "remove-line":
                data = b"\r\n".join([*lines[:line], *lines[line + 1 :]])
            case "cut-off":
                data = data[:at]
            case _:
                pass
    return data


def _mostly(good: list[bytes], odd: list[bytes]) -> st.SearchStrategy[bytes]:
    """One of the good ones as a rule; an odd one now and then, so that one oddity is not hidden by another."""
    return st.sampled_from(good * -(-9 * len(odd) // len(good)) + odd)


def message(start: bytes, fields: list[bytes], body: bytes) -> bytes:
    """A message of these."""
    return b"\r\n".join([start, *fields, b"", body])


mutations = st.lists(
    st.tuples(st.sampled_from(MUTATORS), st.integers(0, 600), st.integers(0, len(SNIPPETS) - 1)), max_size=3
)
_fields = st.lists(_mostly(FIELDS, ODD_FIELDS), max_size=4)
_methods = _mostly(METHODS, ODD_METHODS)
_targets = _mostly(TARGETS, ODD_TARGETS)
_versions = _mostly(VERSIONS, ODD_VERSIONS)
_hosts = _mostly(HOSTS, ODD_HOSTS)
_status_lines = _mostly(STATUS_LINES, ODD_STATUS_LINES)
_places = st.integers(0, 5)
_framed: st.SearchStrategy[tuple[list[bytes], bytes]] = st.one_of(
    st.tuples(st.just([]), st.just(b"")),
    st.tuples(st.lists(_mostly(LENGTHS, ODD_LENGTHS), min_size=1, max_size=1), st.sampled_from(BODIES)),
    st.tuples(
        st.lists(_mostly(CODINGS, ODD_CODINGS), min_size=1, max_size=1), _mostly(CHUNKED_BODIES, ODD_CHUNKED_BODIES)
    ),
    st.tuples(
        st.lists(_mostly(LENGTHS + CODINGS, ODD_LENGTHS + ODD_CODINGS), max_size=2),
        _mostly(BODIES + CHUNKED_BODIES, ODD_CHUNKED_BODIES),
    ),
)


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """A request, good as a rule."""
    start = b" ".join((draw(_methods), draw(_targets), draw(_versions)))
    framing, body = draw(_framed)
    fields = [draw(_hosts), *draw(_fields)]
    return message(start, _put_in(fields, framing, draw(_places)), body)


@st.composite
def responses(draw: st.DrawFn) -> bytes:
    """A response, good as a rule."""
    framing, body = draw(_framed)
    return message(draw(_status_lines), _put_in(draw(_fields), framing, draw(_places)), body)


def _put_in(fields: list[bytes], more: list[bytes], where: int) -> list[bytes]:
    at = where % (len(fields) + 1)
    return [*fields[:at], *more, *fields[at:]]
