"""One virtual user: signs in, browses, searches, writes and moves issues, one thing after the other, as people do.

Closed model: the next click waits for the answer to the last one and for the time it takes to read it. What a user
has written, that user expects to find again.
"""

import asyncio
import random
import re
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from html import unescape
from itertools import count
from urllib.parse import quote

from simulator.load.behaviour import choose_action, choose_issue, invent_comment, invent_summary, think_time_s
from simulator.load.client import Answer, RecordingClient, Write
from simulator.load.judge import LOGIN_PAGE, Expected, xsrf_token
from simulator.load.own_writes import OwnWrites
from simulator.load.sign_in import sign_in
from simulator.load.waiting import stops_within
from simulator.scenario.model import LoadPart

OWN_ISSUES_REMEMBERED = 20
SOME_ISSUE = 'href="/browse/'
"""There are issues from the beginning: a page that shows none has lost them."""
BULK_ISSUES = 3
"""So many of their own issues users change at once."""
_ACTIONS = re.compile(r'id="action_id_(\d+)"')
_BULK = "/secure/views/bulkedit/BulkEdit{}.jspa"
_DESCRIPTION = re.compile(r'<textarea[^>]*name="description"[^>]*>\r?\n?(.*?)</textarea>', re.DOTALL)
BACK_OFF_S = 0.3
"""After a failure a person looks at the error for a moment; hammering would count one outage many times."""


