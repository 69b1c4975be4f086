"""All cases by family."""

from collections.abc import Mapping

from bench.oracle.case import Case
from bench.oracle.cases import connections, failures, responses, states, uploads

FAMILIES: Mapping[str, tuple[Case, ...]] = {
    "Nodes that fail": failures.CASES,
    "Answers": responses.CASES,
    "Bodies of requests": uploads.CASES,
    "Connections": connections.CASES,
    "Admin states": states.CASES,
}
