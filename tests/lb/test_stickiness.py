"""Which node a cookie names, whether it is to be believed, and what is set in return."""

import re
import timeit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lb.config import StickinessConfig
from lb.stickiness import CookieState, Reading, Stickiness

NOW_S = 1_700_000_000.0
SECRET = "correct horse battery staple"


def sticky(**settings: object) -> Stickiness:
    return Stickiness(StickinessConfig.model_validate(settings))


def cookie_of(line: bytes) -> bytes:
    """What a browser sends back for a Set-Cookie field line."""
    match = re.fullmatch(rb"Set-Cookie: ([^;]+); Path=/; HttpOnly; SameSite=Lax", line)
    assert match is not None, line
    return match[1]


def given_to(stickiness: Stickiness, node: str, wall_s: float = NOW_S, cookies: bytes = b"") -> bytes:
    """The cookie that a client has after a response of ``node``."""
    return cookie_of(stickiness.set_cookie(node, stickiness.read(cookies, wall_s), wall_s))


class TestInsert:
    def test_the_cookie_is_set_as_apache_is_made_to_set_it_for_jira(self) -> None:
        stickiness = sticky()
        line = stickiness.set_cookie("node1", stickiness.read(b"", NOW_S), NOW_S)
        assert line == b"Set-Cookie: ROUTEID=.node1; Path=/; HttpOnly; SameSite=Lax"

    @pytest.mark.parametrize(
        ("cookies", "node", "state"),
        [
            (b"", None, "N"),
            (b"other=1", None, "N"),
            (b"ROUTEID=.node1", "node1", "V"),
            (b"ROUTEID=abc123.node1", "node1", "V"),
            (b"ROUTEID=a.b.c.node-1_x", "node-1_x", "V"),
            (b"  ROUTEID = .node1 ;x=1", "node1", "V"),
            (b'ROUTEID=".node1"', "node1", "V"),
            (b"x=ROUTEID=.node2; ROUTEID=.node1", "node1", "V"),
            (b"ROUTEID=.node1; ROUTEID=.node2", "node1", "V"),
            (b"ROUTEID=rubbish; ROUTEID=.node2", None, "I"),
            (b"routeid=.node1", None, "N"),
            (b"XROUTEID=.node1", None, "N"),
            (b"ROUTEID", None, "N"),
            (b"ROUTEID=", None, "I"),
            (b"ROUTEID=node1", None, "I"),
            (b"ROUTEID=.", None, "I"),
            (b"ROUTEID=.node1.", None, "I"),
            (b"ROUTEID=.no de", None, "I"),
            (b"ROUTEID=.node1|zz", None, "I"),
            (b"ROUTEID=.node1|a_b|1", None, "I"),
            (b"ROUTEID=.\xff\xfe", None, "I"),
            (b"ROUTEID=." + b"x" * 61, None, "I"),
        ],
    )
    def test_a_cookie_names_the_node_after_its_last_dot_or_none(
        self, cookies: bytes, node: str | None, state: str
    ) -> None:
        reading = sticky().read(cookies, NOW_S)
        assert (reading.bound_to, reading.state) == (node, state)

    @pytest.mark.parametrize(
        ("cookies", "stripped"),
        [
            (b"", b""),
            (b"ROUTEID=.node1", b""),
            (b"ROUTEID=.node1; ", b""),
            (b"a=1; ROUTEID=.node1; b=2", b"a=1; b=2"),
            (b"ROUTEID=.node1; a=1;b = 2 ;;c", b"a=1;b = 2 ;;c"),
            (b"a=1; ROUTEID=.node1; ROUTEID=.node2", b"a=1"),
            (b"  a=1 ;\xff=\x01;XROUTEID=.n; ROUTEID", b"  a=1 ;\xff=\x01;XROUTEID=.n; ROUTEID"),
        ],
    )
    def test_only_our_cookie_is_kept_from_the_node(self, cookies: bytes, stripped: bytes) -> None:
        assert sticky().read(cookies, NOW_S).stripped == stripped

    def test_nothing_is_set_when_the_client_has_the_right_cookie_already(self) -> None:
        stickiness = sticky()
        reading = stickiness.read(b"ROUTEID=abc.node1", NOW_S)
        assert stickiness.set_cookie("node1", reading, NOW_S) == b""
        assert cookie_of(stickiness.set_cookie("node2", reading, NOW_S)) == b"ROUTEID=.node2"


