"""Header fields: what is one, which of them are ours to deal with, and how a line is judged only once.

Theory of operation. A message's head is 10 to 20 lines, and almost all of them are the same, byte for byte, from one
request to the next: a browser's User-Agent, Accept and so on. So a line is taken apart once and remembered, under
its bytes, with what is to be done with it. The memory is bounded; lines that are secret or never come twice (Cookie,
Authorization) or are long stay out of it, and a client that sends a new line each time pays for its being judged
again, nothing else.

A field either passes, as the line that is written for it, or is *special*: something in it is for us, or decides how
the message is read; then the direction's rules say what to do. RFC 9110 5 and RFC 9112 5 say what a field is.

Where the scanner in C is there (``_heads.c``, built by ``make compiled``), it takes apart what has nothing unusual
and tells of the special fields; the rules for them are the same. The rest it leaves to what is here.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from lb.config import Limits

if TYPE_CHECKING:
    from lb.http._heads import Heads

_FORBIDDEN_IN_TRAILERS: Final = frozenset(
    {
        b"age",
        b"authorization",
        b"cache-control",
        b"connection",
        b"content-encoding",
        b"content-length",
        b"content-range",
        b"content-type",
        b"cookie",
        b"date",
        b"expect",
        b"expires",
        b"forwarded",
        b"host",
        b"http2-settings",
        b"idempotency-key",
        b"if-match",
        b"if-modified-since",
        b"if-none-match",
        b"if-range",
        b"if-unmodified-since",
        b"keep-alive",
        b"location",
        b"max-forwards",
        b"pragma",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"range",
        b"retry-after",
        b"set-cookie",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"vary",
        b"via",
        b"www-authenticate",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-port",
        b"x-forwarded-proto",
        b"x-request-id",
    }
)
"""RFC 9110 6.5.1: what frames, routes, authenticates, or changes how the content is taken, comes before the body."""

TOKEN: Final = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
"""The characters of a token (RFC 9110 5.6.2), for ``bytes.translate``, which judges a line at the speed of C."""

VISIBLE: Final = bytes(range(0x21, 0x7F))
TEXT: Final = b"\t " + VISIBLE + bytes(range(0x80, 0x100))
"""The characters of a field's value (RFC 9110 5.5). Bytes from 0x80 up mean nothing here and pass as they are."""

BARE_LINE_END: Final = re.compile(rb"(?<!\r)\n|\r(?!\n|\Z)")
"""A line end that is none: waiting for the right one would only be waiting for the time-out."""

_REMEMBERED_LINES: Final = 4096
_REMEMBERED_BYTES: Final = 256


class BadFieldError(Exception):
    """A line that is no header field; the text says why, for people."""


HeadT = TypeVar("HeadT")


class Rule(Generic[HeadT]):
    """What is done with a special field.

    ``apply`` is told the head and the field's value; the field itself goes no further unless it ``passes``. If there
    is a ``prepare``, ``apply`` gets what that made of the value; what is remembered is prepared only once.
    """

    __slots__ = ("apply", "passes", "prepare")

    def __init__(
        self,
        apply: Callable[[HeadT, Any], None],
        prepare: Callable[[bytes], object] | None = None,
        *,
        passes: bool = False,
    ) -> None:
        self.apply = apply
        self.prepare = prepare
        self.passes = passes


class Special(Generic[HeadT]):
    """A field that is not simply passed on, with what is done about it, and what is written for it."""

    __slots__ = ("apply", "value", "written")

    def __init__(self, apply: Callable[[HeadT, Any], None], value: object, written: bytes | None) -> None:
        self.apply = apply
        self.value = value
        self.written = written


class Name(Generic[HeadT]):
    """A field's name as it was written: what is done with its lines, and whether they are never remembered."""

    __slots__ = ("is_secret", "rule")

    def __init__(self, rule: Rule[HeadT] | None, *, is_secret: bool) -> None:
        self.rule = rule
        self.is_secret = is_secret


class Lines(Generic[HeadT]):
    """The lines seen so far, for one direction.

    ``rules`` says which names are special in it, ``secret`` which of these are never remembered, ``underscores``
    whether names with one may pass: to a node they may not, because CGI and its heirs cannot tell X_Y from X-Y, and a
    client could speak with a name that we write ourselves. ``passing`` maps a line to what is written for it,
    ``special`` to its field; a line that is in neither is new.
    """

    def __init__(
        self, rules: Mapping[bytes, Rule[HeadT]], secret: frozenset[bytes], *, underscores: bool = False
    ) -> None:
        self._rules = rules
        self._underscores = underscores
        self._secret = secret | {b"authorization"}
        self._names: dict[bytes, Name[HeadT]] = {}
        self._told = [(rule, _memory()) for rule in rules.values()]
        self.passing: dict[bytes, bytes] = {}
        self.special: dict[bytes, Special[HeadT]] = {}

    def take(self, head: HeadT, written: list[bytes | None], lines: list[bytes]) -> None:
        """Deal with the lines for which ``written`` has nothing yet. Raises BadFieldError, and what the rules raise.

        The first line is none of ours: it is the request's or the status line.
        """
        remembered = self.special.get
        count = len(written)
        written.append(None)  # so that the search below always finds one
        index = written.index(None, 1)
        while index < count:
            line = lines[index]
            field = remembered(line)
            if field is None:
                written[index] = self._take_new(head, line)
            else:
                field.apply(head, field.value)
                written[index] = field.written
            index = written.index(None, index + 1)

    def heads(self, limits: Limits) -> "Heads | None":
        """The scanner in C that tells of the same fields; None where it was not built."""
        try:
            from lb.http._heads import Heads  # noqa: PLC0415 - not everybody has it
        except ImportError:
            return None
        names = tuple((name, rule.passes) for name, rule in self._rules.items())
        return Heads(names, self._underscores, limits.header_bytes, limits.target_bytes, limits.header_count)

    def tell(self, head: HeadT, told: list[tuple[int, bytes]]) -> None:
        """Apply the rules to the special fields that the scanner in C found: their rule's number, and their value."""
        for index, value in told:
            rule, memory = self._told[index]
            if rule.prepare is None:
                rule.apply(head, value)
                continue
            known = memory.get(value)
            if known is None:
                known = rule.prepare(value)
                if len(value) <= _REMEMBERED_BYTES:
                    _remember(memory, value, known)
            rule.apply(head, known)

    def _take_new(self, head: HeadT, line: bytes) -> bytes | None:
        written, colon, value = line.partition(b":")
        name = self._names.get(written)
        if name is None or not colon:
            name = self._judged(line)
        value = checked_value(written, value)
        worth_it = not name.is_secret and len(line) <= _REMEMBERED_BYTES
        rule = name.rule
        if rule is None:
            written = written + b": " + value
            if worth_it:
                _remember(self.passing, line, written)
            return written
        known = rule.prepare(value) if rule.prepare else value
        passing = written + b": " + value if rule.passes else None
        if worth_it:
            _remember(self.special, line, Special(rule.apply, known, passing))
        rule.apply(head, known)
        return passing

    def _judged(self, line: bytes) -> Name[HeadT]:
        """The name of a field, if it is one; from now on it is known. Raises BadFieldError."""
        written, _ = split_field(line)
        lower = written.lower()
        rule = self._rules.get(lower)
        if rule is None and b"_" in written and not self._underscores:
            rule = DROPPED
        name = Name(rule, is_secret=lower in self._secret)
        if len(written) <= _REMEMBERED_BYTES:
            _remember(self._names, written, name)
        return name


