"""The tables: what each load balancer made of each case, and which requests it refused. Pure."""

from collections.abc import Mapping, Sequence

from bench.common.tables import markdown_table
from bench.oracle.case import Case, Seen, Vector, VectorSeen, differences, vector_right

NOT_POSSIBLE = "n/a"


def case_table(cases: Sequence[Case], seen: Mapping[str, Mapping[str, Seen]]) -> str:
    """One row a case, one column a product; ``≠`` marks what differs from what is wanted of ours."""
    rows = []
    for case in cases:
        cells = []
        for outcomes in seen.values():
            found = outcomes.get(case.name)
            cells.append((found.text() + " ≠" * bool(differences(case, found))) if found else NOT_POSSIBLE)
        where = f" ({case.world.name})" if case.world.stopped or case.world.admin else ""
        rows.append([case.name + where, " or ".join(case.want), *cells])
    return markdown_table(["Case", "wanted of ours", *seen], rows)


def vector_table(vectors: Sequence[Vector], seen: Mapping[str, Mapping[str, VectorSeen]], ours: str) -> str:
    """One row a vector; ``≠`` marks a wrong verdict, of ours also where RFCs leave it open."""
    rows = []
    for vector in vectors:
        cells = []
        for product, outcomes in seen.items():
            found = outcomes[vector.name]
            right = vector_right(vector, found, strict=product == ours)
            cells.append(found.text() + " ≠" * (not right))
        rows.append([vector.name, vector.section, str(vector.verdict), *cells])
    return markdown_table(["Request", "RFC", "right", *seen], rows)


def score_table(
    cases: Sequence[Case],
    seen: Mapping[str, Mapping[str, Seen]],
    vectors: Sequence[Vector],
    vectors_seen: Mapping[str, Mapping[str, VectorSeen]],
    ours: str,
) -> str:
    """How many are as wanted, of how many that the product can be asked."""
    rows = []
    for product, outcomes in seen.items():
        able = [case for case in cases if case.name in outcomes]
        right = sum(not differences(case, outcomes[case.name]) for case in able)
        verdicts = sum(
            vector_right(vector, vectors_seen[product][vector.name], strict=product == ours) for vector in vectors
        )
        rows.append([product, f"{right} of {len(able)}", f"{verdicts} of {len(vectors)}"])
    return markdown_table(["", "cases as wanted of ours", "requests judged right"], rows)


def complaints(
    cases: Sequence[Case], seen: Mapping[str, Seen], vectors: Sequence[Vector], vectors_seen: Mapping[str, VectorSeen]
) -> list[str]:
    """In words, what one product does differently from what is wanted of ours."""
    found = [
        f"{case.name}: {'; '.join(differences(case, seen[case.name]))}"
        for case in cases
        if case.name in seen and differences(case, seen[case.name])
    ]
    found += [
        f"{vector.name}: {vectors_seen[vector.name].text()}, right is {vector.verdict} (RFC {vector.section})"
        for vector in vectors
        if not vector_right(vector, vectors_seen[vector.name], strict=True)
    ]
    return found