class TestASignedCookie:
    def test_it_is_believed(self) -> None:
        cookie = given_to(sticky(secret=SECRET), "node1")
        assert cookie.startswith(b"ROUTEID=.node1|")
        reading = sticky(secret=SECRET).read(b"a=1; " + cookie, NOW_S)
        assert (reading.bound_to, reading.state, reading.stripped) == ("node1", "V", b"a=1")

    @pytest.mark.parametrize("settings", [{"secret": "another secret !!"}, {"secret": SECRET, "cookie": "OTHER"}])
    def test_with_another_secret_or_under_another_name_it_is_not(self, settings: dict[str, str]) -> None:
        cookie = given_to(sticky(secret=SECRET), "node1").replace(
            b"ROUTEID", settings.get("cookie", "ROUTEID").encode()
        )
        reading = sticky(**settings).read(cookie, NOW_S)
        assert (reading.bound_to, reading.state) == (None, "I")

    @pytest.mark.parametrize("settings", [{}, {"maxidle": "1h"}])
    def test_no_byte_of_it_can_be_changed_and_none_left_out(self, settings: dict[str, str]) -> None:
        stickiness = sticky(secret=SECRET, **settings)
        cookie = given_to(stickiness, "node1")
        start = len(b"ROUTEID=")
        for place in range(start, len(cookie)):
            for forged in (
                cookie[:place] + bytes([cookie[place] ^ 1]) + cookie[place + 1 :],
                cookie[:place] + cookie[place + 1 :],
                cookie[:place],
            ):
                if forged != cookie:
                    assert stickiness.read(forged, NOW_S).bound_to is None, forged

    @pytest.mark.parametrize(
        "forged", [b".node1", b".node1|", b"|", b"", b".node1|AAAAAAAAAAAAAAAAAAAAAA", b"\xff|\xff"]
    )
    def test_an_unsigned_one_is_invalid(self, forged: bytes) -> None:
        reading = sticky(secret=SECRET).read(b"ROUTEID=" + forged, NOW_S)
        assert (reading.bound_to, reading.state) == (None, "I")

    def test_the_cookies_of_users_stay_good_when_the_secret_is_taken_away(self) -> None:
        for settings in ({}, {"maxidle": "1h"}):
            cookie = given_to(sticky(secret=SECRET, **settings), "node1")
            assert sticky(**settings).read(cookie, NOW_S).bound_to == "node1"


