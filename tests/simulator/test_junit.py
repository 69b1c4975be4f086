"""Continuous integration servers read one test case per check, and one for the verdict."""

from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from simulator.junit import junit_xml
from simulator.result import build_result
from simulator.verdict import Evidence, reach_verdict
from tests.support.evidence import evidence, good_events, good_requests, request
from zdu.events import WritesAudited


def written(of: Evidence) -> Element:
    verdict = reach_verdict(of)
    return ElementTree.fromstring(junit_xml(build_result(of, verdict), verdict).encode())


def without_writes() -> list:  # type: ignore[type-arg]  # events of any kind
    nothing = WritesAudited(0, [], [], {"node1": [], "node2": []})
    return [(at_s, nothing if isinstance(event, WritesAudited) else event) for at_s, event in good_events()]


def check_the_form(suites: Element) -> None:
    """The rules that the readers of such files have in common (Ant's and Jenkins's schemas)."""
    assert suites.tag == "testsuites"
    (suite,) = suites
    assert suite.tag == "testsuite"
    for attribute in ("name", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname"):
        assert suite.get(attribute), attribute
    order = [child.tag for child in suite]
    assert order == ["properties", *["testcase"] * (len(order) - 2), "system-out"]
    cases = suite.findall("testcase")
    names = [(case.get("classname"), case.get("name")) for case in cases]
    assert len(set(names)) == len(names), "a server shows cases of one name as one"
    for case in cases:
        assert all(case.get(attribute) for attribute in ("classname", "name", "time"))
        endings = [child for child in case if child.tag in {"failure", "error", "skipped"}]
        assert len(endings) <= 1
        assert all(ending.get("message") for ending in endings)
    counted = {tag: len(suite.findall(f"testcase/{tag}")) for tag in ("failure", "error", "skipped")}
    for where in (suites, suite):
        assert where.get("tests") == str(len(cases))
        assert (where.get("failures"), where.get("errors")) == (str(counted["failure"]), str(counted["error"]))
        assert where.get("skipped") == str(counted["skipped"])


def endings(suites: Element) -> dict[str, str]:
    """What each case that did not pass ended with."""
    return {
        case.get("name", ""): child.tag for case in suites.iter("testcase") for child in case if child.get("message")
    }


def test_what_is_broken_is_a_failure_and_what_is_missing_is_skipped() -> None:
    requests = [*good_requests(), request(999, 8.0, node="", outcome="timeout", detail="a < b & c")]
    suites = written(evidence(without_writes(), requests))
    check_the_form(suites)
    assert endings(suites) == {
        "no request failed": "failure",
        "writes were made and looked for": "skipped",
        "verdict": "failure",
    }
    failure = suites.find(".//testcase[@name='no request failed']/failure")
    assert failure is not None
    assert "a < b & c" in (failure.text or "")


def test_a_run_that_proved_nothing_is_an_error_even_where_skipped_cases_count_as_good() -> None:
    suites = written(evidence(without_writes()))
    check_the_form(suites)
    assert endings(suites) == {"writes were made and looked for": "skipped", "verdict": "error"}


def test_a_blameless_run_has_nothing_but_good_cases() -> None:
    suites = written(evidence())
    check_the_form(suites)
    assert endings(suites) == {}


def test_what_a_broken_server_answers_does_not_break_the_file() -> None:
    garbage = "".join(map(chr, range(32))) + "\ud800 ]]> \uffff"
    suites = written(evidence(requests=[*good_requests(), request(999, 8.0, outcome="http_500", detail=garbage)]))
    check_the_form(suites)
