"""Where a request's body ends: whatever can be read in two ways is a way to smuggle a second request in."""

from bench.oracle.vectors.build import accept, chunked, either, head, post, reject

TE = b"Transfer-Encoding: "
HIDDEN = b"GET /hidden?case={id} HTTP/1.1\r\nHost: jira.example\r\nX-Case: {id}\r\n\r\n"
OK = b"5\r\nhello\r\n0\r\n\r\n"

VECTORS = (
    either("Content-Length and Transfer-Encoding", chunked(b"0\r\n\r\n" + HIDDEN, b"Content-Length: 5"), "9112 6.1"),
    reject(
        "two Content-Lengths that differ",
        post(b"Content-Length: 5", b"Content-Length: 6", body=b"hello!"),
        "9112 6.3",
    ),
    reject("Content-Length: 5, 6", post(b"Content-Length: 5, 6", body=b"hello!"), "9112 6.3"),
    reject("Content-Length: +5", post(b"Content-Length: +5", body=b"hello"), "9110 8.6"),
    reject("Content-Length: -1", post(b"Content-Length: -1"), "9110 8.6"),
    reject("Content-Length: 0x5", post(b"Content-Length: 0x5", body=b"hello"), "9110 8.6"),
    reject("Content-Length: 5 0", post(b"Content-Length: 5 0", body=b"hello"), "9110 8.6"),
    reject("Content-Length: empty", post(b"Content-Length:"), "9110 8.6"),
    reject("Content-Length: 5_0", post(b"Content-Length: 5_0", body=b"hello"), "9110 8.6"),
    reject("Content-Length above 2^64", post(b"Content-Length: 18446744073709551621", body=b"hello"), "9110 8.6"),
    reject("Transfer-Encoding: xchunked", post(TE + b"xchunked", body=OK), "9112 6.1"),
    reject("Transfer-Encoding: chunked, chunked", post(TE + b"chunked, chunked", body=OK), "9112 6.1"),
    reject("Transfer-Encoding: chunked, gzip", post(TE + b"chunked, gzip", body=OK), "9112 6.3"),
    reject("Transfer-Encoding: gzip", post(TE + b"gzip", body=OK), "9112 6.1"),
    reject("Transfer-Encoding: identity", post(TE + b"identity", body=b"hello"), "9112 6.1"),
    reject("Transfer-Encoding: empty", post(TE, body=OK), "9112 6.1"),
    reject("Transfer-Encoding: \\x0bchunked", post(TE + b"\x0bchunked", body=OK), "9110 5.5"),
    reject('Transfer-Encoding: "chunked"', post(TE + b'"chunked"', body=OK), "9112 7"),
    reject(
        "Transfer-Encoding twice, chunked and identity", post(TE + b"chunked", TE + b"identity", body=OK), "9112 6.3"
    ),
    either("chunked in HTTP/1.0", head(TE + b"chunked", method=b"POST", version=b"HTTP/1.0", body=OK), "9112 6.1"),
    reject("chunk size 0x5", chunked(b"0x5\r\nhello\r\n0\r\n\r\n"), "9112 7.1"),
    reject("chunk size +5", chunked(b"+5\r\nhello\r\n0\r\n\r\n"), "9112 7.1"),
    reject("chunk size -5", chunked(b"-5\r\nhello\r\n0\r\n\r\n"), "9112 7.1"),
    reject("chunk size 5_0", chunked(b"5_0\r\nhello\r\n0\r\n\r\n"), "9112 7.1"),
    reject("chunk size with a space in front", chunked(b" 5\r\nhello\r\n0\r\n\r\n"), "9112 7.1"),
    reject("no chunk size", chunked(b"\r\nhello\r\n0\r\n\r\n"), "9112 7.1"),
    reject("chunk size above 2^64", chunked(b"10000000000000005\r\nhello\r\n0\r\n\r\n"), "9112 7.1"),
    reject("chunk longer than its size", chunked(b"5\r\nhello!\r\n0\r\n\r\n"), "9112 7.1"),
    reject("chunk size ended by bare LF", chunked(b"5\nhello\r\n0\r\n\r\n"), "9112 2.2"),
    reject("chunk data ended by bare LF", chunked(b"5\r\nhello\n0\r\n\r\n"), "9112 2.2"),
    reject("chunk extension with bare LF", chunked(b"5;a\nhello\r\n0\r\n\r\n"), "9112 7.1.1"),
    reject("bare CR in a chunk extension", chunked(b"5;a\rb\r\nhello\r\n0\r\n\r\n"), "9112 7.1.1"),
    accept("Content-Length with spaces around", post(b"Content-Length:   5  ", body=b"hello"), "9110 5.5"),
    accept("Transfer-Encoding: CHUNKED", post(TE + b"CHUNKED", body=OK), "9112 7"),
    accept("chunk size with leading zeros", chunked(b"0005\r\nhello\r\n0\r\n\r\n"), "9112 7.1"),
    accept("chunk size in capitals", chunked(b"A\r\nhellohello\r\n0\r\n\r\n"), "9112 7.1"),
    accept("chunk extension", chunked(b'5;name=value;quoted="a b"\r\nhello\r\n0\r\n\r\n'), "9112 7.1.1"),
    accept("trailer field", chunked(b"5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n"), "9112 7.1.2"),
)
