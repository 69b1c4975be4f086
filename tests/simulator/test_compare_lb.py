"""The same scenario behind several load balancers: the row of each, and what is refused before anything starts."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from simulator.compare_lb_cli import compare_lb, row
from zdu.errors import UsageError


def result(**changes: Any) -> dict[str, Any]:
    probe = {"outages": [{"from_s": 1.0, "to_s": 2.5, "machine_ms": 1400.0}, {"from_s": 5.0, "to_s": 5.3}]}
    return {
        "load_balancer": "Apache httpd 2.4.71",
        "verdict": "fail",
        "requests": {
            "total": 1234,
            "failed": 7,
            "latency_ms": {"p99": 120.4},
            "retried_by_load_balancer": None,
        },
        "probes": {"new": probe, "reused": {"outages": []}},
        "lb_lag": {"new_ms": 12.0, "reused_ms": None},
        "sessions": {"moved": 24, "lost": 0},
        **changes,
    }


def test_a_row_has_a_dash_for_what_cannot_be_told_and_no_outage_that_was_the_machines() -> None:
    assert row(result()) == [
        *("Apache httpd 2.4.71", "fail", "1,234", "7", "300 / 0", "12 / –", "24", "0", "120", "–"),
    ]


def test_a_load_balancer_that_nobody_knows_is_refused_with_those_that_are_known(tmp_path: Path) -> None:
    done = CliRunner().invoke(compare_lb, ["--lb", "ours,iis", "--out", str(tmp_path)])
    assert isinstance(done.exception, UsageError)
    assert "iis is no load balancer known here" in done.exception.message
    assert "ours, apache, haproxy, nginx" in done.exception.hint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("document", ["", "<!-- compare-lb: valiantys -->"])
def test_a_document_without_the_markers_is_refused_before_the_first_run(tmp_path: Path, document: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(document)
    done = CliRunner().invoke(compare_lb, ["--lb", "ours", "--out", str(tmp_path / "runs"), "--write", str(page)])
    assert isinstance(done.exception, UsageError)
    assert "<!-- compare-lb: valiantys -->" in done.exception.message
    assert not (tmp_path / "runs").exists()
