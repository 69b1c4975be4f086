"""``zdu scenario``: look at the scenarios there are, and check one's own before it is played."""

import json
from pathlib import Path
from typing import TypedDict

import click

from simulator.scenario import Scenario, ScenarioError, find_scenario, load, load_scenario, shipped_scenarios
from simulator.scenario.completion import complete_scenario
from simulator.scenario.document import parse_document
from simulator.scenario.graph import DRAW, FORMATS
from simulator.scenario.load import read_scenario
from simulator.scenario.schema import json_schema
from zdu.errors import ExitCode, UsageError

_STARTER = Path(__file__).parent / "scenario" / "starter.yaml"


@click.group()
def scenario() -> None:
    """List, show and check scenario files."""


@scenario.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list instead.")
def list_scenarios(as_json: bool) -> None:
    """List the scenarios that come with zdu."""
    found = {name: (path, load(name)) for name, path in shipped_scenarios().items()}
    if as_json:
        _print_json([_facts(path, one) for path, one in found.values()])
        return
    width = max(map(len, found), default=0)
    for name, (_, one) in found.items():
        click.echo(f"{name:{width}}  {one.title}{_ending(one.ends.verdict)}")
        if one.twin:
            click.echo(f"{'':{width}}    --twin: {one.twin.title}{_ending(one.twin.ends.verdict)}")


def _ending(verdict: str) -> str:
    return "" if verdict == "pass" else f" ({verdict}, as it is meant to)"


def _facts(path: Path, one: Scenario) -> dict[str, object]:
    twin = {"title": one.twin.title, "ends": one.twin.ends.verdict} if one.twin else None
    return {"name": one.name, "title": one.title, "file": str(path), "ends": one.ends.verdict, "twin": twin}


@scenario.command(short_help="Print a scenario's file.")
@click.argument("name")
def show(name: str) -> None:
    """Print the file of the scenario NAME; a copy of it is a good start for a scenario of your own."""
    path = find_scenario(name)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    click.echo(f"# {path}")
    click.echo(text, nl=not text.endswith("\n"))


@scenario.command(short_help="Write a first scenario of your own.")
@click.argument("name")
def new(name: str) -> None:
    """Write NAME.yaml: a scenario that passes, with a comment at each part, to be made yours."""
    name = name.removesuffix(".yaml")
    text = _STARTER.read_text(encoding="utf-8").replace("NAME", name)
    path = Path(f"{name}.yaml")
    read_scenario(parse_document(text, str(path)))
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise UsageError(f"{path} is there already", hint="Take another name; nothing was written.") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
    click.echo(f"{path} is written. Play it: zdu run {path}")


@scenario.command(short_help="Draw a scenario's story.")
@click.argument("name", shell_complete=complete_scenario)
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="tree", help="For a terminal (tree), or a page."
)
@click.option("--twin", is_flag=True, help="Draw its twin.")
@click.option("--set", "overrides", metavar="KEY=VALUE", multiple=True, help="With this value instead.")
def graph(name: str, form: str, overrides: tuple[str, ...], *, twin: bool) -> None:
    """Draw the story of the scenario NAME: its steps, what they do, and which of them are side by side."""
    click.echo(DRAW[form](load(name, overrides, twin=twin)))


@scenario.command(short_help="Tell all mistakes in scenario files.")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--set", "overrides", metavar="KEY=VALUE", multiple=True, help="Check with this value instead.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list instead, one entry for each file.")
@click.pass_context
def check(context: click.Context, files: tuple[str, ...], overrides: tuple[str, ...], as_json: bool) -> None:
    """Say of each FILE "ok", or all its mistakes as file:line:column. Exit code 64 if there is any."""
    verdicts = [_check(file, overrides) for file in files]
    if as_json:
        _print_json(verdicts)
    else:
        for verdict in verdicts:
            _print_verdict(verdict)
    if not all(verdict["ok"] for verdict in verdicts):
        context.exit(ExitCode.USAGE)


@scenario.command(short_help="Print the JSON Schema of the language.")
def schema() -> None:
    """Print the JSON Schema of the scenario language, for editors that check while you type."""
    _print_json(json_schema())


class _Verdict(TypedDict):
    file: str
    ok: bool
    mistakes: list[dict[str, str]]
    hint: str


def _check(file: str, overrides: tuple[str, ...]) -> _Verdict:
    mistakes: list[dict[str, str]] = []
    hint = ""
    try:
        load_scenario(find_scenario(file), overrides)
    except ScenarioError as error:
        mistakes = [{"place": one.place, "message": one.message} for one in error.mistakes]
        hint = error.hint
    except UsageError as error:
        mistakes = [{"place": file, "message": error.message}]
        hint = error.hint
    return _Verdict(file=file, ok=not mistakes, mistakes=mistakes, hint=hint)


def _print_verdict(verdict: _Verdict) -> None:
    if verdict["ok"]:
        click.echo(f"{verdict['file']}: ok")
        return
    for mistake in verdict["mistakes"]:
        click.echo(f"{mistake['place']}: {mistake['message']}")
    if verdict["hint"]:
        click.echo(verdict["hint"])


def _print_json(data: object) -> None:
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))
