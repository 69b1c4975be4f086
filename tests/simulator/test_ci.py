"""The page that continuous integration shows, and GitHub's annotations."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from simulator.ci import annotations, step_summary
from simulator.result import build_result
from simulator.verdict import Evidence, reach_verdict
from tests.support.evidence import evidence, good_events, good_requests, request
from zdu.cli import zdu
from zdu.events import WritesAudited


def result_of(run: Evidence) -> dict[str, Any]:
    return build_result(run, reach_verdict(run))


def failed(detail: str = "") -> dict[str, Any]:
    lost = request(812, 4.4, "node1", session="s17", outcome="http_503", detail=detail)
    return result_of(evidence(requests=[*good_requests(), lost]))


def undecided() -> dict[str, Any]:
    nothing = WritesAudited(0, [], [], {"node1": [], "node2": []})
    events = [(at_s, nothing if isinstance(event, WritesAudited) else event) for at_s, event in good_events()]
    return result_of(evidence(events))


def test_a_pass_is_a_sentence_and_its_figures() -> None:
    page = step_summary(result_of(evidence()))
    assert page.startswith("## ✅ valiantys: pass\n\nNobody noticed")
    assert "| requests | 520, 0 failed |" in page
    assert "what is wrong" not in page
    assert "Run it again: `zdu run`" in page


def test_what_is_wrong_comes_first_with_its_evidence() -> None:
    page = step_summary(failed())
    assert page.startswith("## ❌ valiantys: fail")
    assert page.index("what is wrong") < page.index("| figure |")
    assert "| ❌ | no request failed | 1 of 521 failed" in page
    assert "- request 812 of session s17" in page
    assert "## ❔ valiantys: inconclusive" in step_summary(undecided())


def test_what_a_server_answered_is_text_and_nothing_else() -> None:
    page = step_summary(failed("<script>x</script> | `a` [b](http://c) @team\n# d"))
    assert "<script>" not in page
    assert "[b](" not in page
    assert "@team" not in page
    assert all(line.replace("\\|", "").count("|") == 4 for line in page.splitlines() if line.startswith("| ❌"))


def test_annotations_are_one_line_each_whatever_is_in_them() -> None:
    (line,) = [line for line in annotations(failed("100%\nnext")) if "no request failed" in line]
    assert line.startswith("::error title=zdu valiantys::no request failed: 1 of 521 failed")
    assert "100%25%0Anext" in line
    assert [line.partition(" ")[0] for line in annotations(undecided())] == ["::warning"]
    assert annotations(result_of(evidence())) == []


@pytest.mark.parametrize("command", ["run", "report"])
def test_a_summary_that_cannot_be_written_is_told_before_anything_is_started(command: str, tmp_path: Path) -> None:
    wrong = tmp_path / "none" / "summary.md"
    ended = CliRunner().invoke(zdu, [command, "--summary", str(wrong), "--out", str(tmp_path)])
    assert ended.exit_code != 0
    assert f"the summary cannot be written to {wrong}" in str(ended.exception)
    assert list(tmp_path.iterdir()) == []
