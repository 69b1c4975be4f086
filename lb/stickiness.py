"""Which node a request's cookies name, and the cookie that ties a session to its node.

Theory of operation. Four modes, by ``stickiness.mode``::

    insert        we set a cookie of our own; its value ends with the node's name   ROUTEID=.node1
    route-suffix  the nodes end the value of their own cookie with their name       JSESSIONID=1A2B.node1
    learn         we remember which node set which value of its own cookie          JSESSIONID=1A2B
    none          nothing is read and nothing is set

Under ``insert`` and ``route-suffix`` the node is what follows the last dot, as Apache reads it. The rest of our own
value stands only where it is asked for: two dates if ``maxidle`` or ``maxlife`` is set (HAProxy writes them
likewise), and a signature if there is a ``secret``::

    .node1|LAST|FIRST|SIGNATURE

The dates are seconds since the epoch in base 36: of the last visit, and of the first. The date of the last visit is
renewed only when it is older than a tenth of ``maxidle``, because a cookie is set only when it changes; so a session
that was silent for between nine and ten tenths of ``maxidle`` may already count as expired. A date more than a day
ahead is no date of ours: the session is routed like a new one. A cookie without dates is from before they were asked
for: it is accepted, and dated with the next response. The last two are as in HAProxy. The signature is the first half
of an HMAC-SHA256 (RFC 2104 5 allows that) over the cookie's name and all of the value before it; without a genuine
one a cookie names no node. It keeps clients from writing a node's name; it cannot keep them from passing a cookie on.

Cookies are split at semicolons and nowhere else (RFC 6265 4.2.1 and 5.4). Of several cookies of our name the first
counts. Nothing that a client can send raises an exception or makes anything here grow without bound.
"""

import base64
import hashlib
import hmac
import re
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from email.utils import mktime_tz, parsedate_tz
from enum import StrEnum
from typing import Final

from lb.config import StickinessConfig, StickyMode


class CookieState(StrEnum):
    """What the request's cookie said; the third character of HAProxy's termination code."""

    NONE = "N"
    INVALID = "I"
    """It names no node of ours, or is not signed by us."""
    DOWN = "D"
    """Its node cannot take the request."""
    VALID = "V"
    EXPIRED = "E"
    """The session was silent for longer than ``maxidle``."""
    OLD = "O"
    """The session is older than ``maxlife``."""


class CookieAction(StrEnum):
    """What the response does about the cookie; the fourth character of HAProxy's termination code."""

    NONE = "N"
    INSERT = "I"
    """A cookie is set: the session is new, or moved to another node."""
    UPDATE = "U"
    """The session stays where it is; only the date of its last visit is renewed."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the cookies of one request say.

    ``bound_to`` is the node named, if it is to be believed; whether there is such a node is for the pool to say.
    ``session`` tells one session from another; empty if there is no session cookie. ``stripped`` is the value of the
    Cookie field for the node, without our own cookie; empty if nothing is left. ``last_s`` and ``first_s`` are the
    dates of our cookie, 0 if it has none; ``learned`` is what the table of ``learn`` is asked for.
    """

    bound_to: str | None
    state: CookieState
    session: str
    stripped: bytes
    last_s: int = 0
    first_s: int = 0
    learned: str = ""


@dataclass(slots=True)
class _Bond:
    """What the table of ``learn`` knows of one value; its time begins with the first request that brings it."""

    node: str
    first_s: float = 0.0
    last_s: float = 0.0