_ValueT = TypeVar("_ValueT")


def _remember(memory: dict[bytes, _ValueT], line: bytes, value: _ValueT) -> None:
    if len(memory) >= _REMEMBERED_LINES:
        memory.clear()
    memory[line] = value


def _memory() -> dict[bytes, object]:
    return {}


DROPPED: Final[Rule[Any]] = Rule(lambda _head, _value: None)
"""For fields that are meant for one hop only, and for this one."""


class Connection:
    """What a Connection field asks for (RFC 9110 7.6.1): ``others`` are the fields it names, in lower case."""

    def __init__(self, *, close: bool, keep_alive: bool, upgrade: bool, others: tuple[bytes, ...]) -> None:
        self.close = close
        self.keep_alive = keep_alive
        self.upgrade = upgrade
        self.others = others

    def __or__(self, other: "Connection") -> "Connection":
        """Both fields as one."""
        return Connection(
            close=self.close or other.close,
            keep_alive=self.keep_alive or other.keep_alive,
            upgrade=self.upgrade or other.upgrade,
            others=self.others + other.others,
        )


def connection(value: bytes) -> Connection:
    """Read a Connection field."""
    named = listed(value)
    return Connection(
        close=b"close" in named,
        keep_alive=b"keep-alive" in named,
        upgrade=b"upgrade" in named,
        others=tuple(name for name in named if name not in _CONNECTION_WORDS and name not in _NEVER_NAMED),
    )


def block(lines: Iterable[bytes]) -> bytes:
    """``lines`` as they are written, each after a line break."""
    return b"\r\n".join((b"", *lines))


def lines_of(block: bytes) -> list[bytes]:
    """The lines of what :func:`block` made."""
    return block.split(b"\r\n")[1:]


def without(lines: Iterable[bytes], names: Iterable[bytes]) -> list[bytes]:
    """``lines`` without the fields of these names, which are in lower case."""
    prefixes = tuple(name + b":" for name in names)
    return [line for line in lines if not line.lower().startswith(prefixes)]


_CONNECTION_WORDS: Final = frozenset({b"close", b"keep-alive", b"upgrade", b"te"})
_NEVER_NAMED: Final = frozenset(
    {b"host", b"content-length", b"cookie", b"authorization", b"content-type", b"set-cookie"}
)
"""End-to-end fields that Connection must not take away: that would change what the message means."""


def split_field(line: bytes) -> tuple[bytes, bytes]:
    """A field's name as it came, and its value without the white space around it. Raises BadFieldError."""
    name, colon, value = line.partition(b":")
    if not name or name.translate(None, TOKEN):
        raise BadFieldError(_what_is_wrong(line, name, colon))
    if not colon:
        raise BadFieldError("a header line without a colon")
    return name, checked_value(name, value)


def checked_value(name: bytes, value: bytes) -> bytes:
    """A field's value without the white space around it. Raises BadFieldError."""
    value = value.strip(b" \t")
    if value.translate(None, TEXT):
        raise BadFieldError(f"a control character in the field {name.decode('ascii')}")
    return value


def trailer_fields(lines: list[bytes]) -> list[bytes]:
    """The trailer fields that may be passed on, as they are written. Raises BadFieldError."""
    kept = []
    for line in lines:
        name, value = split_field(line)
        if name.lower() not in _FORBIDDEN_IN_TRAILERS and b"_" not in name:
            kept.append(name + b": " + value)
    return kept


def listed(value: bytes) -> list[bytes]:
    """The members of a comma-separated list of tokens, in lower case, the empty ones left out."""
    return [member for member in (part.strip(b" \t").lower() for part in value.split(b",")) if member]


def _what_is_wrong(line: bytes, name: bytes, colon: bytes) -> str:
    if line[:1] in {b" ", b"\t"}:
        return "a header line that goes on in the next one (obsolete folding)"
    if colon and name.rstrip(b" \t") != name:
        return "white space before a header field's colon"
    return "a header field without a proper name"
