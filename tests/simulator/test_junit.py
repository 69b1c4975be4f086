"""Continuous integration servers read one test case per check."""

from xml.etree import ElementTree

from simulator.junit import junit_xml
from simulator.verdict import reach_verdict
from tests.support.evidence import evidence, good_events, good_requests, request
from zdu.events import WritesAudited


def test_a_broken_promise_is_a_failure_and_a_missing_proof_an_error() -> None:
    events = [pair for pair in good_events() if not isinstance(pair[1], WritesAudited)]
    requests = [*good_requests(), request(999, 8.0, node="", outcome="timeout", detail="a < b & c")]
    suite = ElementTree.fromstring(junit_xml("valiantys", 25.0, reach_verdict(evidence(events, requests))).encode())
    assert (suite.get("failures"), suite.get("errors")) == ("1", "1")
    assert int(suite.get("tests", "0")) == len(suite.findall("testcase"))
    failed = suite.find("testcase[failure]")
    assert failed is not None
    assert failed.get("name") == "no request failed"
    assert "a < b & c" in (failed.findtext("failure") or "")


def test_a_blameless_run_has_no_failures() -> None:
    suite = ElementTree.fromstring(junit_xml("valiantys", 25.0, reach_verdict(evidence())).encode())
    assert (suite.get("failures"), suite.get("errors")) == ("0", "0")
