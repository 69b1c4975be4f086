"""The fields of a scenario that are sentences: read when the file is, and kept as they are written."""

from typing import Annotated, Any

from pydantic import AfterValidator, Strict
from pydantic_core import PydanticCustomError

from simulator.scenario.objectives import parse_objective
from simulator.scenario.quantities import ERROR_RATE, PERCENTILE, REQUESTS_LOST
from simulator.scenario.sometimes import parse_sometimes
from simulator.scenario.words import Misread

MISREAD = "misread"
"""The type of the error that a sentence brings; its context has the ``offset`` in it."""
OF_ONE_NODE = (REQUESTS_LOST, ERROR_RATE, PERCENTILE)
"""What can be told of the users of some nodes alone, while the story goes on."""


def _check(parse: Any, text: str) -> str:
    try:
        return str(parse(text).text)
    except Misread as error:
        raise PydanticCustomError(MISREAD, "{why}", {"why": error.message, "offset": error.offset}) from None


def _check_objective(text: str) -> str:
    return _check(parse_objective, text)


def _check_sometimes(text: str) -> str:
    return _check(parse_sometimes, text)


def _of_one_node(text: str) -> str:
    objective = parse_objective(text)
    if objective.quantity not in OF_ONE_NODE or objective.scope.part:
        raise ValueError(
            f"expected requests lost, rate of errors or a percentile such as p95, for as long as the watch lasts, "
            f"not {text!r}"
        )
    return text


ObjectiveText = Annotated[str, Strict(), AfterValidator(_check_objective)]
SometimesText = Annotated[str, Strict(), AfterValidator(_check_sometimes)]
CanaryText = Annotated[str, Strict(), AfterValidator(_check_objective), AfterValidator(_of_one_node)]