class TestDates:
    def test_a_session_that_was_silent_for_longer_than_maxidle_is_expired(self) -> None:
        stickiness = sticky(maxidle="10min")
        cookie = given_to(stickiness, "node1")
        assert stickiness.read(cookie, NOW_S + 600).state == "V"
        late = stickiness.read(cookie, NOW_S + 601)
        assert (late.bound_to, late.state) == (None, "E")
        assert stickiness.read(cookie, NOW_S + 600).bound_to == "node1"

    def test_a_session_older_than_maxlife_is_old_however_busy_it_was(self) -> None:
        stickiness = sticky(maxidle="10min", maxlife="1h")
        cookie = given_to(stickiness, "node1")
        for minute in range(5, 61, 5):
            wall_s = NOW_S + minute * 60
            reading = stickiness.read(cookie, wall_s)
            assert reading.state == "V"
            cookie = cookie_of(stickiness.set_cookie("node1", reading, wall_s))
        late = stickiness.read(cookie, NOW_S + 3601)
        assert (late.bound_to, late.state) == (None, "O")

    def test_a_session_that_expired_begins_anew(self) -> None:
        stickiness = sticky(maxlife="1h")
        cookie = given_to(stickiness, "node1")
        again = given_to(stickiness, "node1", NOW_S + 4000, cookie)
        assert stickiness.read(again, NOW_S + 4000 + 3600).state == "V"
        assert stickiness.read(again, NOW_S + 4000 + 3601).state == "O"

    def test_a_session_that_moves_grows_no_younger(self) -> None:
        stickiness = sticky(maxlife="1h")
        cookie = given_to(stickiness, "node1")
        moved = given_to(stickiness, "node2", NOW_S + 3000, cookie)
        assert stickiness.read(moved, NOW_S + 3600).bound_to == "node2"
        assert stickiness.read(moved, NOW_S + 3601).state == "O"

    def test_the_date_is_renewed_only_after_a_tenth_of_maxidle(self) -> None:
        stickiness = sticky(maxidle="10min")
        cookie = given_to(stickiness, "node1")
        assert stickiness.set_cookie("node1", stickiness.read(cookie, NOW_S + 60), NOW_S + 60) == b""
        assert stickiness.set_cookie("node1", stickiness.read(cookie, NOW_S + 61), NOW_S + 61) != b""

    def test_with_maxlife_alone_the_cookie_is_set_once(self) -> None:
        stickiness = sticky(maxlife="1h")
        cookie = given_to(stickiness, "node1")
        assert stickiness.set_cookie("node1", stickiness.read(cookie, NOW_S + 3599), NOW_S + 3599) == b""

    def test_a_cookie_from_before_dates_were_asked_for_is_accepted_and_dated(self) -> None:
        for secret in ("", SECRET):
            cookie = given_to(sticky(secret=secret), "node1")
            stickiness = sticky(secret=secret, maxidle="10min")
            assert stickiness.read(cookie, NOW_S).bound_to == "node1"
            dated = given_to(stickiness, "node1", NOW_S, cookie)
            assert stickiness.read(dated, NOW_S + 601).state == "E"

    @pytest.mark.parametrize(("settings", "state"), [({"maxidle": "10min"}, "E"), ({"maxlife": "1h"}, "O")])
    def test_a_date_more_than_a_day_ahead_is_not_believed(self, settings: dict[str, str], state: str) -> None:
        stickiness = sticky(**settings)
        assert stickiness.read(given_to(stickiness, "node1", NOW_S + 86_399), NOW_S).state == "V"
        assert stickiness.read(given_to(stickiness, "node1", NOW_S + 86_402), NOW_S).state == state

    def test_dates_that_are_no_longer_asked_for_do_not_matter(self) -> None:
        cookie = given_to(sticky(maxidle="10min"), "node1")
        assert sticky().read(cookie, NOW_S + 10**6).bound_to == "node1"


class TestRouteSuffix:
    def suffix(self, **settings: object) -> Stickiness:
        return sticky(mode="route-suffix", cookie="JSESSIONID", **settings)

    @pytest.mark.parametrize(
        ("cookies", "node", "state", "session"),
        [
            (b"JSESSIONID=1A2B.node1", "node1", "V", "1A2B"),
            (b'JSESSIONID="1A2B.node1"', "node1", "V", "1A2B"),
            (b"JSESSIONID=1A2B.x.node1; JSESSIONID=3.node2", "node1", "V", "1A2B.x"),
            (b"JSESSIONID=1A2B", None, "N", "1A2B"),
            (b"JSESSIONID=1A2B.", None, "I", "1A2B"),
            (b"JSESSIONID=", None, "N", ""),
            (b"ROUTEID=.node1", None, "N", ""),
        ],
    )
    def test_the_end_of_the_applications_cookie_names_the_node(
        self, cookies: bytes, node: str | None, state: str, session: str
    ) -> None:
        reading = self.suffix().read(cookies, NOW_S)
        assert (reading.bound_to, reading.state, reading.session) == (node, state, session)

    def test_nothing_is_set_and_nothing_is_stripped(self) -> None:
        stickiness = self.suffix()
        cookies = b"a=1; JSESSIONID=1A2B.node1; ROUTEID=.node2"
        reading = stickiness.read(cookies, NOW_S)
        assert reading.stripped == cookies
        assert stickiness.set_cookie("node2", reading, NOW_S) == b""
        assert stickiness.set_cookie("node2", stickiness.read(b"", NOW_S), NOW_S) == b""


