import json
from pathlib import Path

import pytest

from zdu.pytest_plugin.verdict import Inconclusive, Noticed, Verdict

CHECKS = [
    {"name": "no request failed", "outcome": "fail", "detail": "2 of 10"},
    {"name": "no session was lost", "outcome": "pass", "detail": ""},
    {"name": "sessions had to move", "outcome": "inconclusive", "detail": "none did"},
]


def verdict(folder: Path, word: str) -> Verdict:
    def end() -> None:
        result = {"verdict": word, "sentence": "So it was.", "reasons": ["because"], "checks": CHECKS}
        (folder / "result.json").write_text(json.dumps(result))

    return Verdict(lambda: folder, end)


def test_a_pass_is_silent(tmp_path: Path) -> None:
    verdict(tmp_path, "pass").assert_no_downtime()


@pytest.mark.parametrize(("word", "error"), [("fail", Noticed), ("inconclusive", Inconclusive)])
def test_anything_else_is_an_assertion_error_with_the_verdicts_words(
    tmp_path: Path, word: str, error: type[AssertionError]
) -> None:
    with pytest.raises(error, match=f"(?s){word.upper()}  So it was.*because.*report.html"):
        verdict(tmp_path, word).assert_no_downtime()


def test_single_checks_can_be_asked_for_whatever_the_verdict(tmp_path: Path) -> None:
    told = verdict(tmp_path, "fail")

    told.assert_holds("no session was lost")
    with pytest.raises(Noticed, match="2 of 10"):
        told.assert_holds("no session was lost", "no request failed")
    with pytest.raises(Inconclusive, match="none did"):
        told.assert_holds("sessions had to move")
    with pytest.raises(KeyError, match="there are: no request failed"):
        told.assert_holds("nobody noticed")
