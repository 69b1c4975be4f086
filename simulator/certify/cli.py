"""``zdu certify`` and ``zdu probe``."""

import asyncio
import re
import shlex
import sys
from pathlib import Path

import click
from pydantic import ValidationError

from simulator.certify.certification import Certification, CertificationPlan, check_command
from simulator.certify.target import Target, pairs, parse_url
from simulator.cli import raise_descriptor_limit
from simulator.conclude import conclude
from simulator.record.recorder import Recorder
from simulator.record.run_folder import create_run_folder
from simulator.scenario.expectations import Expectations
from simulator.view.conclusion import print_conclusion
from simulator.view.model import ViewModel
from simulator.view.plain import PlainView
from simulator.view.silent import SilentView
from zdu.clock import SystemClock
from zdu.durations import parse_duration_s
from zdu.errors import ExitCode, UsageError
from zdu.process import new_event_loop

LEAD_S = 2.0


def _options(command: click.Command) -> click.Command:
    """What both commands take."""
    given = (
        click.Option(["--expect-text", "text"], default="", metavar="TEXT", help="What every good answer has in it."),
        click.Option(["--login"], default="", metavar="PATH", help="Where the log-in form is sent to."),
        click.Option(["--form"], multiple=True, metavar="NAME=VALUE", help="A field of it; {n} is who logs in."),
        click.Option(["--header"], multiple=True, metavar="NAME: VALUE", help="Sent with every request."),
        click.Option(["--rate"], type=click.FloatRange(1, 1000), default=10.0, help="Probes a second (10)."),
        click.Option(["--timeout"], default="5s", metavar="TIME", help="No whole answer by then is a failure (5s)."),
        click.Option(["--expect", "objectives"], multiple=True, metavar="SENTENCE", help="'longest outage < 1s', …"),
        click.Option(["--allow-remote"], is_flag=True, help="Measure a system that is not on this machine."),
        click.Option(["--out"], type=click.Path(path_type=Path), default=Path("runs"), help="For the record."),
        click.Option(["--json", "as_json"], is_flag=True, help="Print the result as JSON and nothing else."),
    )
    command.params.extend(given)
    return command


@click.command(context_settings={"ignore_unknown_options": False})
@click.option("--url", required=True, help="The system as its users reach it, with the page to ask for.")
@click.option("--users", type=click.IntRange(0, 1000), default=6, help="Visitors with a session each (6).")
@click.option("--node-header", default="", metavar="NAME", help="The response header that names the node.")
@click.option("--node-cookie", default="", metavar="NAME", help="The cookie that names the node.")
@click.argument("command", nargs=-1, required=True)
def certify(
    url: str, users: int, node_header: str, node_cookie: str, command: tuple[str, ...], **options: object
) -> None:
    """Measure the system at URL while COMMAND performs its upgrade, and judge whether anyone noticed.

    Visitors read the page all the time, each with a session of its own, and two kinds of probes measure outages. The
    record, the report, the verdict and the exit codes are those of zdu run. A COMMAND that fails makes it fail.

    \b
    Examples:
      zdu certify --url http://127.0.0.1:8080/ -- ./upgrade.sh
      zdu certify --url http://127.0.0.1:8080/home --login /login --form user=u{n} --form password=secret \\
          --expect-text Welcome --node-cookie ROUTEID --expect 'longest outage < 1s' -- ./upgrade.sh
    """
    check_command(command)
    base, path = parse_url(url, allow_remote=bool(options["allow_remote"]))
    target = _target(base, path, options, node_header=node_header, node_cookie=node_cookie)
    _measure("certify", target, options, command=command, for_s=0.0, users=users)


@click.command()
@click.argument("url")
@click.option("--for", "for_", default="10s", metavar="TIME", help="How long (10s).")
def probe(url: str, for_: str, **options: object) -> None:
    """Probe URL at a fixed rate, on new and on kept-alive connections, and tell every outage.

    \b
    Exit codes: 0 no probe failed, 1 some did, 2 it proves nothing, 64 wrong usage, 130 interrupted.
    """
    base, path = parse_url(url, allow_remote=bool(options["allow_remote"]))
    for_s = _duration(for_, "--for")
    _measure("probe", _target(base, path, options), options, command=(), for_s=for_s, users=0)


for _command in (certify, probe):
    _options(_command)


def _measure(
    name: str, target: Target, options: dict[str, object], *, command: tuple[str, ...], for_s: float, users: int
) -> None:
    objectives = tuple(str(word) for word in _words(options["objectives"]))
    _check_objectives(objectives)
    raise_descriptor_limit()
    clock = SystemClock()
    folder = create_run_folder(Path(str(options["out"])), name, clock)
    plan = CertificationPlan(
        name=name,
        target=target,
        folder=folder,
        command_line=command_line(sys.argv[1:]),
        command=command,
        for_s=for_s,
        users=users,
        rate=float(str(options["rate"])),
        timeout_s=_duration(str(options["timeout"]), "--timeout"),
        objectives=objectives,
        lead_s=LEAD_S,
    )
    as_json = bool(options["as_json"])
    recorder = Recorder(folder.path, clock)
    view = SilentView() if as_json else PlainView(ViewModel.of(()), click.echo)
    recorder.follow(view.on_event, view.on_request)
    certification = Certification(plan, recorder, view)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(certification.execute())
    recorder.close()
    conclusion = conclude(folder)
    print_conclusion(conclusion, as_json=as_json)
    sys.exit(ExitCode.INTERRUPTED if certification.interrupted else conclusion.exit_code)


def command_line(words: list[str]) -> str:
    """The command as it was typed, without what may be a secret: values of form fields and of headers."""
    told, secret = ["zdu"], False
    for word in words:
        if secret:
            name, separator, _ = re.split(r"([=:])", f"{word}=", maxsplit=1)
            told.append(f"{name}{separator}…")
        else:
            option, there, value = word.partition("=")
            hidden = option in {"--form", "--header"} and there
            told.append(f"{option}={re.split('[=:]', value)[0]}=…" if hidden else word)
        secret = word in {"--form", "--header"}
    return shlex.join(told)


def _target(base: str, path: str, options: dict[str, object], **nodes: str) -> Target:
    login, form = str(options["login"]), pairs(_words(options["form"]), "--form", "=")
    if bool(login) != bool(form):
        raise UsageError(
            "--login and --form belong together",
            hint="--login /login --form user=u{n} --form password=secret; a token goes into --header.",
        )
    headers = pairs(_words(options["header"]), "--header", ":")
    return Target(base, path, str(options["text"]), login, form, headers, **nodes)


def _words(given: object) -> tuple[str, ...]:
    return tuple(map(str, given)) if isinstance(given, tuple | list) else ()


def _duration(text: str, option: str) -> float:
    try:
        seconds = parse_duration_s(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from error
    if seconds <= 0:
        raise UsageError(f"{option}: expected a time longer than 0, not {text!r}")
    return seconds


def _check_objectives(objectives: tuple[str, ...]) -> None:
    try:
        Expectations(objectives=objectives)
    except ValidationError as error:
        raise UsageError(f"--expect: {error.errors()[0]['msg']}") from error