class VirtualUser:
    """A person at work, by what ``load`` says. ``session`` changes with each deliberate or forced sign-in."""

    def __init__(
        self,
        number: int,
        load: LoadPart,
        client: RecordingClient,
        *,
        remember_me: bool,
        common_issues: tuple[str, ...],
        markers: "count[int]",
        rng: random.Random,
        stopping: asyncio.Event,
        username: str = "",
        name: str = "",
    ) -> None:
        """``name`` begins the names of its sessions: ``s17`` for the user of that number, if not given."""
        self.username = username or f"user{number}"
        self._name = name or f"s{number}"
        self.load = load
        self._remember_me = remember_me
        self._client = client
        self._common = common_issues
        self._own: deque[str] = deque(maxlen=OWN_ISSUES_REMEMBERED)
        self._written = OwnWrites()
        self._news: dict[str, tuple[str, float]] = {}
        self._markers = markers
        self._rng = rng
        self._stopping = stopping
        self._generation = 0
        self._signed_in = False
        self._actions: dict[str, Callable[[], Awaitable[Answer | None]]] = {
            "view_dashboard": self._view_dashboard,
            "list_issues": self._list_issues,
            "view_issue": self._view_issue,
            "create_issue": self._create_issue,
            "edit_issue": self._edit_issue,
            "comment_issue": self._comment_issue,
            "sign_in_again": self._sign_in_again,
            "search_issues": self._search_issues,
            "view_board": self._view_board,
            "transition_issue": self._transition_issue,
            "bulk_edit": self._bulk_edit,
        }

    async def work(self, begin_after_s: float) -> None:
        """Work until ``stopping`` is set; the request under way then is still brought to its end."""
        try:
            if await self._pause(begin_after_s):
                return
            while not self._stopping.is_set():
                answer = await (self._act() if self._signed_in else self._sign_in())
                if answer is not None and answer.record.outcome == LOGIN_PAGE:
                    self._signed_in = False
                failed = answer is not None and not answer.ok
                if await self._pause(BACK_OFF_S if failed else self._think_time_s()):
                    return
        finally:
            await self._client.close()

    async def come_to_work(self) -> None:
        """Sign in, for the open model: work is given later."""
        await self._sign_in()

    async def act_at(self, due_s: float, *, anew: bool) -> float:
        """One action that was due at ``due_s`` of the run; returns by how many seconds its first request came later.

        Who is not signed in, or is to come ``anew`` as a stranger, signs in first.
        """
        self._client.due_s = due_s
        self._signed_in = self._signed_in and not anew
        answer = None if self._signed_in else await self._sign_in()
        if self._signed_in:
            answer = await self._act()
        if answer is not None and answer.record.outcome == LOGIN_PAGE:
            self._signed_in = False
        return self._client.late_s

    async def go_home(self) -> None:
        """Close the browser."""
        await self._client.close()

    async def _act(self) -> Answer | None:
        return await self._actions[choose_action(self.load.mix.weights, self._rng)]()

    async def _sign_in(self) -> Answer:
        """Begin a new session, through the log-in page, as a stranger."""
        self._generation += 1
        self._client.session = f"{self._name}.{self._generation}"
        answer = await sign_in(self._client, self.username, remember_me=self._remember_me)
        if answer.ok:
            self._signed_in = True
            answer = await self._view_dashboard()
        return answer

    async def _sign_in_again(self) -> Answer | None:
        page = await self._view_dashboard()
        if not page.ok:
            return page
        answer = await self._client.send(
            "sign_out",
            "POST",
            "/secure/Logout.jspa",
            Expected(status=302, location="/login.jsp"),
            form=_with_token(page, {}),
        )
        self._signed_in = False  # without an answer it may have been done as well: the user begins anew either way
        return await self._sign_in() if answer.ok else answer

    async def _view_dashboard(self) -> Answer:
        return await self._open("view_dashboard", "/secure/Dashboard.jspa", "dashboard", text=SOME_ISSUE)

    async def _list_issues(self) -> Answer:
        return await self._open("list_issues", "/issues/", "issues", text=SOME_ISSUE)

    async def _view_issue(self) -> Answer:
        key = choose_issue(self._own, self._common, self._rng)
        return await self._open_issue(key)

    async def _create_issue(self) -> Answer | None:
        write = Write(self._marker())
        form = {"summary": invent_summary(self._rng), "description": f"Found at work. {write.marker}"}
        page = await self._open("open_create", "/secure/CreateIssue.jspa", "create")
        answer = await self._submit(
            page, "create_issue", "/secure/CreateIssue.jspa", form, write=write, leads_to="/browse/"
        )
        if answer is not None and answer.ok:
            key = _key_in(answer.headers)
            self._own.append(key)
            self._written.created(key, write.marker)
            self._news[key] = (write.marker, answer.record.end_s)
            return await self._open_issue(key)
        return answer

    async def _edit_issue(self) -> Answer | None:
        key = choose_issue(self._own, self._common, self._rng)
        write = Write(self._marker(), key)
        path = f"/secure/EditIssue.jspa?key={quote(key)}"
        page = await self._open("open_edit", path, "edit")
        form = {"key": key, "summary": f"{invent_summary(self._rng)} {write.marker}"}
        answer = await self._submit(
            page, "edit_issue", path, form | _kept_description(page), write=write, leads_to=f"/browse/{key}"
        )
        if answer is not None and answer.record.write:
            self._written.edited(key, write.marker, confirmed=answer.ok)
            if answer.ok and key in self._own:
                self._news[key] = (write.marker, answer.record.end_s)
        return answer

    async def _search_issues(self) -> Answer | None:
        """Search for the words of one of one's own issues: nobody else changes those, so they are to be found."""
        if not self._own:
            return await self._list_issues()
        key = self._rng.choice(self._own)
        words, since_s = self._news[key]
        expected = Expected(user=self.username, page="issues", news=f'href="/browse/{key}"')
        path = "/issues/?jql=" + quote(f'text ~ "{words}"')
        return await self._client.send("search_issues", "GET", path, expected, news_since_s=since_s)

    async def _view_board(self) -> Answer:
        return await self._open("view_board", "/secure/RapidBoard.jspa?rapidView=1", "board", text=SOME_ISSUE)

    async def _transition_issue(self) -> Answer | None:
        """Move one of one's own issues along its workflow, with a comment: others' may be moved by others first."""
        if not self._own:
            return await self._create_issue()
        key = self._rng.choice(self._own)
        write = Write(self._marker(), key)
        page = await self._open_issue(key)
        ways = _ACTIONS.findall(page.body)
        if page.ok and not ways:
            return page
        form = {
            "key": key,
            "action": self._rng.choice(ways) if ways else "",
            "comment": f"{invent_comment(self._rng)} {write.marker}",
        }
        answer = await self._submit(
            page,
            "transition_issue",
            "/secure/WorkflowUIDispatcher.jspa",
            form,
            write=write,
            leads_to=f"/browse/{key}",
        )
        self._note_comment(answer)
        return answer

    async def _bulk_edit(self) -> Answer | None:
        """Comment several of one's own issues at once, over three pages; between them it lives in the session."""
        if not self._own:
            return await self._create_issue()
        keys = sorted(self._rng.sample(list(self._own), k=min(BULK_ISSUES, len(self._own))))
        write = Write(self._marker(), " ".join(keys))
        page = await self._open("open_bulk_edit", _BULK.format(1), "bulk_edit_1")
        chosen = await self._submit(
            page,
            "bulk_choose",
            _BULK.format(1),
            {f"issue_{key}": "on" for key in keys},
            leads_to=_BULK.format(2),
        )
        if chosen is None or not chosen.ok:
            return chosen
        number = chosen.headers["Location"].partition("?id=")[2]
        page = await self._open("bulk_change", f"{_BULK.format(2)}?id={number}", "bulk_edit_2")
        form = {"id": number, "comment": f"{invent_comment(self._rng)} {write.marker}"}
        changed = await self._submit(page, "bulk_change", _BULK.format(2), form, leads_to=_BULK.format(3))
        if changed is None or not changed.ok:
            return changed
        page = await self._open("bulk_confirm", f"{_BULK.format(3)}?id={number}", "bulk_edit_3")
        answer = await self._submit(
            page, "bulk_edit", _BULK.format(3), {"id": number}, write=write, leads_to="/issues/"
        )
        self._note_comment(answer)
        return answer

    async def _comment_issue(self) -> Answer | None:
        key = choose_issue(self._own, self._common, self._rng)
        write = Write(self._marker(), key)
        page = await self._open_issue(key)
        form = {"key": key, "comment": f"{invent_comment(self._rng)} {write.marker}"}
        answer = await self._submit(
            page, "comment_issue", "/secure/AddComment.jspa", form, write=write, leads_to=f"/browse/{key}"
        )
        self._note_comment(answer)
        if answer is not None and answer.ok:
            return await self._open_issue(key)
        return answer

    def _note_comment(self, answer: Answer | None) -> None:
        if answer is not None and answer.record.acknowledged_write:
            for key in answer.record.issues:
                self._written.commented(key, answer.record.write)

    async def _open_issue(self, key: str) -> Answer:
        """Look at an issue, and for all that one has written there."""
        expected = Expected(user=self.username, page="issue", text=key, own_writes=self._written.on(key))
        return await self._client.send("view_issue", "GET", f"/browse/{key}", expected)

    async def _open(self, kind: str, path: str, page: str, *, text: str = "") -> Answer:
        return await self._client.send(kind, "GET", path, Expected(user=self.username, page=page, text=text))

    async def _submit(
        self,
        page: Answer,
        kind: str,
        path: str,
        form: Mapping[str, str],
        *,
        leads_to: str,
        write: Write | None = None,
    ) -> Answer | None:
        """Fill in the form on ``page`` and send it; None if the user was called away while typing.

        Whoever is thrown to the log-in page with a form filled in logs in, goes back and sends the form once more.
        """
        if not page.ok:
            return page
        if await self._pause(self._think_time_s()):
            return None
        filled = _with_token(page, form)
        answer = await self._send_form(kind, path, filled, write=write, leads_to=leads_to)
        if answer.record.outcome != LOGIN_PAGE:
            return answer
        self._signed_in = False
        if await self._pause(self._think_time_s()):
            return None
        signed_in = await self._sign_in()
        if not signed_in.ok:
            return signed_in
        return await self._send_form(kind, path, filled, write=write, leads_to=leads_to)

    async def _send_form(
        self, kind: str, path: str, form: Mapping[str, str], *, write: Write | None, leads_to: str
    ) -> Answer:
        return await self._client.send(
            kind,
            "POST",
            path,
            Expected(status=302, user=self.username, location=leads_to),
            form=form,
            write=write,
            issue_of=_key_in if write and not write.issue else None,
        )

    def _marker(self) -> str:
        return f"w{next(self._markers):06d}"

    def _think_time_s(self) -> float:
        return think_time_s(self.load.think_time.min, self.load.think_time.max, self._rng)

    async def _pause(self, seconds: float) -> bool:
        """Wait; tells whether work is to stop."""
        return await stops_within(seconds, self._stopping)


def _with_token(page: Answer, form: Mapping[str, str]) -> dict[str, str]:
    return {**form, "atl_token": xsrf_token(page.body)}


def _key_in(headers: Mapping[str, str]) -> str:
    """The issue that an answer leads to: ``/browse/ZDU-7`` gives ``ZDU-7``; empty if it leads elsewhere."""
    _, found, key = headers.get("Location", "").partition("/browse/")
    return key if found else ""


def _kept_description(page: Answer) -> dict[str, str]:
    """The description as the form shows it, sent back unchanged, as a browser does."""
    match = _DESCRIPTION.search(page.body)
    return {"description": unescape(match[1])} if match else {}
