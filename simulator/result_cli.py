"""``zdu result``: what programs need to know of ``result.json``."""

import json

import click

from simulator.result_schema import result_schema


@click.group()
def result() -> None:
    """Help programs read result.json."""


@result.command()
def schema() -> None:
    """Print the JSON Schema of result.json. Later versions may add keys; none goes away."""
    click.echo(json.dumps(result_schema(), indent=2, ensure_ascii=False))