class Stickiness:
    """Reads and writes what ties sessions to nodes. Wall-clock seconds come in with each call."""

    def __init__(self, config: StickinessConfig) -> None:
        self._memo: dict[bytes, Reading] = {}
        self._room = _MEMO_BYTES
        self._lines: dict[str, bytes] = {}
        self._table: OrderedDict[str, _Bond] = OrderedDict()
        self._wall_s = 0.0
        self._apply(config)

    def __repr__(self) -> str:
        return f"<Stickiness {self._mode} {self._name.decode()} memo={len(self._memo)} table={len(self._table)}>"

    def reconfigure(self, config: StickinessConfig) -> None:
        """Go by another configuration from now on. What was learned is kept if it is about the same cookie."""
        if (config.mode, config.cookie.encode()) != (self._mode, self._name):
            self._table.clear()
        self._apply(config)

    def _apply(self, config: StickinessConfig) -> None:
        self._mode = config.mode
        self._learns = config.mode is StickyMode.LEARN
        self._name = config.cookie.encode()
        self._session_name = config.session_cookie.encode()
        self._secret = config.secret.get_secret_value().encode()
        self._maxidle_s = config.maxidle
        self._maxlife_s = config.maxlife
        self._dated = bool(config.maxidle or config.maxlife)
        self.is_timeless = not self._dated and not self._learns
        """Whether it does not matter when cookies are read."""
        self._table_size = config.table_size
        self._forget_readings()
        self._lines.clear()
        while len(self._table) > self._table_size:
            self._table.popitem(last=False)

    def read(self, cookies: bytes, wall_s: float) -> Reading:
        """What ``cookies`` say at ``wall_s``: the values of all Cookie fields of a request, joined by ``; ``."""
        reading = self._memo.get(cookies)
        if reading is None:
            reading = self._remember(cookies)
        if self._learns:
            return self._looked_up(cookies, reading, wall_s)
        if self._dated and reading.last_s:
            return self._as_of(wall_s, reading, reading.last_s, reading.first_s)
        return reading

    def set_cookie(self, node: str, reading: Reading, wall_s: float) -> bytes:
        """The Set-Cookie field line, without its CRLF, for a response of ``node``; empty if none is needed.

        None is needed if the client's own cookie already says all that this one would. Under ``learn`` no cookie is
        ever set, but a session that was learned is from here on at ``node``, so call this only for requests that
        really go there.
        """
        if self._mode is StickyMode.INSERT:
            if not self._dated:
                return b"" if reading.bound_to == node else self._line(node)
            if reading.bound_to != node or not reading.last_s:
                return self._dated_line(node, int(wall_s), reading.first_s or int(wall_s))
            if self._maxidle_s and wall_s - reading.last_s > self._maxidle_s / 10:
                return self._dated_line(node, int(wall_s), reading.first_s)
        elif self._learns and reading.bound_to != node:
            bond = self._table.get(reading.learned)
            if bond is not None:
                bond.node = node
                if reading.bound_to is None:  # it was too old, and is new here
                    bond.first_s = bond.last_s = wall_s
        return b""

    def learn(self, node: str, set_cookies: Sequence[bytes]) -> None:
        """Take in the values of the Set-Cookie fields of a response of ``node``; only ``learn`` heeds them.

        A cookie that the node takes back (``Max-Age=0``, or an ``Expires`` that is over) is forgotten if it tells
        its value. If it does not, its entry is left for ``table_size`` to push out: no client sends it any more.
        """
        if not self._learns:
            return
        for line in set_cookies:
            pair, _, attributes = line.partition(b";")
            name, _, value = pair.partition(b"=")
            value = _unquoted(value.strip(_BLANK))
            if name.strip(_BLANK) != self._name or not value:
                continue
            key = _key(value)
            if _is_over(attributes, self._wall_s):
                self._table.pop(key, None)
                continue
            bond = self._table.get(key)
            if bond is None or bond.node != node:
                self._table[key] = _Bond(node)
            self._table.move_to_end(key)
            if len(self._table) > self._table_size:
                self._table.popitem(last=False)

    def learned(self) -> list[tuple[str, str, float, float]]:
        """The table of ``learn``, for another process: value, node, first and last visit; the oldest entry first."""
        return [(value, bond.node, bond.first_s, bond.last_s) for value, bond in self._table.items()]

    def recall(self, learned: Iterable[tuple[str, str, float, float]]) -> None:
        """Take in what another process had learned; only ``learn`` heeds it."""
        for value, node, first_s, last_s in learned if self._learns else ():
            self._table[value] = _Bond(node, first_s, last_s)
        while len(self._table) > self._table_size:
            self._table.popitem(last=False)

    def _remember(self, cookies: bytes) -> Reading:
        reading = self._parse(cookies)
        self._room -= 2 * len(cookies) + _MEMO_ENTRY_BYTES
        if self._room < 0:
            self._forget_readings()
            self._room -= 2 * len(cookies) + _MEMO_ENTRY_BYTES
        self._memo[cookies] = reading
        return reading

    def _forget_readings(self) -> None:
        self._memo.clear()
        self._room = _MEMO_BYTES

    def _parse(self, cookies: bytes) -> Reading:
        """All that does not depend on the time, nor on what was learned."""
        ours: bytes | None = None
        session = b""
        kept = []
        pairs = cookies.split(b";")
        for pair in pairs:
            name, equals, value = pair.partition(b"=")
            name = name.strip(_BLANK)
            if equals and name == self._name:
                if ours is None:
                    ours = _unquoted(value.strip(_BLANK))
            else:
                kept.append(pair)
            if equals and not session and name == self._session_name:
                session = _unquoted(value.strip(_BLANK))
        stripped = cookies
        if self._mode is StickyMode.INSERT and len(kept) < len(pairs):
            stripped = b";".join(kept).lstrip(_BLANK)
        if self._mode is StickyMode.ROUTE_SUFFIX and self._session_name == self._name:
            session = session.rpartition(b".")[0] or session  # a session that moves gets another suffix
        return self._interpreted(ours, _key(session), stripped)

    def _interpreted(self, ours: bytes | None, session: str, stripped: bytes) -> Reading:
        if ours is None or self._mode is StickyMode.NONE:
            return Reading(None, CookieState.NONE, session, stripped)
        if self._mode is StickyMode.INSERT:
            return self._our_cookie(ours, session, stripped)
        if self._learns:
            state = CookieState.INVALID if ours else CookieState.NONE
            return Reading(None, state, session, stripped, learned=_key(ours))
        _, dot, name = ours.rpartition(b".")
        if not dot:
            return Reading(None, CookieState.NONE, session, stripped)
        if not _NODE_NAME.fullmatch(name):
            return Reading(None, CookieState.INVALID, session, stripped)
        return Reading(name.decode("ascii"), CookieState.VALID, session, stripped)

    def _our_cookie(self, value: bytes, session: str, stripped: bytes) -> Reading:
        match = None
        if self._secret:
            value, _, signature = value.rpartition(b"|")
        if not self._secret or hmac.compare_digest(signature, self._signature(value)):
            _, dot, tail = value.rpartition(b".")
            match = _OUR_VALUE.fullmatch(tail) if dot else None
        if match is None:
            return Reading(None, CookieState.INVALID, session, stripped)
        node, last, first = match.group("node", "last", "first")
        last_s, first_s = (int(last, 36), int(first, 36)) if last else (0, 0)
        return Reading(node.decode("ascii"), CookieState.VALID, session, stripped, last_s, first_s)

    def _as_of(self, wall_s: float, reading: Reading, last_s: float, first_s: float) -> Reading:
        """``reading`` if it still counts at ``wall_s``; if not, one that is bound to no node and says why."""
        if self._maxidle_s and not last_s - _AHEAD_S <= wall_s <= last_s + self._maxidle_s:
            state = CookieState.EXPIRED
        elif self._maxlife_s and not first_s - _AHEAD_S <= wall_s <= first_s + self._maxlife_s:
            state = CookieState.OLD
        else:
            return reading
        return Reading(None, state, reading.session, reading.stripped, learned=reading.learned)

    def _looked_up(self, cookies: bytes, reading: Reading, wall_s: float) -> Reading:
        """``reading`` as the table of ``learn`` sees it now."""
        self._wall_s = wall_s
        bond = self._table.get(reading.learned)
        node = bond.node if bond is not None else None
        if node != reading.bound_to:
            state = CookieState.INVALID if node is None else CookieState.VALID
            reading = self._memo[cookies] = replace(reading, bound_to=node, state=state)
        if bond is None:
            return reading
        self._table.move_to_end(reading.learned)
        if not self._dated:
            return reading
        if not bond.first_s:
            bond.first_s = bond.last_s = wall_s
        got = self._as_of(wall_s, reading, bond.last_s, bond.first_s)
        if got is reading:
            bond.last_s = wall_s
        return got

    def _line(self, node: str) -> bytes:
        """For a cookie without dates, which is the same for all clients."""
        line = self._lines.get(node)
        if line is None:
            if len(self._lines) >= _LINES:
                self._lines.clear()
            line = self._lines[node] = self._made(b"." + node.encode())
        return line

    def _dated_line(self, node: str, last_s: int, first_s: int) -> bytes:
        return self._made(b".%b|%b|%b" % (node.encode(), _base36(last_s), _base36(first_s)))

    def _made(self, value: bytes) -> bytes:
        if self._secret:
            value = b"%b|%b" % (value, self._signature(value))
        return b"Set-Cookie: %b=%b; Path=/; HttpOnly; SameSite=Lax" % (self._name, value)

    def _signature(self, value: bytes) -> bytes:
        digest = hmac.digest(self._secret, self._name + b"=" + value, "sha256")
        return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=")