class TestLearn:
    def learning(self, **settings: object) -> Stickiness:
        return sticky(mode="learn", cookie="JSESSIONID", **settings)

    def bound(self, stickiness: Stickiness, value: str, wall_s: float = NOW_S) -> tuple[str | None, CookieState]:
        reading = stickiness.read(f"a=1; JSESSIONID={value}".encode(), wall_s)
        assert reading.stripped == f"a=1; JSESSIONID={value}".encode()
        return reading.bound_to, reading.state

    def test_a_session_goes_to_the_node_that_set_its_cookie(self) -> None:
        stickiness = self.learning()
        assert self.bound(stickiness, "1A2B") == (None, "I")
        stickiness.learn("node2", [b"x=1", b"JSESSIONID=1A2B; Path=/; HttpOnly"])
        assert self.bound(stickiness, "1A2B") == ("node2", "V")
        assert stickiness.read(b"a=1", NOW_S).state == "N"

    def test_the_node_that_set_it_last_counts(self) -> None:
        stickiness = self.learning()
        stickiness.learn("node1", [b"JSESSIONID=1A2B"])
        assert self.bound(stickiness, "1A2B")[0] == "node1"
        stickiness.learn("node2", [b"JSESSIONID=1A2B"])
        assert self.bound(stickiness, "1A2B")[0] == "node2"

    @pytest.mark.parametrize(
        "logout",
        [
            b"JSESSIONID=1A2B; Max-Age=0",
            b"JSESSIONID=1A2B; max-age=-1; Expires=Fri, 01 Jan 2100 00:00:00 GMT",
            b"JSESSIONID=1A2B; Path=/; Expires=Thu, 01 Jan 1970 00:00:10 GMT",
            b"JSESSIONID=1A2B; Expires=Thu, 01-Jan-1970 00:00:10 GMT; HttpOnly",
        ],
    )
    def test_a_cookie_that_the_node_takes_back_is_forgotten(self, logout: bytes) -> None:
        stickiness = self.learning()
        stickiness.learn("node1", [b"JSESSIONID=1A2B"])
        assert self.bound(stickiness, "1A2B")[0] == "node1"
        stickiness.learn("node1", [logout])
        assert self.bound(stickiness, "1A2B") == (None, "I")

    @pytest.mark.parametrize(
        "line",
        [
            b"JSESSIONID=1A2B; Max-Age=1800",
            b"JSESSIONID=1A2B; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:10 GMT",
            b"JSESSIONID=1A2B; Expires=Fri, 01 Jan 2100 00:00:00 GMT",
            b"JSESSIONID=1A2B; Expires=whenever; Max-Age=x",
            b'JSESSIONID="1A2B"',
        ],
    )
    def test_a_cookie_that_lasts_is_learned(self, line: bytes) -> None:
        stickiness = self.learning()
        stickiness.read(b"", NOW_S)
        stickiness.learn("node1", [line])
        assert self.bound(stickiness, "1A2B")[0] == "node1"

    @pytest.mark.parametrize(
        "line", [b"", b"JSESSIONID", b"JSESSIONID=", b"JSESSIONID=; Max-Age=0", b"=;=", b"\xff=\xff"]
    )
    def test_what_tells_no_value_teaches_nothing(self, line: bytes) -> None:
        stickiness = self.learning()
        stickiness.learn("node1", [line])
        assert repr(stickiness).endswith("table=0>")

    def test_a_session_that_moved_stays_where_it_went(self) -> None:
        stickiness = self.learning()
        stickiness.learn("node1", [b"JSESSIONID=1A2B"])
        reading = stickiness.read(b"JSESSIONID=1A2B", NOW_S)
        assert stickiness.set_cookie("node2", reading, NOW_S) == b""
        assert self.bound(stickiness, "1A2B") == ("node2", "V")

    def test_a_client_cannot_bind_a_value_that_no_node_gave_it(self) -> None:
        stickiness = self.learning()
        reading = stickiness.read(b"JSESSIONID=mine", NOW_S)
        stickiness.set_cookie("node2", reading, NOW_S)
        assert self.bound(stickiness, "mine") == (None, "I")

    def test_the_table_is_bounded_and_forgets_who_was_silent_for_longest(self) -> None:
        stickiness = self.learning(table_size=3)
        for value in ("a", "b", "c"):
            stickiness.learn("node1", [f"JSESSIONID={value}".encode()])
        self.bound(stickiness, "a")
        stickiness.learn("node1", [b"JSESSIONID=d"])
        assert [self.bound(stickiness, value)[0] for value in "abcd"] == ["node1", None, "node1", "node1"]

    def test_maxidle_and_maxlife_are_kept_in_the_table(self) -> None:
        stickiness = self.learning(maxidle="10min", maxlife="15min")
        stickiness.learn("node1", [b"JSESSIONID=1A2B"])
        assert [self.bound(stickiness, "1A2B", NOW_S + at) for at in (0, 600, 900, 901)] == [
            ("node1", "V"),
            ("node1", "V"),
            ("node1", "V"),
            (None, "O"),
        ]
        stickiness.learn("node1", [b"JSESSIONID=3C"])
        assert self.bound(stickiness, "3C") == ("node1", "V")
        assert self.bound(stickiness, "3C", NOW_S + 601) == (None, "E")

    def test_an_expired_session_is_a_new_one_at_the_node_that_gets_it(self) -> None:
        stickiness = self.learning(maxlife="15min")
        stickiness.learn("node1", [b"JSESSIONID=1A2B"])
        self.bound(stickiness, "1A2B")
        late = stickiness.read(b"JSESSIONID=1A2B", NOW_S + 1000)
        stickiness.set_cookie("node1", late, NOW_S + 1000)
        assert self.bound(stickiness, "1A2B", NOW_S + 1800) == ("node1", "V")

    def test_what_was_learned_survives_other_settings_but_not_another_cookie(self) -> None:
        stickiness = self.learning()
        stickiness.learn("node1", [b"JSESSIONID=1A2B"])
        stickiness.reconfigure(StickinessConfig(mode="learn", cookie="JSESSIONID", maxlife="1h"))
        assert self.bound(stickiness, "1A2B")[0] == "node1"
        stickiness.reconfigure(StickinessConfig(mode="learn", cookie="SESSION"))
        assert repr(stickiness).endswith("table=0>")


