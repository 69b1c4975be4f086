"""The sample of issues that is read through the nodes has some of every sort of write."""

from itertools import pairwise

from simulator.audit_sample import LEAST_PER_NODE, READS_IN_ALL, by_issue, issues_per_node, sample
from simulator.record.requests import RequestRecord
from tests.support.evidence import request

MOST = 50


def written(count: int, kind: str, node: str, prefix: str) -> list[RequestRecord]:
    return [request(n, float(n), node, kind=kind, write=f"w{prefix}{n}", issue=f"{prefix}-{n}") for n in range(count)]


def test_few_issues_are_all_read() -> None:
    issues = by_issue(written(MOST, "create_issue", "node1", "A"))
    assert sample(issues, MOST) == list(issues)


def test_a_sample_is_as_large_as_it_may_be_and_has_all_of_a_rare_sort() -> None:
    writes = [
        *written(1000, "create_issue", "node1", "A"),
        *written(300, "create_issue", "node2", "B"),
        *written(3, "bulk_edit", "node2", "C"),
    ]
    chosen = sample(by_issue(writes), MOST)
    assert len(chosen) == len(set(chosen)) == MOST
    assert {"C-0", "C-1", "C-2", "A-0", "A-999", "B-0", "B-299"} <= set(chosen)
    assert sum(issue.startswith("A") for issue in chosen) == 24


def test_a_sample_misses_no_stretch_of_the_run() -> None:
    chosen = sample(by_issue(written(1000, "create_issue", "node1", "A")), MOST)
    numbers = [int(issue.removeprefix("A-")) for issue in chosen]
    assert max(later - earlier for earlier, later in pairwise(numbers)) <= 1000 / MOST + 1


def test_a_confirmed_write_to_nobody_knows_which_issue_is_always_looked_for() -> None:
    writes = [*written(500, "create_issue", "node1", "A"), request(1, 2.0, kind="create_issue", write="w1", issue="")]
    assert "" in sample(by_issue(writes), MOST)


def test_more_sorts_than_may_be_read_are_no_reason_to_read_more() -> None:
    writes = [record for n in range(MOST * 2) for record in written(5, "comment_issue", f"node{n}", f"P{n}")]
    assert len(sample(by_issue(writes), MOST)) == MOST


def test_an_issue_with_several_sorts_of_writes_is_read_once() -> None:
    one = written(200, "create_issue", "node1", "A")
    chosen = sample(by_issue([*one, *written(200, "comment_issue", "node2", "A")]), MOST)
    assert len(chosen) == len(set(chosen)) == MOST


def test_all_nodes_together_share_the_reads_and_each_has_some() -> None:
    assert [issues_per_node(nodes) for nodes in (0, 1, 2, 50)] == [
        *(READS_IN_ALL, READS_IN_ALL, READS_IN_ALL // 2),
        LEAST_PER_NODE,
    ]
