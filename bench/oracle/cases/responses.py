"""Answers that are wrong, unusual or broken off: what may be passed on, and what must never look complete."""

from bench.oracle.case import Case, Read
from bench.oracle.cases.requests import asked, asked_then_more, get, request

IN_STEP = "200 a, 200 a"

CASES = (
    Case("body shorter than Content-Length", asked("cut-length"), ("200 a cut",), closed=True),
    Case("chunked body without its end", asked("cut-chunked"), ("200 a cut",), closed=True),
    Case("reset in the middle of the body", asked("reset-in-body"), ("200 a cut",), closed=True),
    Case("head without its end", asked("cut-head"), ("502",)),
    Case("no HTTP at all", asked("garbage"), ("502",)),
    Case("HTTP/3.1 in the status line", asked("http-3.1"), ("502",)),
    Case("two Content-Lengths that differ", asked("two-lengths"), ("502",), why="RFC 9112 6.3"),
    Case("Content-Length: 5, 5", asked("length-list"), ("502", "200 a"), why="RFC 9110 8.6 allows both"),
    Case("Content-Length: -5", asked("length-negative"), ("502",)),
    Case("Content-Length and chunked", asked("length-and-chunked"), ("502", "200 a"), why="RFC 9112 6.3"),
    Case("Transfer-Encoding: chunked, chunked", asked("chunked-twice"), ("502",), why="RFC 9112 6.1"),
    Case("chunked in HTTP/1.0", asked("chunked-1.0"), ("502", "200 a"), why="RFC 9112 6.1"),
    Case("chunk size zz", asked("bad-chunk"), ("502", "200 a cut")),
    Case("header field of 100 KB", asked("big-field"), ("502",)),
    Case("folded header field", asked("folded"), ("502", "200 a"), why="RFC 9112 5.2 allows both"),
    Case("space before the colon", asked("space-colon"), ("502", "200 a"), why="RFC 9112 5.1 has it removed"),
    Case("NUL in a header field", asked("nul"), ("502",), why="RFC 9110 5.5"),
    Case("bare LF as line end", asked("bare-lf"), ("502", "200 a")),
    Case("HTTP/1.0, ends with the connection", asked("until-close-1.0"), ("200 a",)),
    Case("HTTP/1.1, ends with the connection", asked("until-close-1.1"), ("200 a",)),
    Case("HEAD answered with a body, then GET", asked_then_more("head-with-body", "HEAD"), (IN_STEP,)),
    Case("204 with a body, then GET", asked_then_more("204-with-body"), ("204 a, 200 a", "502, 200 a")),
    Case("304 with Content-Length, then GET", asked_then_more("304-with-length"), ("304 a, 200 a",)),
    Case("a second answer nobody asked for, then GET", asked_then_more("extra"), (IN_STEP,),
         why="whoever asks next must not get it"),
    Case("trailers", asked_then_more("trailers"), (IN_STEP,)),
    Case("103 Early Hints", asked("103"), ("103+200 a",), why="RFC 9110 15.2"),
    Case("101 that nobody asked for", asked("101-unasked"), ("502",), why="RFC 9110 7.8"),
    Case("event stream with a pause", asked("sse"), ("200 a",)),
    Case("HEAD", (request("HEAD"), Read(head=True), get(nth=2), Read()), (IN_STEP,)),
)  # fmt: skip
