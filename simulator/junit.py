"""``junit.xml``: one test case per check, for continuous integration servers.

What is broken is a failure, what is inconclusive is skipped with the reason. A server that takes skipped cases for
good must not show a run that proved nothing as a success, so the last case is the verdict itself: a failure if it is
*fail*, an error if it is *inconclusive* (JUnit tells "the wrong answer" from "no answer").

Format: what Jenkins, GitLab and GitHub's reporters read, which goes back to Ant's JUnit task: the required attributes
of ``testsuite`` and ``testcase``, ``properties`` first, the output last, no character that XML forbids.
"""

import re
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from simulator.verdict import Check, Verdict

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 (section 2.2) does not let in, not even escaped; answers of a broken server may have it."""
PROPERTIES = ("verdict", "seed", "command", "version_from", "version_to", "database", "load_balancer")


def junit_xml(result: Mapping[str, Any], verdict: Verdict) -> str:
    """The file's text, for a run with that result and verdict."""
    scenario = str(result["scenario"])
    words = [check.word for check in verdict.checks]
    counts = {
        "tests": len(words) + 1,
        "failures": words.count("fail") + (verdict.word == "fail"),
        "errors": int(verdict.word == "inconclusive"),
        "skipped": words.count("inconclusive"),
    }
    figures = {name: str(count) for name, count in counts.items()} | {"time": f"{result['duration_s']:.2f}"}
    suites = Element("testsuites", {"name": "zdu", **figures})
    began = str(result["began"]).partition(".")[0]
    suite = SubElement(
        suites, "testsuite", {"name": f"zdu {scenario}", **figures, "timestamp": began, "hostname": "localhost"}
    )
    properties = SubElement(suite, "properties")
    for name in PROPERTIES:
        SubElement(properties, "property", {"name": name, "value": _clean(str(result[name]))})
    for check in verdict.checks:
        _case(suite, f"zdu.{scenario}.{check.kind.value}", check)
    _verdict_case(suite, f"zdu.{scenario}", verdict)
    SubElement(suite, "system-out").text = _clean(verdict.sentence)
    indent(suites)
    return tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: Element, classname: str, check: Check) -> None:
    case = SubElement(suite, "testcase", {"classname": classname, "name": _clean(check.name), "time": "0"})
    if check.word == "pass":
        SubElement(case, "system-out").text = _clean(check.detail)
    elif check.word == "fail":
        _ending(case, "failure", check.otherwise, check.detail)
    else:
        SubElement(case, "skipped", {"message": _clean(f"{check.otherwise}: {check.detail}")})


def _verdict_case(suite: Element, classname: str, verdict: Verdict) -> None:
    case = SubElement(suite, "testcase", {"classname": classname, "name": "verdict", "time": "0"})
    if verdict.word != "pass":
        tag = "failure" if verdict.word == "fail" else "error"
        _ending(case, tag, verdict.sentence, "\n".join(verdict.reasons))


def _ending(case: Element, tag: str, message: str, text: str) -> None:
    SubElement(case, tag, {"message": _clean(message), "type": tag}).text = _clean(text)


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
