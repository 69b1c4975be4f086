"""``junit.xml``: one test case per check, for continuous integration servers.

A broken promise is a failure, a missing proof an error (it says that nothing can be said), as JUnit tells "the wrong
answer" from "no answer". Format: the de-facto schema of Ant's JUnit task.
"""

from xml.etree import ElementTree

from simulator.verdict import CheckKind, Verdict


def junit_xml(scenario: str, duration_s: float, verdict: Verdict) -> str:
    """The file's text."""
    wrong = [check for check in verdict.checks if not check.ok]
    failures = sum(check.kind is CheckKind.PROMISE for check in wrong)
    suite = ElementTree.Element(
        "testsuite",
        name=f"zdu {scenario}",
        tests=str(len(verdict.checks)),
        failures=str(failures),
        errors=str(len(wrong) - failures),
        time=f"{duration_s:.2f}",
    )
    for check in verdict.checks:
        case = ElementTree.SubElement(suite, "testcase", classname=f"zdu.{scenario}", name=check.name)
        if check.ok:
            ElementTree.SubElement(case, "system-out").text = check.detail
        else:
            tag = "failure" if check.kind is CheckKind.PROMISE else "error"
            ElementTree.SubElement(case, tag, message=check.otherwise).text = check.detail
    ElementTree.SubElement(suite, "system-out").text = verdict.sentence
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"
