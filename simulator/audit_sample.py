"""Which issues the auditor reads through the nodes, where there are more than can be read in good time. Pure.

That a write is kept is proved in the database, for every one of them. What reading through a node adds is whether
*this node* shows what another one has written. Whatever hides writes from a node hides a sort of them: those of
another node, of one kind, of a stretch of time. So the sample has some of each sort (kind, and node that confirmed
it), spread over the whole run, and each sort that is small has all of its issues looked at.
"""

from collections.abc import Mapping, Sequence

from simulator.record.requests import RequestRecord

READS_IN_ALL = 1000
"""So many issues are read, through all nodes together: some seconds. Up to so many, every one is."""
LEAST_PER_NODE = 50


def issues_per_node(nodes: int) -> int:
    """How many issues are read through each of so many nodes."""
    return max(LEAST_PER_NODE, READS_IN_ALL // max(1, nodes))


def by_issue(writes: Sequence[RequestRecord]) -> dict[str, list[RequestRecord]]:
    """The writes to each issue, in their order; a write to several issues is in each of them."""
    found: dict[str, list[RequestRecord]] = {}
    for write in writes:
        for issue in write.issues:
            found.setdefault(issue, []).append(write)
    return found


def sample(written: Mapping[str, Sequence[RequestRecord]], most: int) -> list[str]:
    """At most that many of the issues, all if there are no more; the same ones for the same writes."""
    if len(written) <= most:
        return list(written)
    sorts: dict[tuple[str, str], dict[str, None]] = {}
    for issue, writes in written.items():
        for write in writes:
            sorts.setdefault((write.kind, write.node), {})[issue] = None
    chosen: dict[str, None] = {issue: None for issue in written if not issue}  # confirmed, and nobody knows where
    smallest_first = sorted(sorts.values(), key=len)
    for place, issues in enumerate(smallest_first):
        wanted = (most - len(chosen)) // (len(smallest_first) - place)
        chosen |= dict.fromkeys(_spread([issue for issue in issues if issue not in chosen], wanted))
    return list(chosen)


def _spread(issues: Sequence[str], count: int) -> list[str]:
    """That many of them at even distances, the first and the last among them."""
    if len(issues) <= count:
        return list(issues)
    if count < 2:
        return list(issues[-count:]) if count else []
    return [issues[round(turn * (len(issues) - 1) / (count - 1))] for turn in range(count)]
