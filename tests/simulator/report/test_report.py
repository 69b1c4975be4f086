"""The page itself: self-contained, escaped, and written for whatever a run has left."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from simulator.report import render_report
from tests.support.synthetic_run import SyntheticRun, failing_run, passing_run

VOID = {"meta", "br", "link", "img", "input", "hr"}


class Balance(HTMLParser):
    """Fails on a tag that is closed in the wrong order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def page_of(run: SyntheticRun) -> str:
    return render_report(run.result, run.envelopes, run.requests)


def text_of(page: str) -> str:
    parser = Balance()
    parser.feed(page)
    assert parser.open == []
    return " ".join(" ".join(parser.text).split())


def picture_of(page: str) -> ET.Element:
    found = re.search(r'<svg class="timeline".*?</svg>', page, re.DOTALL)
    assert found
    return ET.fromstring(found[0])


def test_the_page_says_the_verdict_the_figures_and_how_to_run_it_again() -> None:
    text = text_of(page_of(passing_run()))
    for part in (
        "PASS",
        "7.3.2 rolled over 2 nodes and nobody noticed.",
        "24 signed in again unseen",
        "zdu run valiantys --seed 7",
    ):
        assert part in text


def test_a_failed_run_tells_each_failed_request_in_a_sentence() -> None:
    run = failing_run()
    lost = [record for record in run.requests if record.failed]
    text = text_of(page_of(run))
    assert "FAIL" in text
    for record in lost:
        assert f"request {record.id}, {record.method} {record.path}" in text


def test_only_so_many_failures_are_told_one_by_one() -> None:
    run = failing_run()
    run.result["failures"] = [f"loss number {number}" for number in range(60)]
    text = text_of(page_of(run))
    assert "loss number 49" in text
    assert "loss number 50" not in text
    assert "And 10 more" in text


def test_the_page_needs_nothing_but_itself() -> None:
    page = page_of(failing_run()).replace('"http://www.w3.org/2000/svg"', "")  # a name, not an address
    assert not re.search(
        r"""\bsrc\s*=|href\s*=\s*"(?!#)|@import|url\((?!#)|<link|https?://|^import |fetch\(""", page, re.M
    )


def test_nothing_that_comes_from_a_run_is_taken_for_markup() -> None:
    run = failing_run()
    evil = "<img src=x onerror=alert(1)>"
    run.result["sentence"] = run.result["checks"][0]["detail"] = run.result["command"] = evil
    requests = [replace(record, detail=evil, session=evil, kind=evil) for record in run.requests]
    page = render_report(run.result, run.envelopes, requests)
    assert "<img" not in page
    assert "&lt;img" in page


def test_the_picture_is_well_formed_and_everything_lies_inside_it() -> None:
    picture = picture_of(page_of(failing_run()))
    width, height = (float(part) for part in picture.attrib["viewBox"].split()[2:])
    bars = picture.findall("rect")
    assert len(bars) > 50
    for bar in bars:
        x, y, wide, tall = (float(bar.attrib[name]) for name in ("x", "y", "width", "height"))
        assert x >= 0 and x + wide <= width, bar.attrib
        assert y >= 0 and y + tall <= height, bar.attrib


def test_the_picture_has_a_lane_for_each_node_with_both_versions() -> None:
    words = [element.text for element in picture_of(page_of(passing_run())).findall("text")]
    for word in (
        "node1",
        "node2",
        "out 4.4 s",
        "STABLE",
        "MIXED",
        "Arcs between the lanes: 36 moves of 24 sessions",
        "26 s",
    ):
        assert word in words
    assert words.count("7.3.0") == words.count("7.3.2") == 2


def test_failed_requests_are_crosses_in_the_picture_and_those_close_together_are_counted() -> None:
    run = failing_run()
    crosses = [element for element in picture_of(page_of(run)).findall("path") if element.get("class") == "failure"]
    told = " ".join(cross.findtext("title") or "" for cross in crosses)
    more = sum(int(count) for count in re.findall(r"and (\d+) more", told))
    assert len(crosses) + more == sum(record.failed for record in run.requests) > len(crosses) > 0


def test_every_class_that_the_picture_uses_for_a_state_has_a_style() -> None:
    page = page_of(passing_run())
    used = set(re.findall(r"\bnode-(?:running|draining|stopping|starting|down)\b", page.split("</style>")[1]))
    assert used == {"node-running", "node-draining", "node-stopping", "node-starting", "node-down"}
    assert all(f"svg .{name}" in page.split("</style>")[0] for name in used)


@pytest.mark.parametrize(
    "result",
    [
        {},
        {"scenario": "x", "verdict": "inconclusive", "interrupted": True, "reasons": ["SIGINT"]},
        {"verdict": "fail", "requests": {}, "probes": {"new": {}}, "sessions": {}, "writes": {"lost": ["ZDU-1"]}},
        {
            "verdict": "pass",
            "requests": {"total": 0, "latency_ms": {"p50": None, "p99": None}},
            "nodes": [{"id": "node1"}],
        },
    ],
)
def test_a_run_that_broke_off_early_still_gets_its_page(result: dict[str, object]) -> None:
    text = text_of(render_report(result, [], []))
    assert "The run ended before its first step." in text


def test_the_verdict_is_one_sentence_and_the_rest_follows_in_smaller_letters() -> None:
    run = passing_run()
    run.result["sentence"] = (
        "Nobody noticed: 2 nodes went from 7.3.0 to 7.3.2 (both). 1,500 requests, none failed. So."
    )
    page = page_of(run)
    assert "<h1>Nobody noticed: 2 nodes went from 7.3.0 to 7.3.2 (both).</h1>" in page
    assert '<p class="verdict-more">1,500 requests, none failed. So.</p>' in page


def test_an_interrupted_run_says_so_beside_its_verdict() -> None:
    assert "INCONCLUSIVE (interrupted)" in text_of(render_report({"interrupted": True}, [], []))


def test_a_run_cut_at_any_event_still_gets_its_page() -> None:
    run = failing_run()
    for length in range(0, len(run.envelopes), 3):
        end_s = run.envelopes[length].t_s
        requests = [record for record in run.requests if record.end_s <= end_s]
        text_of(render_report(run.result, run.envelopes[:length], requests))


def test_writes_that_nobody_looked_for_are_not_called_found() -> None:
    run = passing_run()
    run.result["writes"] = {"acknowledged": 187, "lost": None, "duplicated": None}
    text = text_of(page_of(run))
    assert "not looked for" in text
    assert "all there" not in text


def test_a_proof_that_failed_is_not_called_a_broken_promise() -> None:
    run = passing_run()
    run.result["checks"] = [{"name": "sessions_were_moved", "kind": "proof", "ok": False, "detail": "none moved"}]
    text = text_of(page_of(run))
    assert "? not shown sessions were moved none moved" in text
    assert "✕ broken" not in text
