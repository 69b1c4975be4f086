"""The same tests run on the interpreted load balancer and on the compiled one: here, that it is really that one."""

import importlib
import importlib.util
import os
from pathlib import Path

import pytest

from lb.compiled import COMPILED
from tools.compile_lb import IN_C, ROOT, settings, source_of

WANTED = os.environ.get("ZDU_TESTS_COMPILED") == "1"
"""What ``make test-compiled`` says."""


@pytest.mark.parametrize("module", settings()["modules"])
def test_every_module_that_can_be_compiled_is_what_these_tests_are_to_run_on(module: str) -> None:
    file = Path(importlib.import_module(module).__file__ or "")
    if WANTED:
        assert file.suffix in {".so", ".pyd"}
        assert file.is_relative_to(ROOT / "build" / "compiled")
    else:
        assert file == ROOT / source_of(module)
    assert COMPILED is WANTED


@pytest.mark.parametrize("module", sorted(IN_C))
def test_what_is_written_in_c_is_there_on_the_compiled_one_and_missed_nowhere(module: str) -> None:
    found = importlib.util.find_spec(module)
    assert (found is not None) is WANTED
    assert (ROOT / IN_C[module]).is_file()


def test_nothing_is_compiled_beside_the_sources_where_it_would_grow_stale() -> None:
    found = [path for package in settings()["packages"] for path in (ROOT / package).rglob("*.so")]
    assert found == []
