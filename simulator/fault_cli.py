"""``zdu fault``: what can be made to go wrong."""

import click

from simulator.faults.catalogue import FAULTS
from simulator.faults.reference import acts_on, example, summary
from simulator.scenario.document import parse_document, plain
from simulator.scenario.reference import keys_in_words
from simulator.scenario.spelling import suggestion
from simulator.up.commands import as_json_only, cluster_name, wish
from simulator.up.fault_wishes import read_fault
from zdu.errors import UsageError


@click.group()
def fault() -> None:
    """List and explain what can be made to go wrong, in a scenario's timeline or on a cluster that is up.

    \b
    zdu fault list               all of them, a line each
    zdu fault show net.latency   what it does, and its attributes
    zdu fault apply net.latency --node node1 latency=300ms for=10s
    zdu fault reset              take back all that are on
    """


@fault.command("list")
def list_faults() -> None:
    """Print all faults, a line each."""
    width = max(map(len, FAULTS))
    for name, kind in FAULTS.items():
        click.echo(f"{name:{width}}  {summary(kind)}")


@fault.command("apply")
@click.argument("name")
@click.option("--node", help="The node it is about, such as node1.")
@click.argument("attributes", metavar="[KEY=VALUE]...", nargs=-1)
@cluster_name
@as_json_only
def apply_to_cluster(
    name: str, node: str | None, attributes: tuple[str, ...], cluster: str | None, as_json: bool
) -> None:
    """Put the fault NAME on, on the cluster that is up; `for=10s` takes it back after that time."""
    written = {"name": name, **({"node": node} if node else {}), **dict(map(_attribute, attributes))}
    read_fault(written)  # a mistake is told here, whether a cluster is up or not
    wish("faults/apply", cluster, as_json, fault=written)


@fault.command("reset")
@click.argument("name", default="")
@cluster_name
@as_json_only
def reset_on_cluster(name: str, cluster: str | None, as_json: bool) -> None:
    """Take back the fault NAME, or all that are on, on the cluster that is up."""
    wish("faults/reset", cluster, as_json, name=name)


def _attribute(text: str) -> tuple[str, object]:
    """``latency=300ms``: the value is read as in a scenario file."""
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise UsageError(f"expected KEY=VALUE, such as for=10s, not {text!r}")
    return key, plain(parse_document(value, text).root)


@fault.command()
@click.argument("name")
def show(name: str) -> None:
    """Explain the fault NAME, such as net.latency."""
    kind = FAULTS.get(name)
    if kind is None:
        raise UsageError(f"there is no fault {name!r}; {suggestion(name, list(FAULTS))}")
    click.echo(f"{name}\n\n{summary(kind)}\nActs on {acts_on(kind)}.\n")
    for row in keys_in_words(kind):
        default = "" if row.default == "–" or row.required else f"; without it {row.default}"
        required = "; required" if row.required else ""
        if row.key != "name":
            text = f"  {row.key:12} {row.kind}{default}{required}\n               {row.meaning}"
            click.echo(text.replace("`", ""))
    click.echo(f"\nAs a step of a timeline:\n  {example(name)}")