_BLANK: Final = b" \t"
_NODE_NAME: Final = re.compile(rb"[A-Za-z0-9_-]{1,60}")
_OUR_VALUE: Final = re.compile(
    rb"(?P<node>[A-Za-z0-9_-]{1,60})(\|(?P<last>[0-9a-z]{1,8})\|(?P<first>[0-9a-z]{1,8}))?"
    rb"(\|[A-Za-z0-9_-]{22})?"  # a signature from when there was a secret
)
_AHEAD_S: Final = 86_400
"""How far ahead a date may be; the clocks of two load balancers do not agree better after a mistake."""
_MEMO_BYTES: Final = 16 * 1024 * 1024
_MEMO_ENTRY_BYTES: Final = 512
"""What a remembered reading takes beside the bytes of its cookies."""
_LINES: Final = 1000
_KEY_CHARS: Final = 128
"""Longer values are told apart by their SHA-256, so that no client can fill a table with long ones."""
_DIGITS: Final = b"0123456789abcdefghijklmnopqrstuvwxyz"


def _unquoted(value: bytes) -> bytes:
    """RFC 6265 4.1.1 lets a value stand in double quotes."""
    return value[1:-1] if len(value) >= 2 and value[:1] == b'"' == value[-1:] else value


def _key(value: bytes) -> str:
    return value.decode("latin-1") if len(value) <= _KEY_CHARS else "sha256:" + hashlib.sha256(value).hexdigest()


def _base36(number: int) -> bytes:
    digits = bytearray()
    while number > 0:
        number, digit = divmod(number, 36)
        digits.append(_DIGITS[digit])
    return bytes(reversed(digits)) or b"0"


def _is_over(attributes: bytes, wall_s: float) -> bool:
    """Whether a Set-Cookie field takes its cookie back. Max-Age counts before Expires (RFC 6265 5.3)."""
    over = False
    for attribute in attributes.split(b";"):
        name, _, value = attribute.partition(b"=")
        name, value = name.strip(_BLANK).lower(), value.strip(_BLANK)
        if name == b"max-age" and re.fullmatch(rb"-?[0-9]+", value):
            return value.startswith(b"-") or not value.strip(b"0")
        if name == b"expires":
            over = _date_is_over(value.decode("latin-1"), wall_s)
    return over


def _date_is_over(written: str, wall_s: float) -> bool:
    try:
        date = parsedate_tz(written)
        return date is not None and mktime_tz(date) <= wall_s
    except (ValueError, OverflowError, IndexError, TypeError):
        return False
