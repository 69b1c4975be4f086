"""Whether an answer is what a user had asked for. Pure: status, headers and body in, one word out.

A status of 200 proves little: a log-in page has it too, and so has another user's page. So each page is recognised by
its own marks: what page it is, whose it is, and what must be on it.
"""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from html import unescape
from http import HTTPStatus

from simulator.record.requests import OK

_REMOTE_USER = re.compile(r'<meta name="ajs-remote-user" content="([^"]*)"')
_PAGE = re.compile(r'<meta name="zdu-page" content="([^"]*)"')
_ALERT = re.compile(r'role="alert">(.*?)</p>', re.DOTALL)
_MARKUP = re.compile(r"<(style|script|head|nav).*?</\1>|<[^>]+>", re.DOTALL)
COMPLAINT_LENGTH = 100
_XSRF = re.compile(r'name="atl_token"\s+value="([^"]+)"')

LOGIN_PAGE = "login_page"
WORK_LOST = "work_lost"
"""A task of several pages was gone when its user went on with it."""
STALE_FORM = "stale_form"
"""A form was refused for its XSRF token, which was of a session that is gone."""
WRONG_USER = "wrong_user"
"""The page was somebody else's."""
OWN_WRITE_MISSING = "own_write_missing"
"""A page did not show what its user had written and the application had confirmed."""
END_OF_PAGE = "</html>"
_LOST_PAGE = "work_lost"
_XSRF_REFUSAL = "XSRF Security Token Missing"
LOGIN_PATH = "/login.jsp"
REDIRECTS = (302, 303)


@dataclass(frozen=True)
class Expected:
    """What the answer must be. Empty strings expect nothing.

    ``own_writes`` are texts that the user has written and must find on the page.
    ``news`` is what a search should show as well; it comes from an index that replays other nodes' changes with a
    delay, so an answer without it is behind and not wrong. How far behind is allowed the verdict decides.
    """

    status: int = 200
    user: str = ""
    page: str = ""
    text: str = ""
    location: str = ""
    news: str = ""
    own_writes: tuple[str, ...] = ()

    @property
    def log_in_is_due(self) -> bool:
        """Whether the log-in page is what the user asked for."""
        return self.page == "login" or self.location.startswith(LOGIN_PATH)


@dataclass(frozen=True)
class Judgement:
    """``ok``, or one word of what is wrong, and for people what exactly. ``behind``: the expected news is missing."""

    outcome: str
    detail: str = ""
    behind: bool = False


FINE = Judgement(OK)


def judge(status: int, headers: Mapping[str, str], body: str, expected: Expected) -> Judgement:
    """Compare an answer with what was expected of it."""
    if _sends_to_log_in(status, headers, body) and not expected.log_in_is_due:
        return Judgement(LOGIN_PAGE, "the log-in page came instead")
    if status >= 500:
        reason = headers.get("X-LB-Error", "")
        return Judgement(f"http_{status}", f"from the load balancer: {reason}" if reason else _complaint(body))
    if (page := _PAGE.search(body)) and page[1] == _LOST_PAGE:
        return Judgement(WORK_LOST, _complaint(body))
    if status == HTTPStatus.FORBIDDEN and _XSRF_REFUSAL in body:
        return Judgement(STALE_FORM, _complaint(body))
    if status != expected.status:
        return Judgement(f"http_{status}", f"expected {expected.status}; {_complaint(body)}")
    if expected.location and not headers.get("Location", "").startswith(expected.location):
        return Judgement("wrong_content", f"led to {headers.get('Location')!r}, not to {expected.location!r}")
    if "X-ANODEID" not in headers:
        return Judgement("wrong_content", "no node says that the answer is its own")
    return _judge_content(headers, body, expected)


def xsrf_token(body: str) -> str:
    """The form's XSRF token, or an empty string."""
    match = _XSRF.search(body)
    return match[1] if match else ""


def _judge_content(headers: Mapping[str, str], body: str, expected: Expected) -> Judgement:
    if expected.user:
        shown = _REMOTE_USER.search(body)
        user = shown[1] if shown else headers.get("X-AUSERNAME", "")
        if user != expected.user:
            return Judgement(WRONG_USER, f"the page is {user or 'nobody'}'s, not {expected.user}'s")
    if expected.page:
        page = _PAGE.search(body)
        if not page or page[1] != expected.page:
            return Judgement("wrong_content", f"page {page[1] if page else 'unknown'!r} came, not {expected.page!r}")
        if not body.rstrip().endswith(END_OF_PAGE):
            return Judgement("wrong_content", "the page is not whole")
    if expected.text and expected.text not in body:
        return Judgement("wrong_content", f"{expected.text!r} is missing")
    missing = [text for text in expected.own_writes if text not in body]
    if missing:
        return Judgement(OWN_WRITE_MISSING, f"{missing[0]!r}, written and confirmed before, is missing")
    if expected.news and expected.news not in body:
        return Judgement(OK, f"{expected.news!r} is not found yet", behind=True)
    return FINE


def _sends_to_log_in(status: int, headers: Mapping[str, str], body: str) -> bool:
    if status in REDIRECTS:
        return LOGIN_PATH in headers.get("Location", "")
    if status == 401:
        return True
    page = _PAGE.search(body)
    return bool(page and page[1] == "login")


def _complaint(body: str) -> str:
    """What an error page or an error body says, in one line."""
    with suppress(ValueError, KeyError, TypeError):
        return " ".join(map(str, json.loads(body)["errorMessages"]))
    alert = _ALERT.search(body)
    told = unescape(_MARKUP.sub(" ", alert[1] if alert else body))
    return " ".join(told.split())[:COMPLAINT_LENGTH]