def test_with_mode_none_every_cookie_is_passed_on_and_none_is_set() -> None:
    stickiness = sticky(mode="none")
    reading = stickiness.read(b"ROUTEID=.node1; JSESSIONID=7", NOW_S)
    assert reading == Reading(None, CookieState.NONE, "7", b"ROUTEID=.node1; JSESSIONID=7")
    assert stickiness.set_cookie("node1", reading, NOW_S) == b""


@pytest.mark.parametrize(
    ("cookies", "session"),
    [
        (b"ROUTEID=.node1; JSESSIONID=1A2B.x", "1A2B.x"),
        (b"JSESSIONID=; JSESSIONID=2", "2"),
        (b"JSESSIONID=\xe9", "\xe9"),
        (b"ROUTEID=.node1", ""),
    ],
)
def test_sessions_are_told_apart_by_the_applications_cookie(cookies: bytes, session: str) -> None:
    assert sticky().read(cookies, NOW_S).session == session


def test_a_long_session_cookie_makes_a_short_key_and_different_ones_different_keys() -> None:
    long, other = (sticky().read(b"JSESSIONID=" + b"x" * 30_000 + end, NOW_S).session for end in (b"1", b"2"))
    assert len(long) < 128
    assert long != other


def test_new_settings_count_for_cookies_that_were_read_before() -> None:
    stickiness = sticky()
    cookie = given_to(stickiness, "node1")
    assert stickiness.read(cookie, NOW_S).bound_to == "node1"
    stickiness.reconfigure(StickinessConfig(secret=SECRET))
    assert stickiness.read(cookie, NOW_S).state == "I"
    assert b"|" in stickiness.set_cookie("node1", stickiness.read(cookie, NOW_S), NOW_S)


