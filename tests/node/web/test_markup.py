"""Every page is well-formed and says to assistive technology what its parts are."""

from html.parser import HTMLParser

import pytest

from tests.support.web_node import Browser

_VOID = {"meta", "link", "input", "img", "br", "path", "rect"}
_CONTROLS = {"input", "textarea", "select"}


class _Page(HTMLParser):
    """Collects what a careful reader would object to."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.labelled: set[str] = set()
        self.controls: list[dict[str, str | None]] = []
        self.counts: dict[str, int] = {}
        self.problems: list[str] = []
        self.references: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.counts[tag] = self.counts.get(tag, 0) + 1
        if tag not in _VOID:
            self.open.append(tag)
        if identifier := values.get("id"):
            self.ids.append(identifier)
        if tag == "label":
            self.labelled.add(values.get("for") or "(around)")
        if tag in _CONTROLS and values.get("type") != "hidden" and "label" not in self.open:
            self.controls.append(values)
        for name in ("aria-labelledby", "aria-describedby"):
            self.references.update((values.get(name) or "").split())
        if "data-live" in values and not values.get("id"):
            self.problems.append(f"a live {tag} without an id")
        if tag == "img" and values.get("alt") is None:
            self.problems.append("an image without a text")

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> closes something else")


@pytest.mark.parametrize(
    "path",
    [
        "/login.jsp",
        "/secure/Dashboard.jspa",
        "/issues/?startIndex=0",
        "/browse/ZDU-1",
        "/secure/CreateIssue.jspa",
        "/secure/EditIssue.jspa?key=ZDU-1",
        "/secure/admin/JiraUpgrades.jspa",
        "/secure/admin/Clustering.jspa",
        "/plugins/servlet/troubleshooting/view",
        "/plugins/servlet/upm",
        "/secure/BrowseProjects.jspa",
        "/projects/ZDU",
        "/secure/RapidBoard.jspa?rapidView=1",
        "/secure/views/bulkedit/BulkEdit1.jspa?jql=",
        "/nowhere",
    ],
)
async def test_a_page_is_well_formed_and_labelled(admin: Browser, path: str) -> None:
    admin.node.cluster.mode_available = True
    await admin.submit("/secure/EditIssue.jspa?key=ZDU-1", summary="Edited", description="")
    await admin.submit("/secure/AddComment.jspa", key="ZDU-1", comment="A comment")
    browser = Browser(admin.node) if path == "/login.jsp" else admin
    page = _Page()

    page.feed((await browser.get(path)).text)

    assert (page.problems, page.open) == ([], [])
    assert len(page.ids) == len(set(page.ids))
    assert page.references <= set(page.ids)
    assert [page.counts.get(tag) for tag in ("html", "main", "h1", "title")] == [1, 1, 1, 1]
    assert all(control.get("id") in page.labelled for control in page.controls)
