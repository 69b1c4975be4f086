"""``docs/faults.md``'s reference part and ``zdu fault show``, made from the faults themselves.

``python -m simulator.faults.reference docs/faults.md`` writes it anew between its two marks.
"""

import sys
from pathlib import Path

from simulator.faults.catalogue import FAULTS
from simulator.faults.fault import Fault
from simulator.scenario.explain import keys_of
from simulator.scenario.reference import BEGIN, END, describe

_ACTS_ON = {
    "process": "the node's process, by a signal",
    "path": "the path between load balancer and node, by a proxy that is there in such a run only",
    "next start": "the configuration of the node's next start",
    "database": "the database, as another client of it",
    "database path": "the path between nodes and PostgreSQL, by a proxy that is there in such a run only",
    "load balancer": "the load balancer's process, by a signal",
    "load balancer's configuration": "the load balancer's configuration, which it reads again while it runs",
    "operator": "the operator of the story",
}


def summary(kind: type[Fault]) -> str:
    """What the fault is, in its own first sentence."""
    return (kind.__doc__ or "").strip().splitlines()[0]


def acts_on(kind: type[Fault]) -> str:
    """What it acts on, in a few words."""
    return _ACTS_ON[kind.acts_on]


def reference() -> str:
    """All faults as Markdown."""
    return "\n\n".join(_section(name, kind) for name, kind in FAULTS.items())


def _section(name: str, kind: type[Fault]) -> str:
    lines = [
        *(f"### `{name}`", "", (kind.__doc__ or "").strip().replace("\n    ", "\n"), "", f"Acts on {acts_on(kind)}."),
        *("", "| key | value | without it | meaning |", "|---|---|---|---|"),
    ]
    return "\n".join([*lines, *(row for row in describe(kind) if not row.startswith("| `name`"))])


def example(name: str) -> str:
    """A step with the fault, as it may stand in a scenario."""
    keys = keys_of(FAULTS[name])
    node = ", node: node1" if "node" in keys else ""
    return f"- fault: {{name: {name}{node}, for: 10s}}"


def embed(page: str) -> str:
    """The page with the reference between its marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{reference()}\n\n{END}{after}"


def main() -> None:
    """Write the reference into the page named on the command line."""
    page = Path(sys.argv[1])
    page.write_text(embed(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
