"""What a release is: a version, its build, and what it does to the database that it shares with the one before."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Release:
    """One version of the software.

    The names of steps are those of ``shared_db.steps``, oldest first; a release has those of all releases before it
    too, because an upgrade may skip some.

    * ``expand_steps`` run when a node of this release starts and must not hurt older nodes,
    * ``upgrade_tasks`` run once, on one node, when the upgrade is finalised,
    * ``contract_steps`` take away what only older releases need, once the cluster is STABLE on this one,
    * ``features`` name what the code of this release does differently, in the SQL above all,
    * ``log_lines`` are what its nodes write into their log as they start, beside what every node writes,
    * ``flaw`` is what is wrong with it on purpose (:mod:`node.releases.flaws`); those of the catalogue have none.
    """

    version: str
    build: int
    expand_steps: tuple[str, ...] = ()
    upgrade_tasks: tuple[str, ...] = ()
    contract_steps: tuple[str, ...] = ()
    features: frozenset[str] = frozenset()
    log_lines: tuple[str, ...] = ()
    flaw: str = ""

    @property
    def numbers(self) -> tuple[int, int, int]:
        """``(7, 3, 2)`` for 7.3.2, flawed or not."""
        major, minor, patch = (int(part) for part in self.version.partition("+")[0].split("."))
        return major, minor, patch

    def after(self, previous: "Release") -> "Release":
        """The same release with all that ``previous`` brought before it."""
        return replace(
            self,
            expand_steps=previous.expand_steps + self.expand_steps,
            upgrade_tasks=previous.upgrade_tasks + self.upgrade_tasks,
            contract_steps=previous.contract_steps + self.contract_steps,
            features=previous.features | self.features,
        )


def with_column(version: str, build: int, column: str, says: str) -> Release:
    """A release that adds ``column``, ``table.name``, to the database, in the four steps of ``shared_db.steps``."""
    of = column.replace(".", "-").replace("_", "-")
    return Release(
        version,
        build,
        expand_steps=(f"{build}-add-{of}",),
        upgrade_tasks=(f"{build}-fill-{of}", f"{build}-index-{of}"),
        contract_steps=(f"{build}-require-{of}",),
        features=frozenset({column}),
        log_lines=(says,),
    )