def test_what_is_remembered_of_cookies_does_not_grow_without_bound() -> None:
    stickiness = sticky()
    sizes = set()
    for number in range(2000):
        stickiness.read(b"JSESSIONID=%d; pad=%b" % (number, b"x" * 30_000), NOW_S)
        match = re.search(r"memo=(\d+)", repr(stickiness))
        assert match is not None
        sizes.add(int(match[1]))
    assert max(sizes) < 300


COOKIE_TEXT = st.binary(max_size=60).map(lambda text: text.replace(b"\n", b"").replace(b"\r", b""))
PIECES = st.sampled_from([b"ROUTEID", b"=", b".node1", b";", b"; ", b"|", b".", b'"', b"JSESSIONID", b"a=1", b"zz"])
COOKIES = st.lists(st.one_of(PIECES, COOKIE_TEXT), max_size=12).map(b"".join)


@given(cookies=COOKIES, mode=st.sampled_from(["insert", "route-suffix", "learn", "none"]), dated=st.booleans())
def test_no_cookie_whatever_raises_or_reads_differently_the_second_time(
    cookies: bytes, mode: str, dated: bool
) -> None:
    settings = {"maxidle": "1h"} if dated and mode in {"insert", "learn"} else {}
    stickiness = sticky(mode=mode, **settings)
    reading = stickiness.read(cookies, NOW_S)
    assert stickiness.read(cookies, NOW_S) == reading
    stickiness.set_cookie("node1", reading, NOW_S)
    stickiness.learn("node1", [cookies])


@given(cookies=COOKIES)
def test_the_node_gets_all_other_cookies_in_their_order_and_never_ours(cookies: bytes) -> None:
    stripped = sticky().read(cookies, NOW_S).stripped

    def names(value: bytes) -> list[bytes]:
        return [pair.strip(b" \t") for pair in value.split(b";")]

    ours = [pair for pair in names(cookies) if pair.partition(b"=")[0].rstrip(b" \t") == b"ROUTEID" and b"=" in pair]
    kept = [pair for pair in names(cookies) if pair not in ours]
    if not ours:
        assert stripped == cookies
    assert names(stripped) == (kept or [b""])


@given(
    node=st.from_regex(r"[A-Za-z0-9_-]{1,60}", fullmatch=True),
    secret=st.sampled_from(["", SECRET]),
    dated=st.booleans(),
    wall_s=st.floats(1, 4e9),
)
def test_whatever_we_set_we_believe(node: str, secret: str, dated: bool, wall_s: float) -> None:
    stickiness = sticky(secret=secret, **({"maxidle": "1h", "maxlife": "1d"} if dated else {}))
    reading = stickiness.read(given_to(stickiness, node, wall_s), wall_s)
    assert (reading.bound_to, reading.state) == (node, "V")
    assert stickiness.set_cookie(node, reading, wall_s) == b""


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mode": "learn", "secret": SECRET}, "mode learn sets none"),
        ({"mode": "route-suffix", "maxidle": "1h"}, "mode route-suffix knows no dates"),
        ({"mode": "none", "maxlife": "1h"}, "mode none knows no dates"),
    ],
)
def test_a_setting_without_effect_is_refused(settings: dict[str, str], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        sticky(**settings)


def test_a_reading_that_is_remembered_costs_far_less_than_one_that_is_not() -> None:
    """Every request reads its cookies. A comparison, because the machine's speed is not known."""
    stickiness = sticky(secret=SECRET, maxidle="1h")
    cookies = b"theme=dark; JSESSIONID=1A2B; " + given_to(stickiness, "node1")

    def remembered() -> None:
        stickiness.read(cookies, NOW_S)

    def parsed() -> None:
        stickiness.reconfigure(config)
        stickiness.read(cookies, NOW_S)

    config = StickinessConfig(secret=SECRET, maxidle="1h")
    assert min(timeit.repeat(remembered, number=500, repeat=5)) * 3 < min(timeit.repeat(parsed, number=500, repeat=5))
