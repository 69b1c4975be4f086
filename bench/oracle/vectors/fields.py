"""Header fields: their names, their values and their line ends."""

from bench.oracle.vectors.build import accept, either, head, reject

VECTORS = (
    reject("space before the colon", head(b"X-A : 1"), "9112 5.1"),
    reject("tab before the colon", head(b"X-A\t: 1"), "9112 5.1"),
    either("folded field", head(b"X-A: 1", b" 2"), "9112 5.2"),
    reject("folded first field", head(b" X-A: 1", host=None), "9112 2.2"),
    reject("no colon", head(b"X-A"), "9112 5"),
    reject("empty name", head(b": 1"), "9110 5.1"),
    reject("space in a name", head(b"X A: 1"), "9110 5.1"),
    reject("NUL in a name", head(b"X\0A: 1"), "9110 5.1"),
    either("NUL in a value", head(b"X-A: 1\x002"), "9110 5.5"),
    either("bare CR in a value", head(b"X-A: 1\r2"), "9112 2.2"),
    reject("DEL in a name", head(b"X\x7fA: 1"), "9110 5.1"),
    either("bell in a value", head(b"X-A: 1\x072"), "9110 5.5"),
    reject("parenthesis in a name", head(b"X(A): 1"), "9110 5.6.2"),
    reject("byte above 127 in a name", head(b"X-\xc4: 1"), "9110 5.1"),
    either("bare LF as every line end", head(end=b"\n"), "9112 2.2"),
    either("CR CR LF as line end", head(b"X-A: 1\r"), "9112 2.2"),
    accept("byte above 127 in a value", head(b"X-A: caf\xe9"), "9110 5.5"),
    accept("empty value", head(b"X-A:"), "9110 5.5"),
    accept("tab around a value", head(b"X-A:\t1\t"), "9110 5.5"),
    accept("name in small letters", head(b"x-a: 1"), "9110 5.1"),
    accept("every sign that a name may have", head(b"x!#$%&'*+-.^`|~9: 1"), "9110 5.6.2"),
    accept("the same field twice", head(b"X-A: 1", b"X-A: 2"), "9110 5.3"),
    accept("two Cookie fields", head(b"Cookie: b=2"), "9113 8.2.3, and clients do"),
)
