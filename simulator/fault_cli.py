"""``zdu fault``: what can be made to go wrong."""

import click

from simulator.faults.catalogue import FAULTS
from simulator.faults.reference import acts_on, example, summary
from simulator.scenario.coherence import suggestion
from simulator.scenario.reference import describe
from zdu.errors import UsageError


@click.group()
def fault() -> None:
    """List and explain what can be made to go wrong in a scenario's timeline.

    \b
    zdu fault list               all of them, a line each
    zdu fault show net.latency   what it does, and its attributes
    """  # noqa: D301 - click looks for the character itself


@fault.command("list")
def list_faults() -> None:
    """Print all faults, a line each."""
    width = max(map(len, FAULTS))
    for name, kind in FAULTS.items():
        click.echo(f"{name:{width}}  {summary(kind)}")


@fault.command()
@click.argument("name")
def show(name: str) -> None:
    """Explain the fault NAME, such as net.latency."""
    kind = FAULTS.get(name)
    if kind is None:
        raise UsageError(f"there is no fault {name!r}; {suggestion(name, list(FAULTS))}")
    click.echo(f"{name}\n\n{summary(kind)}\nActs on {acts_on(kind)}.\n")
    rows = [[cell.strip().strip("`*") for cell in row.strip("|").split("|")] for row in describe(kind)]
    for key, value, without, meaning in rows:
        default = "" if without in {"–", "required"} else f"; without it {without.strip('`')}"
        required = "; required" if without == "required" else ""
        if key != "name":
            click.echo(
                f"  {key:12} {value.replace('`', '')}{default}{required}\n               {meaning.replace('`', '')}"
            )
    click.echo(f"\nAs a step of a timeline:\n  {example(name)}")
