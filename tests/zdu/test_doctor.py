import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from zdu.doctor import PROGRAMS, Machine, diagnose, doctor, told

WELL_EQUIPPED = Machine(
    python=(3, 11, 2),
    event_loop="uvloop",
    postgresql="15.3",
    programs={program.name: "1.0" for program in PROGRAMS},
    descriptors=65_536,
    cores=4,
)


def test_a_machine_that_has_everything_has_no_complaints() -> None:
    assert {finding.mark for finding in diagnose(WELL_EQUIPPED)} == {"ok"}


@pytest.mark.parametrize(
    ("machine", "name", "mark"),
    [
        (replace(WELL_EQUIPPED, python=(3, 10, 9)), "Python", "!!"),
        (replace(WELL_EQUIPPED, event_loop="asyncio"), "uvloop", "--"),
        (replace(WELL_EQUIPPED, postgresql=""), "PostgreSQL", "--"),
        (replace(WELL_EQUIPPED, postgresql="14.11"), "PostgreSQL", "--"),
        (replace(WELL_EQUIPPED, descriptors=1024), "open files", "--"),
        (replace(WELL_EQUIPPED, cores=1), "processor cores", "--"),
        *((replace(WELL_EQUIPPED, programs={}), program.name, "--") for program in PROGRAMS),
    ],
)
def test_what_is_missing_is_told_with_what_to_try(machine: Machine, name: str, mark: str) -> None:
    findings = diagnose(machine)

    (missing,) = (finding for finding in findings if finding.name == name)
    assert (missing.mark, bool(missing.hint)) == (mark, True)
    assert any(missing.hint in line for line in told(findings))


def test_on_this_machine_python_is_found_and_programs_can_read_what_was_found() -> None:
    done = CliRunner().invoke(doctor, ["--json"], standalone_mode=False)

    assert done.return_value == 0
    findings = {finding["name"]: finding for finding in json.loads(done.output)}
    assert findings["Python"]["mark"] == "ok"
