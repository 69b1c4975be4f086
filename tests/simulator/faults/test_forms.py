"""A form for each fault: what is filled in there is a fault that can be put on."""

from typing import Any

import pytest

from simulator.faults.catalogue import FAULTS
from simulator.faults.forms import fault_forms
from simulator.up.fault_wishes import read_fault
from zdu.errors import UsageError

FORMS = {form["name"]: form for form in fault_forms()}


def test_there_is_a_form_for_every_fault_with_its_attributes_and_their_defaults() -> None:
    assert list(FORMS) == list(FAULTS)
    latency = FORMS["net.latency"]
    assert latency["of_a_node"]
    assert {one["key"]: one["default"] for one in latency["attributes"]} == {
        "probability": "1",
        "latency": "300ms",
        "jitter": "0s",
    }
    assert not FORMS["db.locked"]["of_a_node"]
    assert fault_forms() is fault_forms(), "a status with all of them is told many times a second"
    assert "`" not in str(fault_forms()), "a page shows words, not Markdown"


@pytest.mark.parametrize("form", FORMS.values(), ids=list(FORMS))
def test_a_form_filled_in_with_its_own_defaults_is_a_fault(form: dict[str, Any]) -> None:
    node = {"node": "node1"} if form["of_a_node"] else {}
    values = {one["key"]: _value(one["default"]) for one in form["attributes"] if one["default"]}
    assert read_fault({"name": form["name"], **node, "for": "10s", **values}).name == form["name"]
    if form["node_required"]:
        with pytest.raises(UsageError, match="needs node"):
            read_fault({"name": form["name"]})


def _value(text: str) -> object:
    return int(text) if text.isdecimal() else text
