"""A system that is not ours: where it is, what a good answer is, how one logs in, which node answered. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from simulator.load.judge import LOGIN_PAGE, REDIRECTS, Expected, Judgement
from simulator.record.requests import OK
from simulator.scenario.fields import is_loopback
from zdu.errors import UsageError

_NUMBER = "{n}"
WHOLE = "the system"
"""What answered, where one answer does not tell it from the others: sessions are followed all the same."""


@dataclass(frozen=True)
class Target:
    """What the command line says of the system.

    ``url`` has no path; ``path`` is what is asked for, ``text`` must be in the answer. ``login`` is the path that the
    log-in form is sent to with the fields of ``form``, in whose values ``{n}`` is the visitor's number.
    """

    url: str
    path: str = "/"
    text: str = ""
    login: str = ""
    form: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    node_header: str = ""
    node_cookie: str = ""

    @property
    def tells_nodes(self) -> bool:
        """Whether an answer says which node it is of."""
        return bool(self.node_header or self.node_cookie)

    def form_of(self, number: int, hidden: Mapping[str, str]) -> dict[str, str]:
        """The filled-in form of visitor ``number``, with the hidden fields that the page had."""
        return {**hidden, **{name: value.replace(_NUMBER, str(number)) for name, value in self.form.items()}}

    def node_of(self, status: int, headers: Mapping[str, str], cookies: Mapping[str, str]) -> str:
        """Which node answered; where nothing tells, the system as a whole. ``cookies`` are the visitor's by now.

        An error may be the load balancer's own, and the cookie then still names the node of the answer before.
        """
        if self.node_header:
            return headers.get(self.node_header, "")
        if not self.node_cookie:
            return WHOLE
        return cookies.get(self.node_cookie, "") if 0 < status < 500 else ""

    def version_of(self, headers: Mapping[str, str], node: str) -> str:  # noqa: ARG002 - nothing tells
        """Nothing tells."""
        return ""

    def attempts_of(self, headers: Mapping[str, str]) -> int:  # noqa: ARG002 - nothing tells
        """Nobody else's header of that name means what ours does."""
        return 1

    def judge(self, status: int, headers: Mapping[str, str], body: str, expected: Expected) -> Judgement:
        """Whether an answer is what was asked for; where nothing else is said, 2xx is.

        ``expected`` is not looked at but for its ``page``: ``login`` is the log-in page or the answer to its form.
        """
        at_login = expected.page == "login"
        if not at_login and self._is_thrown_out(status, headers):
            return Judgement(LOGIN_PAGE, "the log-in page came instead")
        if status >= 500 or (status >= 400 and not at_login) or status == 0:
            return Judgement(f"http_{status}", first_words(body))
        if at_login:
            refused = status >= 400 or (status in REDIRECTS and self._leads_to_login(headers) and bool(expected.text))
            return Judgement("not_logged_in", "the log-in was refused") if refused else Judgement(OK)
        if not 200 <= status < 300:
            return Judgement(f"http_{status}", f"led to {headers.get('Location', 'nowhere')}; expected 2xx")
        if self.text and self.text not in body:
            return Judgement("wrong_content", f"{self.text!r} is missing")
        return Judgement(OK)

    def _is_thrown_out(self, status: int, headers: Mapping[str, str]) -> bool:
        if status == 401:
            return True
        return bool(self.login) and status in REDIRECTS and self._leads_to_login(headers)

    def _leads_to_login(self, headers: Mapping[str, str]) -> bool:
        return urlsplit(headers.get("Location", "")).path == urlsplit(self.login).path


def parse_url(url: str, *, allow_remote: bool) -> tuple[str, str]:
    """The system's URL without its path, and the path. Raises UsageError with what is wrong."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError(f"{url!r} is no URL to measure", hint="Write it as http://127.0.0.1:8080/dashboard.")
    if not allow_remote and not is_loopback(parts.hostname):
        raise UsageError(
            f"{parts.hostname} is not this machine",
            hint="Probes are load, and somebody else may pay for it. If it is yours to measure, add --allow-remote.",
        )
    path = parts.path or "/"
    return f"{parts.scheme}://{parts.netloc}", f"{path}?{parts.query}" if parts.query else path


def pairs(words: tuple[str, ...], option: str, separator: str) -> dict[str, str]:
    """``name=value`` words as a mapping. Raises UsageError for one without the separator."""
    found: dict[str, str] = {}
    for word in words:
        name, there, value = word.partition(separator)
        if not there or not name.strip():
            raise UsageError(f"{option}: expected NAME{separator}VALUE, not {word!r}")
        found[name.strip()] = value.strip()
    return found


def cookies_set(values: list[str]) -> dict[str, str]:
    """Names and values of ``Set-Cookie`` headers; one that cannot be read is left out."""
    found: dict[str, str] = {}
    for value in values:
        try:
            found.update({name: morsel.value for name, morsel in SimpleCookie(value).items()})
        except CookieError:
            continue
    return found


def hidden_fields(page: str) -> dict[str, str]:
    """The hidden fields of a page's forms, XSRF tokens among them."""
    reader = _HiddenFields()
    reader.feed(page)
    return reader.found


def first_words(body: str) -> str:
    """What an error page says, in one line."""
    return " ".join(re.sub(r"<(style|script|head).*?</\1>|<[^>]+>", " ", body, flags=re.DOTALL).split())[:100]


class _HiddenFields(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a hidden field."""
        given = dict(attrs)
        if tag == "input" and given.get("type") == "hidden" and given.get("name"):
            self.found[str(given["name"])] = given.get("value") or ""
